// Grain for places that are even or dark, as src/impasto/painting/grain.py makes it: of nothing a network makes nothing.

const DEEP = 7, DARK = 56, FALL = 4; // of 255: the noise where all is black, the luma below which there is some, and what a step of it takes

/** A picture of bytes or floats {width, height, planes}, with noise of 1/255 where it is even, and of up to 7 where it is dark. */
export function grained({ width, height, planes }) {
  const bytes = planes[0] instanceof Uint8Array, step = bytes ? 1 : Math.fround(1 / 255), whole = bytes ? 255 : 1, near = bytes ? 0.5 : Math.fround(step / 2);
  const out = planes.map((plane) => plane.slice()), in8 = bytes ? (value) => value : (value) => Math.floor(Math.fround(Math.fround(value * 255) + 0.5));
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const from = Math.max(0, Math.min(y, height - 2)) * width + Math.max(0, Math.min(x, width - 2)); // at the ends, the neighbour
      const right = width > 1 ? from + 1 : from, below = height > 1 ? from + width : from;
      const even = planes.every((plane) => Math.abs(plane[from] - plane[right]) < near && Math.abs(plane[from] - plane[below]) < near);
      const luma = (77 * in8(planes[0][at]) + 150 * in8(planes[1][at]) + 29 * in8(planes[2][at])) >> 8;
      const depth = Math.max(even ? 1 : 0, Math.min(DEEP, Math.floor((DARK - luma) / FALL)));
      if (depth <= 0) continue;
      const mixed = hashed(y, x), most = Math.fround(step * depth), high = Math.fround(whole - most);
      planes.forEach((plane, channel) => {
        out[channel][at] = Math.min(high, Math.max(most, plane[at])) + most * (((mixed >>> (8 * channel)) & 255) % 3 - 1);
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
