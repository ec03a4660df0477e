// Photos and styles that come from outside of the page: opened with the app, or shared with it.

const SHARED = "impasto-shared"; // the service worker puts them there

/** `take(files)` is called with what was opened or shared; with none where it got lost on the way. */
export async function arrivals(take) {
  globalThis.launchQueue?.setConsumer(async ({ files = [] }) => {
    if (files.length) take(await Promise.all(files.map((handle) => handle.getFile())).catch(() => []));
  });
  if (location.hash !== "#shared") return;
  history.replaceState(null, "", location.pathname);
  take(await shared().catch(() => []));
}

async function shared() {
  const cache = await caches.open(SHARED), out = [];
  for (const request of await cache.keys()) {
    const found = await cache.match(request), blob = await found.blob();
    out.push(new File([blob], decodeURIComponent(found.headers.get("X-Name") ?? ""), { type: blob.type }));
  }
  await caches.delete(SHARED);
  return out;
}
