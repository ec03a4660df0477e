// The engine that paints in the browser: the same methods as engine-http.js, and no server. Two workers paint: a quick one for
// dials and tiles, and another for what takes long, which is ended when it is cancelled.
import { paintedName } from "../download.js";
import { EngineError } from "../engine-error.js";
import { toJSON } from "../recipe.js";
import { arrivals } from "./arrivals.js";
import { readBank } from "./bank.js";
import { Bench, PHOTO as FIRST, PREVIEW, THUMBNAIL } from "./bench.js";
import { PHOTO } from "./blend.js";
import { BUILT } from "./built.js";
import { due, remember, remembered, trial } from "./gpu.js";
import { served } from "./isolation.js";
import { largestPhoto, machine, planFor, threadsFor } from "./limits.js";
import { load } from "./networks.js";
import { writes } from "./pictures.js";
import { renewal } from "./renewal.js";

const IDLE = 60_000; // ms until the second worker ends and its memory is free
const QUICK = 480; // px of previews that the quick worker paints
const TICK = 250; // ms between two records of a job
const LATER = 20_000; // ms after the first painting until the styles that were not in sight are fetched too
const READS = ["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif", "image/bmp", ".safetensors"];
const MOST_FINER = 4; // times, or larger
const OWN = "impasto-own"; // the cache of styles that were dropped here
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

const here = machine(), base = document.baseURI;
const settings = { base, threads: threadsFor(here), provider: remembered() ?? "wasm", largest: largestPhoto(here), fell: () => remember("wasm") };
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const url = (file) => new URL(file.url, base);
const kept = async () => caches.open(OWN); // fails where there is no storage
const ids = new WeakMap();
let count = 0;
const idOf = (thing) => ids.get(thing) ?? (ids.set(thing, ++count), count);

/** `promise`, or the signal's reason as soon as it is aborted. */
const until = (promise, signal) =>
  signal ? Promise.race([promise, new Promise((_, fail) => signal.addEventListener("abort", () => fail(signal.reason), { once: true }))]) : promise;

class Photo {
  constructor(engine, blob, name) {
    Object.assign(this, { engine, blob, name, record: null, key: `${Date.now()}-${++count}` });
  }

  /** {id, width, height, megapixels, alpha} */
  async ready() {
    if (this.record) return this.record;
    if (!this.blob) throw new EngineError("gone", "", 410);
    const found = await this.engine.quick.run("photo", { photo: this.sent }, { rank: FIRST });
    return (this.record = { id: this.key, name: this.name, ...found });
  }

  get sent() {
    return { key: this.key, blob: this.blob };
  }
}

export class WasmEngine {
  lazy = true; // tiles that are not in sight are not painted
  quick = new Bench(settings, { gentle: true });
  slow = new Bench(settings, { idle: IDLE });
  jobs = new Map();
  own = new Map(); // network -> styles that were dropped here
  listed = new Map();
  looking = null;

  async open() {
    await served(here);
    if (typeof WebAssembly !== "object" || !WebAssembly.validate(new Uint8Array(SIMD))) throw new EngineError("no-simd", "");
    await this.recallStyles().catch(() => {});
    const write = ["jpeg", "png", ...((await writes("webp").catch(() => false)) ? ["webp"] : [])];
    return {
      version: BUILT.version, mode: "page", networks: ["full", "fast"], network: "fast", preview_network: "fast", precision: settings.provider === "webgpu" ? "WebGPU" : `WASM × ${settings.threads}`, teach: false, photo: null,
      limits: { body: 2 ** 31, pixels: settings.largest, mask_side: 1024, masks: 8, styles: 16, photos: 16 }, formats: { read: READS, write }, samples: BUILT.samples,
    };
  }

  async styles(network) {
    if (!this.listed.has(network)) this.listed.set(network, JSON.parse(new TextDecoder().decode(await load(BUILT.networks[network].list, base))));
    return [...this.listed.get(network), ...(this.own.get(network) ?? [])];
  }

  sampleFile = (name) => BUILT.samples.find((sample) => sample.name === name);
  sampleURL = (name) => String(url(this.sampleFile(name)));
  sample = async (name) => new Blob([await load(this.sampleFile(name), base)], { type: "image/jpeg" });
  photo = (blob, name) => new Photo(this, blob, name);
  alive = async () => {};
  arrivals = arrivals;
  renewal = renewal;
  picture = (photo, side) => this.quick.run("picture", { photo: photo.sent, side });
  thumbnail = (photo, style, network, side, signal) => this.quick.run("thumbnail", { photo: photo.sent, style, network, side }, { rank: THUMBNAIL, signal });

  /** A painting of at most `side` pixels. */
  async preview(photo, recipe, _n, side, signal) {
    const bench = side <= QUICK ? this.quick : this.slow;
    if (bench === this.slow) this.leave(keyOf(photo, recipe));
    const { picture, seconds, pace } = await bench.run("preview", { photo: photo.sent, look: this.look(recipe), side, key: keyOf(photo, { ...recipe, strength: 1 }) }, { rank: PREVIEW, signal });
    learn(pace);
    this.waits ??= setTimeout(() => this.later().catch(() => {}), LATER);
    return { blob: picture, seconds };
  }

  /** That place of the painting at full size: all of it is painted once, and kept for the download. */
  async window(photo, recipe, _n, place, signal) {
    await this.check(photo, recipe);
    const look = this.look(recipe), key = keyOf(photo, recipe);
    this.leave(key);
    this.looking ??= { key, stop: new AbortController() };
    return { blob: await until(this.slow.run("window", { photo: photo.sent, look, key, ...place }, { signal: this.looking.stop.signal }), signal), about: false };
  }

  /** The loupe's painting of another look is not wanted any more: what comes now need not wait for it. */
  leave(key) {
    if (!this.looking || this.looking.key === key) return;
    this.looking.stop.abort(new DOMException("", "AbortError"));
    this.looking = null;
  }

  async plan(photo, recipe) {
    return planFor(photo.record ?? (await photo.ready()), this.look(recipe), here, paces(), (network, name) => Object.hasOwn(BUILT.networks[network]?.styles ?? {}, name));
  }

  async check(photo, recipe) {
    const plan = await this.plan(photo, recipe);
    if (plan.over) throw new EngineError("too-many-here", "", 0, 0, { most: plan.over.most / 1e6, network: plan.over.network });
    return plan;
  }

  look(recipe) {
    const look = { ...toJSON(recipe), ...this.strokes(recipe) }, softs = new Map(recipe.regions.map(({ mask, soft }) => [mask, soft]));
    return { ...look, regions: look.regions.map(({ mask, styles }) => ({ styles, soft: softs.get(mask) })), protect: softs.get(look.protect) ?? null };
  }

  /** Strokes of another size: by scale, as src/impasto/styles/strokes.py has it, or by rows where all styles have several. */
  strokes({ network, styles, strokeSize, regions }) {
    const names = new Set([...styles, ...regions.flatMap((each) => each.styles ?? [])].map(([name]) => name)), known = [...(this.listed.get(network) ?? []), ...(this.own.get(network) ?? [])];
    const found = known.filter(({ name }) => names.has(name));
    if (!strokeSize || !found.length || found.every(({ sizes }) => sizes.length > 1)) return {};
    const own = Math.max(...found.map(({ strokes }) => strokes?.[1] ?? 0));
    return own ? { stroke_size: null, finer: Math.min(MOST_FINER, Math.max(1 / MOST_FINER, own / strokeSize)) } : {};
  }

  /** Begin a painting at full size: the job's record. */
  async paint(photo, recipe, file, signal) {
    const plan = await this.check(photo, recipe), { format, quality, dpi, metadata } = file;
    signal?.throwIfAborted();
    this.leave(keyOf(photo, recipe));
    const id = String(++count), stop = new AbortController();
    const job = { id, state: "painting", name: paintedName(photo.name, recipe, format), error: null, width: plan.width, height: plan.height, begun: performance.now(), plan, stop };
    const work = this.slow.run("paint", { photo: photo.sent, look: this.look(recipe), key: keyOf(photo, recipe), file: { format, quality, dpi, metadata } }, { signal: stop.signal });
    job.over = work.then(({ blob, pace }) => (learn(pace), Object.assign(job, { state: "done", blob, bytes: blob.size })), (error) => {
      job.state = stop.signal.aborted ? "cancelled" : "failed";
      job.error = { code: error.code ?? "strange", detail: error.message };
    });
    this.jobs.set(id, job);
    return this.record(job);
  }

  record({ id, state, name, error, width, height, plan, begun, bytes }) {
    const passed = (performance.now() - begun) / 1000, left = plan.seconds - passed;
    return { id, state, name, error, width, height, plan, bytes, position: 0, share: Math.min(0.95, passed / plan.seconds), seconds_left: left > 0 ? left : null };
  }

  /** The job's records until it ends, the last one returned. A job of an earlier visit ended with it. */
  async follow(id, each) {
    const job = this.jobs.get(id);
    if (!job) return { id, state: "cancelled" };
    while (job.state === "painting") {
      each(this.record(job));
      await Promise.race([wait(TICK), job.over]);
    }
    return this.record(job);
  }

  async cancel(id) {
    const job = this.jobs.get(id);
    job?.stop.abort(new DOMException("", "AbortError"));
    if (job?.url) URL.revokeObjectURL(job.url);
    this.jobs.delete(id);
  }

  resultURL = (id) => {
    const job = this.jobs.get(id);
    setTimeout(() => this.cancel(id), IDLE); // the browser has saved it by then
    return (job.url ??= URL.createObjectURL(job.blob));
  };
  result = async (id) => this.jobs.get(id).blob;
  forget = async (photo) => this.quick.worker && this.quick.run("forget", { photo: { key: photo.key } });

  // ---- styles that are dropped on the page

  /** Take in the styles of a file; their entries. They are kept in this browser. */
  async takeStyles(file) {
    const buffer = await file.arrayBuffer(), found = this.addStyles(await readBank(buffer));
    await kept().then((cache) => cache.put(new URL(`own/${found[0].name}`, base), new Response(buffer))).catch(() => {});
    return found;
  }

  async recallStyles() {
    if (!(await caches.has(OWN))) return;
    const cache = await kept();
    for (const request of await cache.keys()) {
      try {
        this.addStyles(await readBank(await (await cache.match(request)).arrayBuffer()));
      } catch {
        await cache.delete(request); // damaged, of a network that is no longer there, or shipped by now
      }
    }
  }

  addStyles({ fingerprint, styles }) {
    const network = Object.keys(BUILT.networks).find((name) => BUILT.networks[name].fingerprint === fingerprint);
    if (!network) throw new EngineError("other-style", "");
    if (styles.some(({ row }) => row.length !== BUILT.networks[network].rowSize)) throw new EngineError("bad-style", "");
    const known = BUILT.networks[network].styles, ofStrokes = (style) => styles.filter(({ name, card }) => card.stroke_of === style.name || name === style.name);
    const names = new Set(styles.map(({ name }) => name)), added = styles.filter(({ name, card }) => name !== PHOTO && !Object.hasOwn(known, name) && !names.has(card.stroke_of));
    if (!added.length) throw new EngineError("known-style", "");
    const entries = added.map((style) => {
      const family = ofStrokes(style), sizes = family.length > 1 && family.every(({ card }) => card.style_size > 0) ? Object.fromEntries(family.map(({ card, row }) => [card.style_size, row])) : null;
      for (const bench of [this.quick, this.slow]) bench.tell("take", { network, name: style.name, row: style.row, sizes });
      const text = (key) => (typeof style.card[key] === "string" ? style.card[key] : "");
      return { name: style.name, title: text("title"), artist: text("artist"), year: text("year"), license: text("licence"), credit: text("note"), sizes: Object.keys(sizes ?? {}).map(Number), strokes: strokesOf(style.card.style_size, sizes) ?? this.listed.get(network)?.[0]?.strokes, neighbours: [], network };
    });
    const before = (this.own.get(network) ?? []).filter(({ name }) => !entries.some((entry) => entry.name === name));
    this.own.set(network, [...before, ...entries]);
    return entries;
  }

  forgetStyles = async () => caches.delete(OWN);

  /** What can wait: for offline use what is damaged, and the styles that nobody has looked at; then whether WebGPU is quicker. */
  async later() {
    navigator.serviceWorker?.controller?.postMessage("look through");
    if (navigator.serviceWorker?.controller && !navigator.connection?.saveData) {
      for (const file of Object.values(BUILT.networks.fast.styles)) await (await fetch(url(file))).blob(); // read to its end, so that it is kept whole
    }
    if (settings.threads === threadsFor(here) && (await due())) remember((await trial(settings)).provider);
  }
}

/** What a dial for the strokes of a style goes from, stands at, and goes to, in pixels; null where only the network knows. */
function strokesOf(own, sizes) {
  const steps = Object.keys(sizes ?? {}).map(Number);
  if (steps.length) return [Math.min(...steps), own, Math.max(...steps)];
  return own > 0 ? [own >> 1, own, 2 * own] : null;
}

const keyOf = (photo, recipe) => JSON.stringify([photo.key, toJSON(recipe), recipe.regions.map(({ soft }) => idOf(soft))]);

// How many seconds a megapixel takes here, by network, over visits.
function paces() {
  try {
    return JSON.parse(localStorage.getItem("impasto-pace") ?? "{}");
  } catch {
    return {};
  }
}

function learn(pace) {
  try {
    localStorage.setItem("impasto-pace", JSON.stringify({ ...paces(), ...pace }));
  } catch {} // a private window
}
