// Files of pictures <-> planes of bytes, by the browser: upright and in sRGB. Transparent PNGs are read and written by us.
import { EngineError } from "../engine-error.js";
import { exifInWebP } from "./exif.js";
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
    const found = split(context.getImageData(0, 0, width, height));
    context.canvas.width = 0; // its memory goes at once
    return found;
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

/** A file of the picture: "jpeg" (white shows through), "png" or "webp". `exif` is what writeExif gives. */
export async function encode(picture, { format = "jpeg", quality = 95, exif = null } = {}) {
  const { width, height, planes, opacity } = picture;
  if (format === "png") return writePNG(width, height, planes, opacity, [["sRGB", new Uint8Array(1)], ...(exif ? [["eXIf", exif.block]] : []), ...(exif?.density ? [["pHYs", density(exif.density)]] : [])]);
  const shown = format === "jpeg" && opacity ? { ...picture, planes: planes.map((plane) => plane.map((value, at) => 255 + (opacity[at] * (value - 255)) / 255 + 0.5)), opacity: null } : picture;
  const canvas = new OffscreenCanvas(width, height), type = `image/${format}`;
  canvas.getContext("2d").putImageData(imageData(shown), 0, 0);
  const blob = await canvas.convertToBlob({ type, quality: quality / 100 });
  canvas.width = 0; // its memory goes at once
  if (blob.type !== type) throw new EngineError("unsupported-format", "");
  if (!exif) return blob;
  return format === "jpeg" ? exifInJPEG(blob, exif) : exifInWebP(blob, picture, exif.block);
}

/** Whether this browser writes a format: some give a PNG instead. */
export async function writes(format) {
  const canvas = new OffscreenCanvas(1, 1);
  canvas.getContext("2d");
  return (await canvas.convertToBlob({ type: `image/${format}` })).type === `image/${format}`;
}

function density([across, down]) {
  const out = new Uint8Array(9), view = new DataView(out.buffer);
  view.setUint32(0, Math.round(across / 0.0254));
  view.setUint32(4, Math.round(down / 0.0254));
  out[8] = 1;
  return out;
}

/** A canvas's JPEG with an EXIF block, and a resolution in its JFIF header. */
async function exifInJPEG(blob, { block, density }) {
  const head = new Uint8Array(await blob.slice(0, 20).arrayBuffer()), jfif = head[3] === 0xe0;
  if (jfif && density) head.set([1, ...density.flatMap((each) => [Math.round(each) >> 8, Math.round(each) & 255])], 13);
  const length = block.length + 8, end = jfif ? 4 + head[4] * 256 + head[5] : 2, segment = new Uint8Array([255, 0xe1, length >> 8, length & 255, 69, 120, 105, 102, 0, 0]);
  return new Blob([head.subarray(0, end), blob.slice(20, end), segment, block, blob.slice(end)], { type: blob.type });
}
