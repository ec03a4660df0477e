// A new version of the site: it waits until the page asks for it. Nothing is loaded anew by itself.

const PAUSE = 3_600_000; // ms between two looks for one, while the page stays open

/** `ready(take)` is called when a new version is here: `take()` loads it. `others()`: other pages are open, and it has to wait. */
export async function renewal(ready, others) {
  const { serviceWorker } = navigator, found = await serviceWorker?.getRegistration(document.baseURI);
  if (!found) return;
  let asked = false, looked = Date.now();
  const offer = () => {
    if (found.waiting && found.active) ready(() => ((asked = true), found.waiting.postMessage("take over")));
  };
  found.addEventListener("updatefound", () => found.installing?.addEventListener("statechange", offer));
  serviceWorker.addEventListener("controllerchange", () => asked && location.reload());
  serviceWorker.addEventListener("message", ({ data }) => data === "others" && ((asked = false), others()));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || Date.now() - looked < PAUSE) return;
    looked = Date.now();
    found.update().catch(() => {}); // offline
  });
  offer();
}
