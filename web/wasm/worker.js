// The worker in which everything is decoded, painted and encoded. See engine-wasm.js for who asks.
import { EngineError } from "../engine-error.js";
import { BUILT } from "./built.js";
import { LONGEST, readExif, writeExif } from "./exif.js";
import { machine, mostPixels } from "./limits.js";
import { Networks } from "./networks.js";
import { atStrength, composition, paint, paintedSize } from "./painting.js";
import { decode, encode, imageData } from "./pictures.js";
import { shrunkColors, floatPlane, toBytes } from "./resample.js";

const PREVIEW_SIDE = 1024, THUMBNAIL_SIDE = 256, QUICK = 384; // px, as in the studio
const KEPT = 16; // photos at the size of previews
const photos = new Map();
let networks = null, most = Infinity, last = { key: null }, previewed = { key: null };

const calls = {
  begin({ base, threads, provider, largest }) {
    networks = new Networks(BUILT, base, { threads, provider, opening });
    most = largest;
    networks.start().catch(() => {}); // whoever needs it reports it
  },
  take({ network, name, row, sizes }) {
    previewed = { key: null }; // of the style that had this name
    networks.take(network, name, row, sizes);
  },
  /** What a photo is. */
  async photo({ photo }) {
    const { width, height, small } = await seen(photo);
    return { width, height, megapixels: (width * height) / 1e6, alpha: Boolean(small.opacity), bits: 8 };
  },
  forget({ photo }) {
    photos.delete(photo.key);
    previewed = { key: null };
  },
  async picture({ photo, side }) {
    const { small } = await seen(photo);
    return encode(atSide(small, side), { format: small.opacity ? "png" : "jpeg", quality: 88 });
  },
  async thumbnail({ photo, style, network, side }) {
    const { small } = await seen(photo), look = { network, styles: { [style]: 1 }, strength: 1, brush: "small", keep_color: false, stroke_size: null, regions: [], protect: null };
    const painted = await paint({ ...atSide(small, THUMBNAIL_SIDE), opacity: null }, look, networks);
    return encode(atSide(painted, side), { quality: 88 });
  },
  /**
   * A preview: seen from afar it is what the painting will be. Small ones for dials are painted at the size they are shown.
   * `key` names photo and look but for the strength: of the last painting at full strength all others are made.
   */
  async preview({ photo, look, side, key }) {
    const { width, height, small } = await seen(photo), begin = performance.now(), begun = composition({ width, height }, look, networks.knows);
    const first = begun?.larger ? null : begun; // which has all of the strokes' size
    const whole = Math.max(...(first?.size ?? paintedSize({ width, height }, look))), wide = Math.min(whole, side > QUICK ? PREVIEW_SIDE : side);
    const asFirst = first && (side > QUICK || wide === whole), network = asFirst ? first.network : look.network;
    const largest = asFirst ? (look.finer && whole > wide ? whole / wide : null) : (look.finer ?? null); // of the first pass, which may be larger than that
    const own = atSide(small, wide), wanted = { ...look, network, size: null, enlarge: false, brush: "small", finer: finest(own, network, largest), strength: 1 };
    const alone = look.protect && look.strength > 1; // what is kept is kept of the overdone painting
    if (alone) return { picture: imageData(atSide(await paint(own, { ...wanted, strength: look.strength }, networks), side)), seconds: (performance.now() - begin) / 1000, pace: networks.pace };
    if (!key || previewed.key !== `${key} ${side}`) {
      previewed = { key: null };
      previewed = { painted: await paint(own, wanted, networks), key: `${key} ${side}` };
    }
    const painted = atStrength(own, previewed.painted, look.strength);
    return { picture: imageData(atSide(painted, side)), seconds: (performance.now() - begin) / 1000, pace: networks.pace };
  },
  /** A painting at full size as a file. `key` names photo and look: the last painting is kept for the loupe. */
  async paint({ photo, look, file, key }) {
    const painted = await whole(photo, look, key), { format, quality, dpi, metadata } = file;
    const own = readExif(new Uint8Array(await photo.blob.arrayBuffer()));
    const exif = writeExif(own, painted, { comment: `painted by impasto in the style ${mixText(look.styles)}`, keep: metadata, dpi, limit: LONGEST[format] });
    return { blob: await encode(painted, { format, quality, exif }), pace: networks.pace };
  },
  async window({ photo, look, key, x, y, width, height }) {
    const painted = await whole(photo, look, key), part = (plane) => {
      const out = new Uint8Array(width * height);
      for (let row = 0; row < height; row++) out.set(plane.subarray((y + row) * painted.width + x, (y + row) * painted.width + x + width), row * width);
      return out;
    };
    return encode({ width, height, planes: painted.planes.map(part), opacity: painted.opacity && part(painted.opacity) }, { format: painted.opacity ? "png" : "jpeg" });
  },
  /** Fetch what painting with these will need. */
  async fetch({ network, names }) {
    await networks.session(network);
    for (const name of names) await networks.rowOf(network, name).catch(() => {});
  },
  /** The network's planes of a drawn picture, and the seconds of a second time: two providers are compared so. */
  async trial({ network, side, style }) {
    const planes = [3, 5, 7].map((step) => Float32Array.from({ length: side * side }, (_, at) => ((at * step) % 251) / 255)), picture = { width: side, height: side, planes };
    const row = await networks.rowOf(network, style), painted = await networks.run(network, picture, row), begin = performance.now();
    await networks.run(network, picture, row);
    return { planes: painted.planes, seconds: (performance.now() - begin) / 1000 };
  },
};

/** Create a session, and let the page know when it is there, and with the first one the runtime's threads. */
async function opening(create) {
  postMessage({ starting: true });
  try {
    return await create();
  } finally {
    postMessage({ starting: false });
  }
}

/** How much finer strokes a preview can have here: it is painted as many times larger. */
function finest({ width, height }, network, finer) {
  return finer === null ? null : Math.min(finer, Math.max(1, Math.sqrt(mostPixels(network, machine()) / (width * height))));
}

/** A mix as the command line takes it; a single style is its name. */
function mixText(styles) {
  const pairs = Object.entries(styles);
  return pairs.length === 1 ? pairs[0][0] : pairs.map(([name, weight]) => `${name}:${weight}`).join(",");
}

async function whole(photo, look, key) {
  if (last.key === key) return last.painted;
  last = { key: null };
  const full = await decode(photo.blob, most);
  const painted = await paint(full, look, networks);
  last = { key, painted };
  return painted;
}

/** A photo's size, and the photo as previews are made of it. */
async function seen({ key, blob }) {
  if (!photos.has(key)) {
    const looking = decode(blob, most).then((full) => ({ width: full.width, height: full.height, small: atSide(full, PREVIEW_SIDE) }));
    photos.set(key, looking);
    looking.catch(() => photos.delete(key));
    while (photos.size > KEPT) photos.delete(photos.keys().next().value);
  }
  return photos.get(key);
}

const sides = new WeakMap(); // small pictures, kept for the next time

function atSide(picture, side) {
  const { width, height, planes, opacity } = picture;
  if (Math.max(width, height) <= side) return picture;
  if (!sides.has(picture)) sides.set(picture, new Map());
  const found = sides.get(picture);
  if (!found.has(side)) {
    const [w, h] = paintedSize(picture, { size: side });
    found.set(side, { ...shrunkColors({ width, height, planes }, w, h, opacity), opacity: opacity && toBytes(floatPlane(opacity, width, height, w, h)) });
  }
  return found.get(side);
}

/** What failed, as a stable code: runtimes report memory that they did not get in many ways, some of them numbers. */
function problem(error) {
  if (error instanceof EngineError) return { code: error.code, message: error.message, values: error.values };
  const text = String(error?.message ?? error);
  const memory = error instanceof RangeError || typeof error === "number" || /memory|alloc|^\d+$|out of bounds|unreachable/i.test(text);
  return { code: memory ? "no-memory" : "strange", message: text };
}

onmessage = async ({ data: { id, call, args } }) => {
  try {
    const result = await calls[call](args);
    if (id) postMessage({ id, result });
  } catch (error) {
    if (id) postMessage({ id, error: problem(error) });
  }
};

postMessage({ starting: false });
