// Grain for places that are even all over, as src/impasto/painting/grain.py makes it: of nothing a network makes nothing.

/** A picture of bytes or floats {width, height, planes}, with noise of at most 1/255 where it is even. */
export function grained({ width, height, planes }) {
  const bytes = planes[0] instanceof Uint8Array, step = bytes ? 1 : 1 / 255, most = 255 * step, near = bytes ? 0.5 : Math.fround(step / 2);
  const out = planes.map((plane) => plane.slice()), [low, high, unit] = bytes ? [1, most - 1, 1] : [step, most - step, step].map(Math.fround);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const from = Math.max(0, Math.min(y, height - 2)) * width + Math.max(0, Math.min(x, width - 2)); // at the ends, the neighbour
      const right = width > 1 ? from + 1 : from, below = height > 1 ? from + width : from;
      if (!planes.every((plane) => Math.abs(plane[from] - plane[right]) < near && Math.abs(plane[from] - plane[below]) < near)) continue;
      const mixed = hashed(y, x);
      planes.forEach((plane, channel) => {
        out[channel][at] = Math.min(high, Math.max(low, plane[at])) + unit * (((mixed >>> (8 * channel)) & 255) % 3 - 1);
      });
    }
  }
  return { width, height, planes: out };
}

/** A hash of a place, 32 bits. */
function hashed(row, column) {
  let mixed = Math.imul(row, 0x9e3779b1) ^ Math.imul(column, 0x85ebca77);
  for (const [shift, factor] of [[15, 0x2c1b3c6d], [12, 0x297a2d39]]) mixed = Math.imul(mixed ^ (mixed >>> shift), factor);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
