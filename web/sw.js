// The service worker of the site: all of it from the cache, and with every answer the headers for threads.
// `python web/build.py` fills these in.
const VERSION = "{version}";
const SHELL = {shell};
const FILES = new Set({files});

const SHELF = `impasto-${VERSION}`, STORE = "impasto-files";
const HEADERS = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Resource-Policy": "same-origin" };
const pathOf = (url) => new URL(url).href.slice(registration.scope.length).replace(/[?#].*/, "");

addEventListener("install", (event) => event.waitUntil((async () => {
  const shelf = await caches.open(SHELF);
  await shelf.addAll(SHELL.map((path) => new Request(path, { cache: path.startsWith("page-") ? "default" : "no-cache" })));
})().catch(() => {}))); // without storage it still adds the headers

addEventListener("activate", (event) => event.waitUntil((async () => {
  await clients.claim();
  for (const name of await caches.keys()) if (/^impasto-[0-9a-f]+$/.test(name) && name !== SHELF) await caches.delete(name);
  const store = await caches.open(STORE);
  for (const request of await store.keys()) if (!FILES.has(pathOf(request.url))) await store.delete(request);
})().catch(() => {})));

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(registration.scope)) event.respondWith(answer(request, event));
});

async function answer(request, event) {
  const path = request.mode === "navigate" ? "./" : pathOf(request.url) || "./", name = FILES.has(path) ? STORE : SHELF;
  const cache = await caches.open(name).catch(() => null);
  const kept = request.cache === "reload" && FILES.has(path) ? null : await cache?.match(new URL(path, registration.scope)).catch(() => null);
  if (kept) return withHeaders(kept);
  const found = await fetch(request);
  if (cache && found.ok && FILES.has(path)) event.waitUntil(cache.put(new URL(path, registration.scope), found.clone()).catch(() => {}));
  return withHeaders(found);
}

function withHeaders(found) {
  if (!found.status || found.type === "opaque") return found;
  const headers = new Headers(found.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(found.body, { status: found.status, statusText: found.statusText, headers });
}
