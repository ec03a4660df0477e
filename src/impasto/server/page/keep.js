// Photo and recipe, kept in this browser for 24 hours so that a reload loses nothing. Photos are written once, the rest often.

const DAY = 24 * 3600 * 1000;

/** A setting of this browser; nothing where it keeps none, as in some private windows. */
export function setting(name) {
  try {
    return localStorage[name];
  } catch {}
}
export function keepSetting(name, value) {
  try {
    localStorage[name] = value;
  } catch {}
}

const request = (asked) => new Promise((done, fail) => {
  asked.onsuccess = () => done(asked.result);
  asked.onerror = () => fail(asked.error);
});

async function database() {
  const asked = indexedDB.open("impasto", 1);
  asked.onupgradeneeded = () => {
    asked.result.createObjectStore("photos");
    asked.result.createObjectStore("look");
  };
  return request(asked);
}

async function stores(mode) {
  const transaction = (opened ??= await database()).transaction(["photos", "look"], mode);
  return { photos: transaction.objectStore("photos"), look: transaction.objectStore("look") };
}
let opened = null;

/** What was kept: {look, steps, blobs: Map} or null. */
export async function recall() {
  const { photos, look } = await stores("readonly");
  const [kept, steps, keys, blobs] = await Promise.all([request(look.get("now")), request(look.get("steps")), request(photos.getAllKeys()), request(photos.getAll())]);
  const unused = keys.filter((key) => !kept?.photos.some((photo) => photo.key === key) && Date.now() - parseInt(key, 36) > DAY); // of windows that are closed
  if (unused.length) await Promise.all(unused.map(dropPhoto));
  if (!kept) return null;
  if (Date.now() - kept.when > DAY) return void (await forget()) ?? null;
  return { look: kept, steps, blobs: new Map(keys.map((key, at) => [key, blobs[at] instanceof Blob ? blobs[at] : new Blob([blobs[at]])])) };
}

/** Keep a photo's bytes; an error where the browser has no room. */
export async function keepPhoto(key, blob) {
  const put = async (what) => request((await stores("readwrite")).photos.put(what, key));
  return put(blob).catch(async () => put(await blob.arrayBuffer())); // WebKit's private windows keep bytes, but no blobs
}
export const dropPhoto = async (key) => request((await stores("readwrite")).photos.delete(key));
/** The look and, where there are new ones, undo's looks: both or neither. Masks are in them, those that two share once. */
export async function keepLook(look, steps = null) {
  const store = (await stores("readwrite")).look, { transaction } = store;
  store.put({ ...look, when: Date.now() }, "now");
  if (steps) store.put(steps, "steps");
  transaction.commit?.(); // the page may be leaving
  return new Promise((done, fail) => Object.assign(transaction, { oncomplete: done, onabort: () => fail(transaction.error) }));
}

export async function forget() {
  const { photos, look } = await stores("readwrite");
  await Promise.all([request(photos.clear()), request(look.clear())]);
}
