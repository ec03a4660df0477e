// EXIF: what of a photo's goes along with its painting, as src/impasto/pictures/metadata.py has it. Knows no page.

const MARKER = "impasto"; // in Software: the command line passes its own paintings by
const ARTIST = 315, COPYRIGHT = 33432, DATE = 306, ACROSS = 282, DOWN = 283, UNIT = 296, SOFTWARE = 305, TURNED = 274, INNER = 34665, PLACE = 34853, COMMENT = 37510;
const KEPT = new Set([ARTIST, COPYRIGHT, DATE]), KEPT_INSIDE = new Set([36867, 36868, 37520, 37521, 37522, 36880, 36881, 36882]); // dates
// About where and how the pixels lay in the old file, and blocks that repeat such facts; then the same of the inner directory.
const RANGES = [[254, 259], [262, 266], [273, 273], [277, 281], [284, 284], [288, 293], [297, 297], [301, 301], [317, 347], [512, 532], [50706, 51199]];
const BLOCKS = new Set([700, 33723, 34377, 34675, 34908, 37724, INNER, PLACE]), isLayout = (tag) => BLOCKS.has(tag) || RANGES.some(([from, to]) => tag >= from && tag <= to);
const STALE = new Set([37121, 37122, 37396, 40964, 40965, 41484, 41486, 41487, 41488, 41492, 42240]), COLOR_SPACE = 40961, WIDTH = 40962, HEIGHT = 40963;
const SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8]; // bytes of a value of each type
const TEXT = 2, SHORT = 3, LONG = 4, RATIONAL = 5, BYTES = 7;
const DENSEST = 65_535; // pixels per inch
export const LONGEST = { jpeg: 65_527, png: 1 << 24, webp: 1 << 24 }; // bytes of a block

const letters = (bytes, from, count) => String.fromCharCode(...bytes.subarray(from, from + count));
const sane = (pair) => (pair.every((value) => value >= 1 && value <= DENSEST) ? pair : null);

/** {little, main, inner, place, density} of a photo's file: directories, tag -> {type, count, data}. Broken EXIF counts as none. */
export function readExif(bytes) {
  const { block, density } = found(bytes), empty = { little: false, main: new Map(), inner: new Map(), place: new Map() };
  let read = empty;
  try {
    if (block) read = parsed(block);
  } catch {} // it must not cost the picture
  const own = densityIn(read) ?? density, turned = read.main.get(TURNED)?.data, sideways = turned && Math.max(...turned.subarray(0, 2)) >= 5;
  return { ...read, density: own && sideways ? [...own].reverse() : own };
}

/** The EXIF block of a file, and the density that its own header has: JPEG, PNG, WebP. */
function found(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), out = { block: null, density: null };
  if (bytes[0] === 0xff && bytes[1] === 0xd8) {
    for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda; at += 2 + view.getUint16(at + 2)) {
      const kind = bytes[at + 1], name = letters(bytes, at + 4, 4), scale = { 1: 1, 2: 2.54 }[bytes[at + 11]];
      if (kind === 0xe1 && name === "Exif") out.block ??= bytes.subarray(at + 10, at + 2 + view.getUint16(at + 2));
      if (kind === 0xe0 && name === "JFIF" && scale) out.density = sane([view.getUint16(at + 12) * scale, view.getUint16(at + 14) * scale]);
    }
  } else if (letters(bytes, 1, 3) === "PNG") {
    for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
      const kind = letters(bytes, at + 4, 4), data = bytes.subarray(at + 8, at + 8 + view.getUint32(at));
      if (kind === "eXIf") out.block = data;
      if (kind === "pHYs" && data[8] === 1) out.density = sane([view.getUint32(at + 8) * 0.0254, view.getUint32(at + 12) * 0.0254]);
    }
  } else if (letters(bytes, 0, 4) === "RIFF" && letters(bytes, 8, 4) === "WEBP") {
    for (let at = 12; at + 8 <= bytes.length; at += 8 + ((view.getUint32(at + 4, true) + 1) & ~1)) {
      const data = bytes.subarray(at + 8, at + 8 + view.getUint32(at + 4, true));
      if (letters(bytes, at, 4) === "EXIF") out.block = letters(data, 0, 4) === "Exif" ? data.subarray(6) : data;
    }
  }
  return out;
}

function parsed(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), little = letters(bytes, 0, 2) === "II";
  const directory = (at) => {
    const out = new Map();
    for (let entry = at + 2, left = view.getUint16(at, little); left; entry += 12, left--) {
      const type = view.getUint16(entry + 2, little), count = view.getUint32(entry + 4, little), size = (SIZES[type] ?? NaN) * count;
      const from = size > 4 ? view.getUint32(entry + 8, little) : entry + 8;
      if (from + size <= bytes.length) out.set(view.getUint16(entry, little), { type, count, data: bytes.subarray(from, from + size) });
    }
    return out;
  };
  const main = directory(view.getUint32(4, little)), below = (tag) => {
    const data = main.get(tag)?.data;
    return data?.length === 4 ? directory(new DataView(data.buffer, data.byteOffset).getUint32(0, little)) : new Map();
  };
  return { little, main, inner: below(INNER), place: below(PLACE) };
}

function densityIn({ little, main }) {
  const of = (tag) => {
    const { type, data } = main.get(tag) ?? {}, view = data && new DataView(data.buffer, data.byteOffset, data.length);
    return type === RATIONAL ? view.getUint32(0, little) / view.getUint32(4, little) : type === SHORT ? view.getUint16(0, little) : NaN;
  };
  const unit = main.has(UNIT) ? of(UNIT) : 2, scale = { 2: 1, 3: 2.54 }[unit];
  return scale ? sane([of(ACROSS) * scale, of(DOWN) * scale]) : null;
}

/**
 * {block, density}: the EXIF of a painting of this size, with the marker, the comment, and what the photo's may add. That is author, rights,
 * dates and resolution; with `keep` everything that is true of the painting too. `dpi` is a resolution in place of the photo's.
 */
export function writeExif(photo, { width, height }, { comment = null, keep = false, dpi = null, limit = LONGEST.jpeg } = {}) {
  const density = dpi ? [dpi, dpi] : photo.density;
  const all = [...(keep ? [[trueOf, comment]] : []), [allowed, comment], [allowed, null], [() => ({ main: new Map(), inner: new Map(), place: new Map() }), null]];
  for (const [take, text] of all) {
    const block = written(photo.little, take(photo, width, height), density, text, limit);
    if (block) return { block, density };
  }
}

const only = (directory, wanted) => new Map([...directory].filter(([tag, { type }]) => wanted.has(tag) && type === TEXT));
const allowed = ({ main, inner }) => ({ main: only(main, KEPT), inner: only(inner, KEPT_INSIDE), place: new Map() });

function trueOf({ little, main, inner, place }, width, height) {
  const { short, long } = numbers(little), outer = new Map([...main].filter(([tag]) => !isLayout(tag) && tag !== TURNED && ![ACROSS, DOWN, UNIT].includes(tag)));
  const within = [...inner].filter(([tag]) => !STALE.has(tag));
  return { main: outer, inner: new Map([...within, [COLOR_SPACE, short(1)], [WIDTH, long(width)], [HEIGHT, long(height)]]), place };
}

/** How numbers and texts are written. */
function numbers(little) {
  const of = (size, type, write) => {
    const data = new Uint8Array(size);
    write(new DataView(data.buffer));
    return { type, count: 1, data };
  };
  const text = (value, type = TEXT) => ({ type, count: value.length, data: value });
  return {
    text,
    short: (value) => of(2, SHORT, (view) => view.setUint16(0, value, little)),
    long: (value) => of(4, LONG, (view) => view.setUint32(0, value, little)),
    rational: (value) => of(8, RATIONAL, (view) => {
      const below = Number.isInteger(value) ? 1 : 10_000;
      view.setUint32(0, Math.round(value * below), little);
      view.setUint32(4, below, little);
    }),
  };
}

const coded = (text) => new TextEncoder().encode(text);
/** A comment as EXIF has it: its coding in eight bytes, then the text. */
function commentOf(text) {
  if (/^[\0-\x7f]*$/.test(text)) return coded(`ASCII\0\0\0${text}`);
  const out = new Uint8Array(10 + 2 * text.length), view = new DataView(out.buffer);
  out.set([...coded("UNICODE\0"), 0xff, 0xfe]);
  for (let at = 0; at < text.length; at++) view.setUint16(10 + 2 * at, text.charCodeAt(at), true);
  return out;
}

/** The directories as a block; null where it has more than `limit` bytes. */
function written(little, { main, inner, place }, density, comment, limit) {
  const { text, short, long, rational } = numbers(little);
  main.set(SOFTWARE, text(coded(`${MARKER}\0`)));
  if (comment !== null) inner.set(COMMENT, text(commentOf(comment), BYTES));
  if (density) main.set(ACROSS, rational(density[0])).set(DOWN, rational(density[1])).set(UNIT, short(2));
  for (const [tag, directory] of [[INNER, inner], [PLACE, place]]) if (directory.size) main.set(tag, long(0));
  const far = ({ data }) => (data.length > 4 ? data.length + (data.length & 1) : 0), sizeOf = (directory) => directory.size && 6 + [...directory.values()].reduce((sum, each) => sum + 12 + far(each), 0);
  const second = 8 + sizeOf(main), third = second + sizeOf(inner), end = third + sizeOf(place);
  if (end > limit) return null;
  if (inner.size) main.set(INNER, long(second));
  if (place.size) main.set(PLACE, long(third));
  const out = new Uint8Array(end), view = new DataView(out.buffer);
  out.set(coded(little ? "II" : "MM"));
  view.setUint16(2, 42, little);
  view.setUint32(4, 8, little);
  for (const [at, directory] of [[8, main], [second, inner], [third, place]]) {
    if (!directory.size) continue;
    view.setUint16(at, directory.size, little);
    let entry = at + 2, free = at + 6 + 12 * directory.size;
    for (const [tag, { type, count, data }] of [...directory].sort(([a], [b]) => a - b)) {
      view.setUint16(entry, tag, little);
      view.setUint16(entry + 2, type, little);
      view.setUint32(entry + 4, count, little);
      if (data.length > 4) view.setUint32(entry + 8, free, little);
      out.set(data, data.length > 4 ? free : entry + 8);
      free += far({ data });
      entry += 12;
    }
  }
  return out;
}

/** A canvas's WebP with an EXIF block: the plain form has no place for one. */
export async function exifInWebP(blob, { width, height, opacity }, block) {
  const bytes = new Uint8Array(await blob.arrayBuffer()), extended = letters(bytes, 12, 4) === "VP8X", u32 = (value) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
  const body = bytes.slice(extended ? 30 : 12), flags = 8 | (extended ? bytes[20] : opacity ? 16 : 0), odd = block.length & 1;
  const head = [...coded("VP8X"), ...u32(10), flags, 0, 0, 0, ...u32(width - 1).slice(0, 3), ...u32(height - 1).slice(0, 3)];
  const tail = [new Uint8Array([...coded("EXIF"), ...u32(block.length)]), block, new Uint8Array(odd)], size = 4 + head.length + body.length + 8 + block.length + odd;
  return new Blob([coded("RIFF"), new Uint8Array(u32(size)), coded("WEBP"), new Uint8Array(head), body, ...tail], { type: blob.type });
}
