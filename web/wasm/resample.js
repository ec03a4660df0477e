// Pictures brought to another size as Pillow does it: each pass of bytes is rounded, floats are not. Knows no page.
// A picture is {width, height, planes}: one array for each channel, Uint8Array (0..255) or Float32Array (0..1).

const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const FILTERS = {
  lanczos: [3, (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0)],
  bilinear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
};
const FIXED = 2 ** 22; // weights of bytes are whole numbers of this
const BOX = 2 ** 24; // the same, of a blur

/** Python's round: a half goes to the even number. */
export const round = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/** For each of `size` places between `from` and `to` of `length`: the first that it is made of, how many, and their weights. */
function taps(length, from, to, size, kind, bytes) {
  const [reach, filter] = FILTERS[kind], scale = (to - from) / size, wide = Math.max(1, scale), support = reach * wide;
  const most = 2 * Math.ceil(support) + 1, first = new Int32Array(size), count = new Int32Array(size), weights = new Float64Array(size * most);
  for (let at = 0; at < size; at++) {
    const center = from + (at + 0.5) * scale;
    first[at] = Math.max(0, Math.trunc(center - support + 0.5));
    count[at] = Math.min(length, Math.trunc(center + support + 0.5)) - first[at];
    const own = weights.subarray(at * most, at * most + count[at]).map((_, tap) => filter((tap + first[at] - center + 0.5) / wide));
    const sum = own.reduce((a, b) => a + b, 0) || 1;
    own.forEach((weight, tap) => (weights[at * most + tap] = bytes ? Math.round(Math.abs(weight / sum) * FIXED) * Math.sign(weight) : weight / sum));
  }
  return { first, count, weights, most };
}

const byte = (sum) => (sum <= 0 ? 0 : Math.min(255, (sum + FIXED / 2) / FIXED | 0));

/** One plane at another size; of `box` = [left, top, right, bottom] alone. The same type comes back. */
export function resizedPlane(plane, width, height, toWidth, toHeight, kind = "lanczos", box = [0, 0, width, height]) {
  const bytes = plane instanceof Uint8Array, Kind = bytes ? Uint8Array : Float32Array, keep = bytes ? byte : (sum) => sum;
  const [left, top, right, bottom] = box;
  const across = toWidth !== width || left !== 0 || right !== width ? taps(width, left, right, toWidth, kind, bytes) : null;
  const down = toHeight !== height || top !== 0 || bottom !== height ? taps(height, top, bottom, toHeight, kind, bytes) : null;
  const last = toHeight - 1, from = down ? down.first[0] : 0, end = down ? down.first[last] + down.count[last] : height;
  let rows = plane.subarray(from * width, end * width);
  if (across) {
    const { first, count, weights, most } = across;
    rows = new Kind((end - from) * toWidth);
    for (let y = from, to = 0; y < end; y++) {
      for (let x = 0; x < toWidth; x++, to++) {
        let sum = 0;
        for (let tap = 0, at = y * width + first[x], own = x * most; tap < count[x]; tap++) sum += plane[at + tap] * weights[own + tap];
        rows[to] = keep(sum);
      }
    }
  }
  if (!down) return across ? rows : plane.slice();
  const out = new Kind(toWidth * toHeight), line = new Float64Array(toWidth);
  for (let y = 0; y < toHeight; y++) {
    line.fill(0);
    for (let tap = 0; tap < down.count[y]; tap++) {
      const weight = down.weights[y * down.most + tap], at = (down.first[y] - from + tap) * toWidth;
      for (let x = 0; x < toWidth; x++) line[x] += rows[at + x] * weight;
    }
    for (let x = 0; x < toWidth; x++) out[y * toWidth + x] = keep(line[x]);
  }
  return out;
}

/** A picture at another size. */
export const resized = ({ width, height, planes }, toWidth, toHeight, kind = "lanczos") =>
  ({ width: toWidth, height: toHeight, planes: planes.map((plane) => resizedPlane(plane, width, height, toWidth, toHeight, kind)) });

/** A plane as floats in 0..1; floats come back themselves. */
export const unit = (plane) => (plane instanceof Uint8Array ? Float32Array.from(plane, (value) => value / 255) : plane);

/** A plane as bytes, clipped and rounded (a half to the even number); bytes come back themselves. */
export const toBytes = (plane) => (plane instanceof Uint8Array ? plane : new Uint8Array(Uint8ClampedArray.from(plane, (value) => value * 255).buffer));

const clipped = (plane) => {
  for (let at = 0; at < plane.length; at++) plane[at] = Math.min(1, Math.max(0, plane[at]));
  return plane;
};
/** A plane at another size as floats: Lanczos without rounding, what overshoots clipped. */
export const floatPlane = (plane, width, height, toWidth, toHeight) => clipped(resizedPlane(unit(plane), width, height, toWidth, toHeight));

/** Gauss's blur of a plane of bytes as Pillow does it: three times a mean over a box, across and then down. */
export function blurredPlane(plane, width, height, sigma) {
  const single = Math.fround, part = single((single(sigma) * single(sigma)) / 3), whole = Math.floor((single(Math.sqrt(12 * part + 1)) - 1) / 2);
  const share = single(single((2 * whole + 1) * single(whole * (whole + 1) - single(3 * part))) / single(6 * single(part - (whole + 1) ** 2)));
  const radius = single(whole + share);
  let out = plane.slice();
  for (const [length, step, count, next] of [[width, 1, height, width], [height, width, width, 1]]) {
    for (let turn = 0; turn < 3; turn++) {
      const from = out;
      out = new Uint8Array(from.length);
      for (let line = 0; line < count; line++) boxed(from, out, line * next, step, length, radius);
    }
  }
  return out;
}

/** Means of `length` bytes `step` apart, over `radius` to both sides: what is just beyond the whole part of it counts in part. */
function boxed(from, out, start, step, length, radius) {
  const whole = Math.floor(radius), weight = Math.floor(Math.fround(BOX / Math.fround(2 * radius + 1))), rest = Math.floor((BOX - (2 * whole + 1) * weight) / 2);
  const at = (place) => from[start + step * Math.min(length - 1, Math.max(0, place))];
  let sum = 0;
  for (let place = -whole - 1; place < whole; place++) sum += at(place);
  for (let place = 0; place < length; place++) {
    const before = at(place - whole - 1);
    sum += at(place + whole) - before;
    out[start + step * place] = Math.floor((sum * weight + (before + at(place + whole + 1)) * rest + BOX / 2) / BOX);
  }
}

const UNSEEN = 1 / 255; // opacity below which colours need not be weighed with it

/** Bytes {width, height, planes} shrunk on floats, and bytes again: colours count as far as `opacity` shows them. */
export function shrunkColors({ width, height, planes }, toWidth, toHeight, opacity = null) {
  const at = (plane) => resizedPlane(unit(plane), width, height, toWidth, toHeight);
  if (!opacity) return { width: toWidth, height: toHeight, planes: planes.map((plane) => toBytes(at(plane))) };
  const alpha = unit(opacity), share = at(alpha);
  const out = planes.map((plane) => {
    const plain = at(plane), weighed = at(unit(plane).map((value, place) => value * alpha[place]));
    for (let place = 0; place < plain.length; place++) {
      const part = share[place];
      plain[place] += ((weighed[place] - part * plain[place]) * Math.max(part, 0)) / Math.max(part, UNSEEN) ** 2;
    }
    return toBytes(plain);
  });
  return { width: toWidth, height: toHeight, planes: out };
}
