// Files made in the page: a ZIP that stores (pictures are compressed already), and a grey PNG. Knows no page.
import { EngineError } from "./engine-error.js";

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** The checksum of bytes, or of more behind those whose checksum is `crc`. */
export function crc32(bytes, crc = 0) {
  crc = ~crc;
  for (let at = 0; at < bytes.length; at++) crc = TABLE[(crc ^ bytes[at]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Little-endian numbers: [value, bytes], ... */
function numbers(...pairs) {
  const out = new Uint8Array(pairs.reduce((sum, [, size]) => sum + size, 0));
  let at = 0;
  for (const [value, size] of pairs) for (let byte = 0; byte < size; byte++) out[at++] = (value / 2 ** (8 * byte)) & 255;
  return out;
}

/** A ZIP of [{name, blob}]; names that are there twice get a number. Up to 4 GB: the format's plain form. */
export async function zip(files, when = new Date()) {
  const parts = [], directory = [], used = new Set();
  const time = (when.getHours() << 11) | (when.getMinutes() << 5) | (when.getSeconds() >> 1);
  const day = (Math.max(0, when.getFullYear() - 1980) << 9) | ((when.getMonth() + 1) << 5) | when.getDate();
  let at = 0;
  for (const { name, blob } of files) {
    const text = new TextEncoder().encode(unused(name, used));
    let crc = 0;
    for (const reader = blob.stream().getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      crc = crc32(value, crc);
    }
    const common = [[20, 2], [0x800, 2], [0, 2], [time, 2], [day, 2], [crc, 4], [blob.size, 4], [blob.size, 4], [text.length, 2], [0, 2]];
    parts.push(numbers([0x04034b50, 4], ...common), text, blob);
    directory.push(numbers([0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]), text);
    at += 30 + text.length + blob.size;
    if (at >= 2 ** 32 - 1) throw new EngineError("zip-too-large", "");
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = numbers([0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [size, 4], [at, 4], [0, 2]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

function unused(name, used) {
  const clean = name.replace(/[/\\:*?"<>|\0-\x1f]/g, "_");
  const dot = clean.lastIndexOf(".") > 0 ? clean.lastIndexOf(".") : clean.length;
  let found = clean;
  for (let n = 2; used.has(found.toLowerCase()); n++) found = `${clean.slice(0, dot)}-${n}${clean.slice(dot)}`;
  used.add(found.toLowerCase());
  return found;
}

/** A grey PNG of {width, height, data}, 8 bits a pixel: canvases write colours only. */
export async function greyPNG({ width, height, data }) {
  const lines = new Uint8Array((width + 1) * height); // each line begins with its filter, 0
  for (let y = 0; y < height; y++) lines.set(data.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const packed = new Response(new Blob([lines]).stream().pipeThrough(new CompressionStream("deflate")));
  const head = new Uint8Array([...big(width), ...big(height), 8, 0, 0, 0, 0]);
  const chunks = [chunk("IHDR", head), chunk("IDAT", new Uint8Array(await packed.arrayBuffer())), chunk("IEND", new Uint8Array())];
  return new Blob([new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]), ...chunks], { type: "image/png" });
}

const big = (value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

function chunk(kind, data) {
  const body = new Uint8Array([...new TextEncoder().encode(kind), ...data]);
  return new Uint8Array([...big(data.length), ...body, ...big(crc32(body))]);
}
