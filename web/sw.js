// The service worker of the site: all of it from the cache, each file looked through, and with every answer the headers for threads.
// `python web/build.py` fills these in.
const VERSION = "{version}";
const SHELL = {shell}; // path -> the first digits of its SHA-256
const FILES = new Set({files}); // these have theirs in their names

const SHELF = `impasto-${VERSION}`, STORE = "impasto-files", SHARED = "impasto-shared";
const HEADERS = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Resource-Policy": "same-origin" };
const place = (path) => new URL(path, registration.scope);
const lasting = (path) => /^(page-|files\/)/.test(path); // its name changes with what is in it
const pathOf = (url) => url.slice(registration.scope.length).replace(/[?#].*/, "").replace(/^(index\.html)?$/, "./");

addEventListener("install", (event) => event.waitUntil((async () => {
  const shelf = await caches.open(SHELF);
  await shelf.addAll(Object.keys(SHELL).map((path) => new Request(place(path), { cache: lasting(path) ? "default" : "no-cache" })));
})().catch((error) => {
  if (registration.active) throw error; // the version that is there goes on, whole; without storage the first one still adds the headers
})));

addEventListener("activate", (event) => event.waitUntil((async () => {
  await clients.claim();
  for (const name of await caches.keys()) if (/^impasto-[0-9a-f]+$/.test(name) && name !== SHELF) await caches.delete(name);
  const store = await caches.open(STORE);
  for (const { url } of await store.keys()) if (!FILES.has(pathOf(url))) await store.delete(url);
})().catch(() => {})));

addEventListener("message", (event) => event.waitUntil(event.data === "take over" ? takeOver(event) : lookThrough(event)));

/** A page asks this version to take over: only where no other page is in the middle of something with the former one. */
async function takeOver(event) {
  const pages = (await clients.matchAll({ type: "window", includeUncontrolled: true })).filter(({ url }) => url.startsWith(registration.scope));
  if (pages.length > 1) event.source.postMessage("others");
  else await skipWaiting();
}

/** What is kept of the page is made whole: a browser that still holds a file in its memory asks for none. */
async function lookThrough(event) {
  for (const path of Object.keys(SHELL)) await answer(new Request(place(path)), event).then((found) => found.blob()).catch(() => {}); // offline
}

addEventListener("fetch", (event) => {
  const { request } = event;
  if (!request.url.startsWith(registration.scope)) return;
  if (request.method === "GET") event.respondWith(answer(request, event));
  else if (request.method === "POST" && pathOf(request.url) === "share") event.respondWith(shared(request));
});

async function answer(request, event) {
  const path = pathOf(request.url), file = FILES.has(path);
  if (!file && !Object.hasOwn(SHELL, path)) return withHeaders(await fetch(request));
  const cache = await caches.open(file ? STORE : SHELF).catch(() => null);
  const kept = await cache?.match(place(path)).catch(() => null), body = await kept?.arrayBuffer().catch(() => null);
  if (body && (await sound(path, body))) return withHeaders(kept, body);
  const cached = kept || request.cache === "reload" ? "reload" : lasting(path) ? "default" : "no-cache";
  const found = await fetch(place(path), { cache: cached }).catch((error) => {
    if (!body || file) throw error;
    return null;
  });
  if (!found) return withHeaders(kept, body); // a host changed it on its way: better than nothing
  if (cache && found.ok) event.waitUntil(cache.put(place(path), found.clone()).catch(() => {}));
  return withHeaders(found);
}

/** Whether a kept body is what was built. */
async function sound(path, body) {
  const wanted = SHELL[path] ?? path.match(/\.([0-9a-f]{12})\./)[1];
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("").startsWith(wanted);
}

function withHeaders(found, body = found.body) {
  if (!found.status || found.type === "opaque") return found;
  const headers = new Headers(found.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(body, { status: found.status, statusText: found.statusText, headers });
}

/** Photos that were shared with the app: the page takes them from here. */
async function shared(request) {
  try {
    const files = (await request.formData()).getAll("photos").filter((file) => file instanceof File && file.size), cache = await caches.open(SHARED);
    for (const [at, file] of files.entries()) {
      await cache.put(place(`share/${Date.now()}-${at}`), new Response(file, { headers: { "Content-Type": file.type, "X-Name": encodeURIComponent(file.name) } }));
    }
  } catch {} // the page reports that there is nothing
  return Response.redirect(place("./#shared"), 303);
}
