// What is behind transparent places: the visible picture, mirrored, as src/impasto/pictures/transparency.py does it.
import { round } from "./resample.js";

const HARDLY = (16 / 255) * 255; // opacity below which colours count less and less
const ENOUGH = 0.5; // of the most that any row shows

/** The ends of all runs of true: [[begin, end], ...]. */
function runsOf(visible) {
  const runs = [];
  for (let at = 0; at < visible.length; at++) {
    if (!visible[at]) continue;
    if (at && visible[at - 1]) runs.at(-1)[1] = at;
    else runs.push([at, at]);
  }
  return runs;
}

/** The place whose content goes to each place: its own where it is visible, else one of the nearest run, mirrored. */
function mirrored(visible) {
  const runs = runsOf(visible), out = new Int32Array(visible.length);
  for (let at = 0, next = 0; at < out.length; at++) {
    while (next < runs.length && runs[next][0] <= at) next++;
    const before = runs[next - 1], after = runs[next];
    const left = before ? at - before[1] : Infinity, right = after ? after[0] - at : Infinity;
    const [begin, end] = left <= right ? before : after, length = end - begin + 1;
    let step = (Math.min(left, right) - 1) % (2 * length);
    step = Math.min(step, 2 * length - 1 - step);
    out[at] = left <= 0 ? at : left <= right ? end - step : begin + step;
  }
  return out;
}

/** The planes of a picture of bytes whose colours follow from the visible ones alone; `opacity` null is solid. */
export function cover({ width, height, planes }, opacity) {
  if (!opacity) return { width, height, planes };
  let most = 0, least = 255;
  for (const value of opacity) (most = Math.max(most, value)), (least = Math.min(least, value));
  if (least >= HARDLY) return { width, height, planes };
  if (!most) return { width, height, planes: planes.map((plane) => plane.slice().fill(127)) };
  const visible = (row) => Array.from(opacity.subarray(row * width, (row + 1) * width), (value) => value >= most / 2);
  const shown = Array.from({ length: height }, (_, row) => visible(row).filter(Boolean).length), full = Math.max(...shown);
  const rows = mirrored(shown.map((count) => count >= ENOUGH * full)), covered = planes.map((plane) => plane.slice());
  for (let y = 0; y < height; y++) {
    let places = null;
    for (let x = 0; x < width; x++) {
      const at = y * width + x, seen = opacity[at];
      if (seen >= HARDLY) continue;
      places ??= mirrored(visible(rows[y]));
      const weight = (seen / HARDLY) ** 2, from = rows[y] * width + places[x];
      covered.forEach((plane, channel) => (plane[at] = round(weight * planes[channel][at] + (1 - weight) * planes[channel][from])));
    }
  }
  return { width, height, planes: covered };
}
