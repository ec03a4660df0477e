// The service worker: it keeps the site for offline use, and adds the headers with which threads may share memory.

const FLAG = "impasto-isolated", PATIENCE = 4000; // ms

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** Load the page as if for the first time: without the service worker that is there. */
export function anew() {
  sessionStorage.removeItem(FLAG);
  location.reload();
}

/** Resolves once the service worker serves this page, or there is none. On the first visit the page is loaded once more for isolation. */
export async function served({ webkit, isolated }) {
  try {
    const { serviceWorker } = navigator;
    if (!serviceWorker) return;
    const taken = new Promise((done) => serviceWorker.addEventListener("controllerchange", done, { once: true }));
    await serviceWorker.register(new URL("sw.js", document.baseURI));
    if (!serviceWorker.controller) await Promise.race([taken, wait(PATIENCE)]);
    if (isolated || webkit || !serviceWorker.controller || sessionStorage.getItem(FLAG)) return;
    sessionStorage.setItem(FLAG, "asked");
  } catch {
    return; // a private window, or a browser without storage: it paints, on one thread, online
  }
  location.reload();
  await new Promise(() => {});
}
