// PNG files with exact colours under transparency: a canvas multiplies them with it and cannot give them back.
import { crc32 } from "../zip.js";

const HEAD = [137, 80, 78, 71, 13, 10, 26, 10];
const PLAIN = new Set(["IHDR", "PLTE", "tRNS", "IDAT", "IEND", "sRGB", "pHYs", "tEXt", "zTXt", "iTXt", "tIME", "bKGD", "sBIT"]);
const piped = (bytes, stream) => new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer().then((buffer) => new Uint8Array(buffer));

/** {width, height, planes, opacity} of a PNG with transparency in 8 bits; null where it is another or says more of its colours. */
export async function readPNG(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer()), view = new DataView(bytes.buffer), found = {}, packed = [];
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8)), data = bytes.subarray(at + 8, at + 8 + view.getUint32(at));
    if (!PLAIN.has(kind)) return null;
    if (kind === "IDAT") packed.push(data);
    else found[kind] = data;
  }
  const head = found.IHDR, [width, height] = [view.getUint32(16), view.getUint32(20)], [depth, color, , , interlaced] = head.subarray(8);
  const channels = { 4: 2, 6: 4, 3: found.tRNS && found.PLTE ? 1 : 0 }[color];
  if (depth !== 8 || !channels || interlaced || width * height > 1e8) return null;
  const rows = unfiltered(await piped(new Blob(packed), new DecompressionStream("deflate")), width, height, channels);
  const opacity = new Uint8Array(width * height), planes = [0, 1, 2].map(() => new Uint8Array(width * height));
  for (let at = 0; at < opacity.length; at++) {
    const from = at * channels, value = rows[from];
    if (color === 3) {
      planes.forEach((plane, channel) => (plane[at] = found.PLTE[3 * value + channel]));
      opacity[at] = found.tRNS[value] ?? 255;
    } else {
      planes.forEach((plane, channel) => (plane[at] = rows[from + (color === 6 ? channel : 0)]));
      opacity[at] = rows[from + channels - 1];
    }
  }
  return { width, height, planes, opacity };
}

function unfiltered(lines, width, height, channels) {
  const wide = width * channels, out = new Uint8Array(wide * height);
  if (lines.length < (wide + 1) * height) throw new RangeError("png");
  for (let y = 0; y < height; y++) {
    const from = y * (wide + 1) + 1, to = y * wide, filter = lines[from - 1];
    for (let x = 0; x < wide; x++) {
      const left = x < channels ? 0 : out[to + x - channels], up = y ? out[to + x - wide] : 0, corner = y && x >= channels ? out[to + x - wide - channels] : 0;
      const guess = filter === 1 ? left : filter === 2 ? up : filter === 3 ? (left + up) >> 1 : filter === 4 ? paeth(left, up, corner) : 0;
      out[to + x] = lines[from + x] + guess;
    }
  }
  return out;
}

function paeth(left, up, corner) {
  const a = Math.abs(up - corner), b = Math.abs(left - corner), c = Math.abs(left + up - 2 * corner);
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** A PNG of three planes of bytes, and opacity or null; `chunks` are further ones, [kind, bytes]. */
export async function writePNG(width, height, planes, opacity, chunks = []) {
  const all = opacity ? [...planes, opacity] : planes, channels = all.length, wide = width * channels, lines = new Uint8Array((wide + 1) * height);
  for (let y = 0; y < height; y++) {
    const to = y * (wide + 1) + 1, from = y * width;
    lines[to - 1] = y ? 2 : 0; // the difference from the row above packs well
    for (let channel = 0; channel < channels; channel++) {
      const plane = all[channel];
      for (let x = 0, at = to + channel; x < width; x++, at += channels) lines[at] = plane[from + x] - (y ? plane[from - width + x] : 0);
    }
  }
  const head = new Uint8Array(13), view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([8, opacity ? 6 : 2], 8);
  const body = await piped(lines, new CompressionStream("deflate"));
  return new Blob([new Uint8Array(HEAD), ...[["IHDR", head], ...chunks, ["IDAT", body], ["IEND", new Uint8Array()]].flatMap(([kind, data]) => chunk(kind, data))], { type: "image/png" });
}

function chunk(kind, data) {
  const length = new Uint8Array(4), end = new Uint8Array(4), name = new TextEncoder().encode(kind);
  new DataView(length.buffer).setUint32(0, data.length);
  new DataView(end.buffer).setUint32(0, crc32(data, crc32(name)));
  return [length, name, data, end];
}
