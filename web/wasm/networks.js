// The networks of impasto on onnxruntime-web: files fetched once and checked, sessions opened when they are needed.
import { EngineError } from "../engine-error.js";
import { rowAtSize } from "./bank.js";

const SMALLEST = 16; // pixels a side that a network takes
const ENOUGH = 60_000; // pixels of a painting that shows how quick it is

/** Bytes of a file of the site. What is kept damaged is fetched once more. */
export async function load({ url, size }, base) {
  for (const cache of ["default", "reload"]) {
    const answer = await fetch(new URL(url, base), { cache }).catch(() => null);
    const bytes = answer?.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
    if (bytes?.length === size) return bytes;
  }
  throw new EngineError("not-here", "");
}

const reflected = (at, length) => {
  if (length === 1) return 0;
  const place = at % (2 * length - 2);
  return place < length ? place : 2 * length - 2 - place;
};

export class Networks {
  /** `built` says what the site has; `provider` is "wasm" or "webgpu"; `opening(create)` is what a session is created in. */
  constructor(built, base, { threads, provider = "wasm", opening = (create) => create() }) {
    Object.assign(this, { built, base, threads, provider, opening, runtime: null, sessions: new Map(), rows: new Map(), own: new Map(), pace: {} });
  }

  async start() {
    this.runtime ??= (async () => {
      const files = this.built.runtimes[this.provider], ort = await import(new URL(files.module.url, this.base)).catch((error) => {
        throw error instanceof TypeError ? new EngineError("not-here", "") : error; // a line that is down
      });
      ort.env.wasm.numThreads = this.threads;
      ort.env.wasm.wasmBinary = (await load(files.wasm, this.base)).buffer;
      ort.env.logLevel = "error";
      return ort;
    })();
    return this.runtime;
  }

  facts(name) {
    const found = Object.hasOwn(this.built.networks, name) && this.built.networks[name];
    if (!found) throw new EngineError("unknown-network", "");
    return found;
  }

  async session(name) {
    if (!this.sessions.has(name)) {
      const opening = (async () => {
        const [ort, bytes] = await Promise.all([this.start(), load(this.facts(name).graph, this.base)]);
        return this.opening(() => ort.InferenceSession.create(bytes, { executionProviders: [this.provider], graphOptimizationLevel: "all" }));
      })();
      this.sessions.set(name, opening);
      opening.catch(() => this.sessions.delete(name));
    }
    return this.sessions.get(name);
  }

  knows = (network, name) => this.own.get(network)?.has(name) !== true && Object.hasOwn(this.facts(network).styles, name);

  /** Take in the styles of a file: {fingerprint, styles: [{name, row, sizes}]}. */
  take(network, name, row, sizes) {
    if (!this.own.has(network)) this.own.set(network, new Map());
    this.own.get(network).set(name, { row, sizes });
  }

  async rowOf(network, name, strokeSize = null) {
    const own = this.own.get(network)?.get(name);
    if (own) return strokeSize && own.sizes ? rowAtSize(own.sizes, strokeSize) : own.row;
    const { styles } = this.facts(network), file = Object.hasOwn(styles, name) && styles[name];
    if (!file) throw new EngineError("unknown-style", "");
    if (!this.rows.has(file.url)) {
      const row = load(file, this.base).then((bytes) => new Float32Array(bytes.buffer));
      this.rows.set(file.url, row);
      row.catch(() => this.rows.delete(file.url));
    }
    return this.rows.get(file.url);
  }

  /** Paint a picture of bytes or floats in the style of a row: floats. */
  async run(name, picture, row) {
    const { multiple, margin, rowSize } = this.facts(name), { width, height } = picture, least = Math.max(SMALLEST, margin + 1);
    const [wide, tall] = [width, height].map((side) => Math.ceil(Math.max(side, least) / multiple) * multiple), half = rowSize / 2;
    const [session, ort] = await Promise.all([this.session(name), this.start()]);
    const tensor = (planes) => new ort.Tensor("float32", padded(planes, width, height, wide, tall), [1, planes.length, tall, wide]);
    const halves = (from) => new ort.Tensor("float32", row.slice(from, from + half), [half]);
    const feeds = { picture: tensor(picture.planes), scale: halves(0), shift: halves(half) };
    const begin = performance.now(), found = await session.run(feeds), [output] = Object.values(found), data = await output.getData();
    if (wide * tall > ENOUGH) this.pace[name] = (performance.now() - begin) / (wide * tall) / 1e-3; // s a megapixel
    for (const each of Object.values(feeds)) each.dispose();
    const planes = [0, 1, 2].map((channel) => {
      const plane = data.subarray(channel * wide * tall, (channel + 1) * wide * tall);
      for (let y = 1; y < height && wide > width; y++) plane.copyWithin(y * width, y * wide, y * wide + width); // no second copy of it all
      return plane.subarray(0, width * height);
    });
    return { width, height, planes };
  }

  /** Let a network's memory go. */
  async release(name) {
    const session = this.sessions.get(name);
    this.sessions.delete(name);
    if (session) await (await session).release();
  }
}

/** Planes one after the other, as floats, mirrored below and at the right. */
function padded(planes, width, height, wide, tall) {
  const out = new Float32Array(planes.length * wide * tall), columns = Int32Array.from({ length: wide }, (_, x) => reflected(x, width));
  planes.forEach((plane, channel) => {
    const scale = plane instanceof Uint8Array ? 255 : 1;
    for (let y = 0, to = channel * wide * tall; y < tall; y++) {
      const row = reflected(y, height) * width;
      for (let x = 0; x < wide; x++, to++) out[to] = plane[row + columns[x]] / scale;
    }
  });
  return out;
}
