// One painting: a photo and a look in, a painting out, as src/impasto/painting does it. Knows no files and no page.
import { PHOTO, mix, plain, styleShare } from "./blend.js";
import { grained } from "./grain.js";
import { Enlarged, bands, crossed, firstSize, second, shrunk } from "./passes.js";
import { keepColor } from "./recolor.js";
import { blurredPlane, floatPlane, resized, resizedPlane, round, shrunkColors, toBytes, unit } from "./resample.js";

const COMPOSER = { fast: "full" }; // networks that another one makes the first pass for

const KEPT = 0.4; // of the photo's details, where they are protected
const SOFT = 0.012; // of the longer side: standard deviation of the edge there
const PIECES = 10, MOST_TONES = 512; // of a face that has its features still, but not its tones

const LARGE = 3e6; // pixels: beyond, the first pass's memory is given back before the second

/** Width and height of the painting of a photo. */
export function paintedSize({ width, height }, { size, enlarge }) {
  const long = Math.max(width, height);
  if (!size || (size >= long && !enlarge) || size === long) return [width, height];
  return [Math.max(1, round((width * size) / long)), Math.max(1, round((height * size) / long))];
}

/** Who composes a picture in two passes, and its size; null where one pass is all there is. A `larger` one is the only one, and shrunk. */
export function composition(photo, look, knows) {
  const size = paintedSize(photo, look), begun = firstSize(...size, look.brush, look.finer ?? null);
  if (!begun) return null;
  if (Math.max(...begun) > Math.max(...size)) return { size: begun, network: look.network, larger: true };
  const other = COMPOSER[look.network], same = other && namesOf(look).every((name) => name === PHOTO || knows(other, name));
  return { size: begun, network: same ? other : look.network };
}

const mixes = (look) => [look.styles, ...look.regions.map(({ styles }) => styles)];
export const namesOf = (look) => [...new Set(mixes(look).flatMap(Object.keys))];
/** How much of each mix is not the photo. */
const sharesOf = (look) => mixes(look).map((styles) => styleShare(styles, look.strength));

/** The painting {width, height, planes, opacity} of a photo of bytes. `networks`: run(name, picture, row), rowOf, knows. */
export async function paint(photo, wanted, networks) {
  const merged = mergedRegions(photo, wanted.regions), look = { ...wanted, regions: merged.map(([styles]) => ({ styles })) };
  const masks = [...merged.map(([, mask]) => mask), ...(look.protect ? [stretched(look.protect, photo)] : [])];
  const subject = sized(photo, look, masks), shares = sharesOf(look), kept = look.protect && softened(subject.masks.pop(), subject);
  const shown = shownOf(shares, subject.masks), numbers = seenOf(shares, shown);
  if (!numbers.length) return subject;
  const rows = await rowsOf(look, look.network, networks), passes = composition(subject, { ...look, size: null }, networks.knows);
  const begun = passes?.larger ? null : passes, large = passes?.larger ? resized(subject, ...passes.size) : null;
  const small = begun && shrunk(subject, ...begun.size), firsts = [];
  if (begun) {
    const theirs = begun.network === look.network ? rows : await rowsOf({ ...look, stroke_size: null }, begun.network, networks);
    for (const number of numbers) firsts[number] = await networks.run(begun.network, grained(small), theirs[number]);
    if (begun.network !== look.network && subject.width * subject.height > LARGE) await networks.release(begun.network);
  }
  const alone = async (number, look, weight) => {
    if (large) {
      const painted = await networks.run(look.network, grained(large), rows[number]);
      const small = resized({ ...painted, planes: painted.planes.map(rounded) }, subject.width, subject.height);
      return finished({ photo: subject, look, weight, first: null }, small);
    }
    const first = firsts[number] ?? null, seen = first ? second(first, subject, small) : subject;
    const painted = await networks.run(look.network, first ? seen : grained(seen), rows[number]);
    return finished({ photo: subject, look, weight, first }, look.keep_color ? painted : { ...painted, planes: painted.planes.map(rounded) });
  };
  const whole = plain(shares);
  if (!shown) return featured(await alone(0, look, whole ? null : () => shares[0]), subject, kept);
  const total = new Float32Array(shown[0].length);
  let out = null;
  for (const number of numbers) {
    out = blended(out, await alone(number, { ...look, keep_color: false }, null), shown[number], total);
  }
  const made = finished({ photo: subject, look, weight: whole ? null : (at) => total[at], first: null }, out), most = Math.max(...shares);
  return featured(made, subject, kept, (at) => total[at] / most); // where the photo is shown, it is that already
}

/** What a painting at full strength is at another one: photo + strength * (painting - photo). Bytes. */
export function atStrength(photo, painted, strength) {
  if (strength === 1) return painted;
  const planes = painted.planes.map((plane, channel) => {
    const own = photo.planes[channel];
    return Uint8Array.from(plane, (value, at) => Math.min(255, Math.max(0, own[at] + strength * (value - own[at]) + 0.5)));
  });
  return { ...painted, planes };
}

const stretched = ({ data, width, height }, to) => resizedPlane(data, width, height, to.width, to.height, "bilinear");

/** [styles, mask at the photo's size] of each region; those of one mix are one. */
function mergedRegions(photo, regions) {
  const found = new Map();
  for (const { styles, soft } of regions) {
    const key = JSON.stringify(styles), mask = stretched(soft, photo), old = found.get(key);
    found.set(key, old ? mask.map((value, at) => Math.max(value, old[at])) : mask);
  }
  return [...found].map(([key, mask]) => [JSON.parse(key), mask]);
}

/** Photo and masks at the painting's size. */
function sized(photo, look, masks) {
  const { width, height, opacity } = photo, [w, h] = paintedSize(photo, look);
  if (w === width && h === height) return { ...photo, masks };
  const plane = (each) => floatPlane(each, width, height, w, h);
  if (w < width || h < height) return { ...shrunkColors(photo, w, h, opacity), opacity: opacity && toBytes(plane(opacity)), masks: masks.map(plane) };
  return { ...resized(photo, w, h), opacity: opacity && toBytes(plane(opacity)), masks: masks.map((mask) => resizedPlane(mask, width, height, w, h)) };
}

/** A mask at the painting's size as bytes, its edges no longer to be seen. */
const softened = (mask, { width, height }) => blurredPlane(toBytes(mask), width, height, SOFT * Math.max(width, height));

/** A painting in which the photo's details shine through where `kept` protects them, in the painting's own tones. */
function featured(painted, photo, kept, shown = () => 1) {
  if (!kept) return painted;
  const { width, height } = painted, share = kept.reduce((sum, value) => sum + value, 0) / kept.length / 255;
  const scale = Math.min(1, Math.trunc(Math.min(MOST_TONES, Math.max(PIECES, PIECES / Math.sqrt(Math.max(share, 1e-6))))) / Math.max(width, height));
  const long = round(scale * Math.max(width, height)), size = [width, height].map((side) => Math.max(1, round((side * long) / Math.max(width, height))));
  const [bold, plain] = [painted, photo].map((each) => shrunk(each, ...size));
  const tones = new Enlarged({ ...bold, planes: bold.planes.map((plane, channel) => plane.map((value, at) => value - plain.planes[channel][at])) }, width, height);
  bands(height, (top, bottom) => {
    const more = tones.rows(top, bottom), from = top * width;
    painted.planes.forEach((plane, channel) => {
      const part = unit(plane.subarray(from, bottom * width)), own = unit(photo.planes[channel].subarray(from, bottom * width));
      plane.set(toBytes(Float32Array.from(part, (value, at) => value + ((KEPT * kept[from + at]) / 255) * shown(from + at) * (own[at] + more[channel][at] - value))), from);
    });
  });
  return painted;
}

/** The row of each of the look's mixes. */
async function rowsOf(look, network, networks) {
  const found = new Map();
  for (const name of namesOf(look)) found.set(name, await networks.rowOf(network, name, name === PHOTO ? null : look.stroke_size));
  return mixes(look).map((styles) => mix((name) => found.get(name), styles));
}

const scaleOf = (mask) => (mask instanceof Uint8Array ? 1 / 255 : 1);

/** Planes that add up to 1, first what the masks leave over; null where there are none. */
function stacked(masks) {
  if (!masks.length) return null;
  const out = [masks[0], ...masks].map(() => new Float32Array(masks[0].length)), scales = masks.map(scaleOf);
  for (let at = 0; at < masks[0].length; at++) {
    let total = 0;
    masks.forEach((mask, k) => (total += mask[at] * scales[k]));
    out[0][at] = Math.max(1 - total, 0);
    masks.forEach((mask, k) => (out[k + 1][at] = (mask[at] * scales[k]) / Math.max(total, 1)));
  }
  return out;
}

/** How much of each painting is shown where there are masks, the rest is photo; null without masks. */
function shownOf(shares, masks) {
  const planes = stacked(masks);
  planes?.forEach((plane, number) => {
    const most = shares[number];
    if (most !== 1) plane.forEach((value, at) => (plane[at] = value * most));
  });
  return planes;
}

/** The numbers of those paintings of which anything is shown. */
const seenOf = (shares, shown) => shares.flatMap((share, number) => (share > 0 && (!shown || shown[number].some((value) => value > 0)) ? [number] : []));

/** One painting more, `over` those before it, in bytes, where `shown` of it is seen; `total` of all grows along. */
function blended(under, over, shown, total) {
  for (let at = 0; at < total.length; at++) {
    total[at] += shown[at];
    if (!under || !(shown[at] > 0)) continue;
    const share = shown[at] / total[at];
    for (let channel = 0; channel < 3; channel++) under.planes[channel][at] += share * (over.planes[channel][at] - under.planes[channel][at]) + 0.5;
  }
  return under ?? over;
}

/** A plane of 0..1 as bytes, as the network gives them. */
const rounded = (plane) => Uint8Array.from(plane, (value) => Math.min(255, Math.max(0, 255 * value + 0.5)));

/** The painting out of what the network painted. */
function finished({ photo, look, weight, first }, painted) {
  const { width, height, opacity } = photo, added = first && crossed(first, painted);
  const out = { width, height, opacity, planes: painted.planes.map(() => new Uint8Array(width * height)) };
  if (!added && !weight && !look.keep_color) return { ...out, planes: painted.planes };
  bands(height, (top, bottom) => {
    const from = top * width, part = (plane) => unit(plane.subarray(from, bottom * width)), own = photo.planes.map(part), more = added?.rows(top, bottom);
    let planes = painted.planes.map((plane, channel) => Float32Array.from(part(plane), (value, at) => Math.min(1, Math.max(0, value + (more ? more[channel][at] : 0)))));
    if (look.keep_color) planes = keepColor(planes, own);
    if (weight) {
      for (let at = 0; at < planes[0].length; at++) {
        const share = weight(from + at);
        for (let channel = 0; channel < 3; channel++) planes[channel][at] = (1 - share) * own[channel][at] + share * planes[channel][at];
      }
    }
    planes.forEach((plane, channel) => out.planes[channel].set(toBytes(plane), from));
  });
  return out;
}
