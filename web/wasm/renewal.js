// A new version of the site: it waits until the page asks for it. Nothing is loaded anew by itself.

import { anew } from "./isolation.js";

const PATIENCE = 3000; // ms that the former version has to end: now and then a browser lets the new one wait without end
const PAUSE = 3_600_000; // ms between two looks for one, while the page stays open

/** `ready(take)` is called when a new version is here: `take()` loads it. `others()`: other pages are open, and it has to wait. */
export async function renewal(ready, others) {
  const { serviceWorker } = navigator, found = await serviceWorker?.getRegistration(document.baseURI);
  if (!found) return;
  let asked = false, looked = Date.now();
  const offer = () => {
    if (found.waiting && found.active) ready(take);
  };
  const take = () => {
    asked = true;
    found.waiting?.postMessage("take over");
    setTimeout(() => asked && found.unregister().then(anew, () => {}), PATIENCE);
  };
  found.addEventListener("updatefound", () => found.installing?.addEventListener("statechange", offer));
  serviceWorker.addEventListener("controllerchange", () => asked && ((asked = false), location.reload()));
  serviceWorker.addEventListener("message", ({ data }) => data === "others" && ((asked = false), others()));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || Date.now() - looked < PAUSE) return;
    looked = Date.now();
    found.update().catch(() => {}); // offline
  });
  offer();
}
