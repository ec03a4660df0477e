// The photos: taken in, shown, kept in this browser for a day, put away. A photo has its own regions; the look is one for all.
import { make } from "./dom.js";
import * as keep from "./keep.js";
import { settled } from "./notes.js";
import { PHOTO, START, turn } from "./recipe.js";

const FIRST_STYLE = "van-gogh-starry-night";
const STRIP_SIDE = 160; // px
const STEPS_KEPT = 20; // of undo
const UNREAD = ["undecodable", "too-large", "too-many-pixels", "unsupported-type", "unsupported-format", "bad-picture", "not-a-picture"];

/** Whether this photo can be painted, as far as is known. */
export const readable = ({ why }) => !UNREAD.includes(why?.code);

const newKey = () => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;

function small(from) {
  const scale = STRIP_SIDE / Math.max(from.width, from.height), canvas = make("canvas", { width: Math.ceil(from.width * scale), height: Math.ceil(from.height * scale) });
  canvas.getContext("2d").drawImage(from, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.8);
}

/**
 * `shown(entry)` is called when another photo comes onto the page, `busy(on)` while one is sent, `left(photo)` when one is put
 * away, `emptied()` when none is left.
 */
export function createAlbum(state, engine, { tell, shown, busy, painting, left, emptied }) {
  let keptEnds = [];
  let asked = 0, answered = 0; // a photo that was asked for earlier does not take the place of a later one

  /** Take files in; the first is sent, shown and painted at once, the others when they are needed. */
  async function add(files) {
    settled();
    const order = ++asked;
    const entries = files.map((file) => {
      const name = file.name || "photo.jpg";
      return { key: newKey(), name, photo: engine.photo(file, name), width: 0, height: 0, regions: [], why: null };
    });
    busy(true);
    let first = null;
    for (const entry of entries) {
      if (first) break;
      try {
        await welcome(entry);
        first = entry;
      } catch (error) {
        if (entries.length === 1 || error.code === "offline") return busy(false), tell(error);
        entry.why = error;
      }
    }
    state.photos.push(...entries);
    state.changed();
    if (first) await choose(first.key, order);
    busy(false);
    for (const { key, photo, why } of entries) if (!why) keep.keepPhoto(key, photo.blob).catch(() => tell("notKept"));
    for (const entry of entries) if (entry.key !== state.current && !entry.why && !entry.small) await peek(entry);
  }

  /** A small picture by the browser, where it reads that kind, until it is painted. */
  async function peek(entry) {
    const bitmap = await createImageBitmap(entry.photo.blob).catch(() => null);
    if (!bitmap) return;
    entry.small ??= small(bitmap);
    bitmap.close();
    state.changed();
  }

  /** Send the photo, if that has not been done: its size is known then. */
  async function welcome(entry) {
    const { width, height } = await entry.photo.ready();
    Object.assign(entry, { width, height });
  }

  async function choose(key, order = ++asked) {
    const entry = state.photos.find((each) => each.key === key);
    if (!entry || state.current === key) return;
    try {
      if (!entry.width) await welcome(entry);
    } catch (error) {
      if (!state.photos.includes(entry)) return;
      entry.why = error;
      state.changed();
      return tell(error);
    }
    if (order < answered || !state.photos.includes(entry)) return;
    answered = order;
    stripLater();
    if (state.entry) state.entry.regions = state.recipe.regions;
    state.current = key;
    state.forgetSteps();
    const first = state.style(FIRST_STYLE) ?? state.styles.find((style) => style.name !== PHOTO);
    const chosen = state.recipe.styles.length ? state.recipe.styles : [[first.name, 1]];
    state.set({ recipe: turn(state.recipe, { styles: chosen, regions: entry.regions }) });
    shown(entry);
  }

  async function remove(key) {
    if (state.current === key) state.set({ tool: null });
    const at = state.photos.findIndex((entry) => entry.key === key), [entry] = state.photos.splice(at, 1);
    keep.dropPhoto(key).catch(() => {});
    leave(entry);
    const next = state.photos[Math.min(at, state.photos.length - 1)];
    if (state.current !== key) return state.changed();
    state.current = null;
    state.set({ recipe: turn(state.recipe, { regions: [] }) });
    if (next) await choose(next.key, answered);
    if (!state.photos.length) emptied();
  }

  async function forget() {
    const { photos } = state;
    state.forgetSteps();
    state.set({ photos: [], current: null, recipe: turn(START, { network: state.recipe.network }), mixing: false, tool: null });
    photos.forEach(leave);
    await engine.forgetStyles?.().catch(() => {});
    await keep.forget().catch(() => {});
    tell("forgot");
    emptied();
  }

  /** Have the server forget a photo, once the views know that it is gone and ask for nothing more of it. */
  const leave = ({ photo }) => (left(photo), setTimeout(() => engine.forget(photo).catch(() => {})));

  /** Small paintings for the strip, one after the other, once the large one rests. Whoever asks for a large one stops them. */
  function stripSoon() {
    stripLater();
    const { signal } = (stripSoon.stop = new AbortController());
    const { recipe } = state; // whose painting is on the page
    stripSoon.timer = setTimeout(async () => {
      for (const entry of state.photos.slice(0, state.session.limits.photos ?? 16)) {
        if (signal.aborted) return;
        if (entry.why || state.recipe !== recipe || entry.looks === recipe || !state.photos.includes(entry)) continue;
        const mine = turn(recipe, { regions: entry.key === state.current ? recipe.regions : entry.regions });
        try {
          if (entry.key === state.current) entry.small = small(painting);
          else {
            const { blob } = await engine.preview(entry.photo, mine, 2 * Date.now(), STRIP_SIDE, signal);
            entry.small = small(await createImageBitmap(blob));
          }
          entry.looks = recipe;
        } catch (error) {
          if (UNREAD.includes(error.code)) entry.why = error;
        }
        state.changed();
      }
    }, 300);
  }

  function stripLater() {
    clearTimeout(stripSoon.timer);
    stripSoon.stop?.abort();
  }

  /** Once the hand rests. What else goes on in the page does not put it off. */
  function keepSoon() {
    const { recipe, timer } = keepSoon;
    keepSoon.recipe = state.recipe;
    if (timer && recipe === state.recipe) return;
    clearTimeout(timer);
    keepSoon.timer = setTimeout(keepNow, 300);
  }

  function keepNow() {
    clearTimeout(keepSoon.timer);
    keepSoon.timer = 0;
    if (!state.current) return; // while it is restored, too
    const photos = state.photos.filter((entry) => !entry.why).map(({ key, name, photo, regions }) => ({ key, name, regions: key === state.current ? state.recipe.regions : regions, record: photo.record, here: Boolean(photo.blob) }));
    const { recipe, file, current, job = null, mixing, brushStyle } = state;
    const { past, future } = state.steps, ends = [current, past.at(-1), future.at(-1)];
    const same = ends.every((end, at) => end === keptEnds[at]); // masks are large: only when there is something new
    const steps = same ? null : { current, past: past.slice(-STEPS_KEPT), future: future.slice(-STEPS_KEPT) };
    keptEnds = ends;
    keep.keepLook({ photos, recipe, file, current, job, mixing, brushStyle }, steps).catch(() => (keptEnds = []));
  }
  addEventListener("pagehide", keepNow);

  /** Take back what was kept; the key of the photo that was shown. */
  function restore(kept) {
    const { look, blobs } = kept;
    Object.assign(state, { recipe: turn(START, look.recipe), file: look.file, mixing: look.mixing, brushStyle: look.brushStyle });
    for (const { key, name, regions, record, here } of look.photos) {
      if (here && !blobs.has(key)) continue;
      const photo = engine.photo(here ? blobs.get(key) : null, name, record);
      const entry = { key, name, photo, regions, width: record?.width ?? 0, height: record?.height ?? 0, why: null };
      state.photos.push(entry);
    }
    return state.photos.some((entry) => entry.key === look.current) ? look.current : state.photos[0]?.key;
  }

  /** As `add`, of one of the server's samples. */
  async function addSample(name) {
    try {
      await add([new File([await engine.sample(name)], `${name}.jpg`, { type: "image/jpeg" })]);
    } catch (error) {
      tell(error);
    }
  }

  return { add, addSample, choose, remove, forget, restore, welcome, keepNow, keepSoon, stripSoon };
}
