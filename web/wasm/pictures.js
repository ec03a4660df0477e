// Files of pictures <-> planes of bytes, by the browser: upright and in sRGB. Transparent PNGs are read and written by us.
import { EngineError } from "../engine-error.js";
import { readPNG, writePNG } from "./png.js";
import { cover } from "./transparency.js";

/** {width, height, planes, opacity} of a picture's file, opacity null where it is solid; EngineError where it cannot be read. */
export async function decode(blob, most) {
  const head = new Uint8Array(await blob.slice(0, 8).arrayBuffer());
  if (!head.length) throw new EngineError("bad-picture", "");
  const own = head[0] === 137 && head[1] === 80 ? await readPNG(blob).catch(() => null) : null;
  const found = own ?? (await drawn(blob, most));
  if (found.opacity?.every((value) => value === 255)) found.opacity = null;
  return { ...cover(found, found.opacity), opacity: found.opacity };
}

async function drawn(blob, most) {
  const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" }).catch(() => null);
  if (!bitmap) throw new EngineError("undecodable", "");
  const { width, height } = bitmap;
  try {
    if (width * height > most) throw new EngineError("too-many-pixels", "");
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    if (!context) throw new EngineError("no-memory", "");
    context.drawImage(bitmap, 0, 0);
    return split(context.getImageData(0, 0, width, height));
  } finally {
    bitmap.close();
  }
}

function split({ width, height, data }) {
  const planes = [0, 1, 2, 3].map(() => new Uint8Array(width * height));
  planes.forEach((plane, channel) => {
    for (let at = 0, from = channel; at < plane.length; at++, from += 4) plane[at] = data[from];
  });
  const [r, g, b, opacity] = planes;
  return { width, height, planes: [r, g, b], opacity };
}

/** What a canvas takes. */
export function imageData({ width, height, planes, opacity }) {
  const [r, g, b] = planes, data = new Uint8ClampedArray(4 * width * height);
  for (let at = 0, to = 0; at < r.length; at++, to += 4) {
    data[to] = r[at];
    data[to + 1] = g[at];
    data[to + 2] = b[at];
    data[to + 3] = opacity ? opacity[at] : 255;
  }
  return new ImageData(data, width, height);
}

/** A file of the picture: "jpeg" (white shows through), "png" or "webp". */
export async function encode(picture, { format = "jpeg", quality = 95, dpi = null } = {}) {
  const { width, height, planes, opacity } = picture;
  if (format === "png") return writePNG(width, height, planes, opacity, [["eXIf", marker()], ...(dpi ? [["pHYs", density(dpi)]] : [])]);
  const shown = format === "jpeg" && opacity ? { ...picture, planes: planes.map((plane) => plane.map((value, at) => 255 + (opacity[at] * (value - 255)) / 255 + 0.5)), opacity: null } : picture;
  const canvas = new OffscreenCanvas(width, height), type = `image/${format}`;
  canvas.getContext("2d").putImageData(imageData(shown), 0, 0);
  const blob = await canvas.convertToBlob({ type, quality: quality / 100 });
  if (blob.type !== type) throw new EngineError("unsupported-format", "");
  return format === "jpeg" ? marked(blob, dpi) : blob;
}

/** Whether this browser writes a format: some give a PNG instead. */
export async function writes(format) {
  const canvas = new OffscreenCanvas(1, 1);
  canvas.getContext("2d");
  return (await canvas.convertToBlob({ type: `image/${format}` })).type === `image/${format}`;
}

/** EXIF that says which program made the picture: the command line passes its own paintings by. */
function marker() {
  const text = new TextEncoder().encode("impasto\0"), out = new Uint8Array(26 + text.length);
  out.set([0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x31, 0, 2, 0, 0, 0, text.length, 0, 0, 0, 26]);
  out.set(text, 26);
  return out;
}

function density(dpi) {
  const out = new Uint8Array(9), view = new DataView(out.buffer), meter = Math.round(dpi / 0.0254);
  view.setUint32(0, meter);
  view.setUint32(4, meter);
  out[8] = 1;
  return out;
}

/** The JPEG with our marker, and a resolution in its JFIF header. */
async function marked(blob, dpi) {
  const head = new Uint8Array(await blob.slice(0, 20).arrayBuffer()), jfif = head[2] === 255 && head[3] === 0xe0;
  if (!jfif) return blob;
  if (dpi) head.set([1, dpi >> 8, dpi & 255, dpi >> 8, dpi & 255], 13);
  const exif = marker(), length = exif.length + 8, end = 4 + head[4] * 256 + head[5];
  return new Blob([head, blob.slice(20, end), new Uint8Array([255, 0xe1, length >> 8, length & 255, 69, 120, 105, 102, 0, 0]), exif, blob.slice(end)], { type: blob.type });
}
