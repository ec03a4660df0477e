// A large picture in two passes, as src/impasto/painting/passes.py does it. Knows no page and no network.
import { resized, resizedPlane, round, unit } from "./resample.js";

export const LUMA = [0.299, 0.587, 0.114];
const BRUSHES = { small: 0, medium: 1024, large: 640 }; // the first pass's longer side
const APART = 1.4, SHORTEST = 64;
const DETAIL = 0.5; // of the photo's fine light and dark that the second pass sees
const MERGE = [0.5, 0.75, 1]; // of each octave of the first pass, finest first

/** Width and height of the first pass over a picture; null where one pass is all there is. With `finer` strokes it may be larger, and the only one. */
export function firstSize(width, height, brush, finer = null) {
  const long = Math.max(width, height), short = Math.min(width, height), least = round((SHORTEST * long) / short);
  let side = BRUSHES[brush] ?? brush;
  side = side ? Math.max(side, least) : long;
  if (long <= APART * side) side = long;
  if (finer !== null) side = Math.max(1, Math.min(least, long), round(side * finer));
  if (side < long && long <= APART * side) side = long;
  return side === long ? null : [Math.max(1, round((width * side) / long)), Math.max(1, round((height * side) / long))];
}

/** For each of `length` places the four of `old` that it is made of, and their weights: bicubic (Keys 1981). */
function taps(length, old) {
  const index = new Int32Array(4 * length), weights = new Float32Array(4 * length);
  for (let at = 0; at < length; at++) {
    const place = ((at + 0.5) * old) / length - 0.5, first = Math.floor(place), t = place - first;
    const four = [((2 - t) * t - 1) * t, t * t * (3 * t - 5) + 2, ((4 - 3 * t) * t + 1) * t, t * t * (t - 1)];
    for (let tap = 0; tap < 4; tap++) {
      index[4 * at + tap] = Math.min(old - 1, Math.max(0, first + tap - 1));
      weights[4 * at + tap] = four[tap] / 2;
    }
  }
  return { index, weights };
}

/** Planes of floats brought to a larger size, some rows at a time. */
export class Enlarged {
  constructor({ width, height, planes }, toWidth, toHeight) {
    const { index, weights } = taps(toWidth, width);
    this.width = toWidth;
    this.height = toHeight;
    this.down = taps(toHeight, height);
    this.wide = planes.map((plane) => {
      const out = new Float32Array(toWidth * height);
      for (let y = 0, to = 0; y < height; y++) {
        for (let x = 0, tap = 0; x < toWidth; x++, tap += 4, to++) {
          const row = y * width;
          out[to] = plane[row + index[tap]] * weights[tap] + plane[row + index[tap + 1]] * weights[tap + 1] + plane[row + index[tap + 2]] * weights[tap + 2] + plane[row + index[tap + 3]] * weights[tap + 3];
        }
      }
      return out;
    });
  }

  /** The rows from `top` to `bottom`, a plane for each. */
  rows(top = 0, bottom = this.height) {
    const { width, down } = this;
    return this.wide.map((plane) => {
      const out = new Float32Array((bottom - top) * width);
      for (let y = top, to = 0; y < bottom; y++) {
        const [a, b, c, d] = down.index.subarray(4 * y, 4 * y + 4).map((row) => row * width), [p, q, r, s] = down.weights.subarray(4 * y, 4 * y + 4);
        for (let x = 0; x < width; x++, to++) out[to] = plane[a + x] * p + plane[b + x] * q + plane[c + x] * r + plane[d + x] * s;
      }
      return out;
    });
  }
}

/** A picture at a smaller size, as floats; bytes are resized as bytes, floats clipped. */
export function shrunk(picture, width, height) {
  const small = resized(picture, width, height);
  return { width, height, planes: small.planes.map((plane) => (plane instanceof Uint8Array ? unit(plane) : plane.map((value) => Math.min(1, Math.max(0, value))))) };
}

const BAND = 64; // rows that are made at once

/** `each(top, bottom)` for all rows. */
export function bands(height, each) {
  for (let top = 0; top < height; top += BAND) each(top, Math.min(height, top + BAND));
}

/** What the second pass paints: the first one enlarged, with some of the photo's fine light and dark. Bytes. */
export function second(first, photo, small, detail = DETAIL) {
  const [r, g, b] = small.planes, { width, height } = photo;
  const planes = first.planes.map((plane) => plane.map((value, at) => value - detail * (LUMA[0] * r[at] + LUMA[1] * g[at] + LUMA[2] * b[at])));
  const coarse = new Enlarged({ ...small, planes }, width, height), out = planes.map(() => new Uint8Array(width * height));
  const shares = LUMA.map((share) => (255 * detail * share) / 255);
  bands(height, (top, bottom) => {
    const seen = coarse.rows(top, bottom), from = top * width;
    for (let at = 0; at < seen[0].length; at++) {
      const place = from + at, fine = shares[0] * photo.planes[0][place] + shares[1] * photo.planes[1][place] + shares[2] * photo.planes[2][place] + 0.5;
      for (let channel = 0; channel < 3; channel++) out[channel][place] = Math.min(255, Math.max(0, 255 * seen[channel][at] + fine));
    }
  });
  return { width, height, planes: out };
}

/** What is to be added to the second pass for the first one's bands to show in it. */
export function crossed(first, painted, merge = MERGE) {
  const small = shrunk(painted, first.width, first.height);
  const apart = { ...small, planes: first.planes.map((plane, channel) => plane.map((value, at) => value - small.planes[channel][at])) };
  return new Enlarged(weighted(apart, merge), painted.width, painted.height);
}

/** The planes with each octave multiplied by its number, finest first; the last is for all that is coarser. */
function weighted({ width, height, planes }, [share, ...others]) {
  if (!others.length || Math.min(width, height) < 2) return { width, height, planes: planes.map((plane) => plane.map((value) => share * value)) };
  const [w, h] = [width >> 1, height >> 1];
  const half = { width: w, height: h, planes: planes.map((plane) => resizedPlane(plane, width, height, w, h)) };
  const blurred = new Enlarged(half, width, height).rows(), coarse = new Enlarged(weighted(half, others), width, height).rows();
  return { width, height, planes: planes.map((plane, channel) => plane.map((value, at) => share * (value - blurred[channel][at]) + coarse[channel][at])) };
}
