// Arithmetic on rows of numbers, as src/impasto/styles/blend.py does it: mixes, and how much of a painting is shown.

export const PHOTO = "photo";

/** Weights {name: weight} divided by their sum. */
export function normalise(weights) {
  const pairs = Object.entries(weights), top = Math.max(...pairs.map(([, weight]) => weight));
  const total = pairs.reduce((sum, [, weight]) => sum + weight / top, 0);
  return Object.fromEntries(pairs.map(([name, weight]) => [name, weight / top / total]));
}

/** Sum of weight * row; a weight of 0 drops out, so that one row stays as it is. */
function mean(rows, weights) {
  const parts = rows.map((row, at) => [row, weights[at]]).filter(([, weight]) => weight !== 0);
  if (parts.length === 1) return parts[0][0].slice();
  return Float32Array.from(parts[0][0], (_, at) => parts.reduce((sum, [row, weight]) => sum + weight * row[at], 0));
}

/** The row with which a mix is painted, `photo` left out. `rowOf(name)` gives rows. */
export function mix(rowOf, styles) {
  const { [PHOTO]: photo, ...others } = normalise(styles);
  const painted = !Object.values(others).some(Boolean) ? { [PHOTO]: 1 } : photo === undefined ? others : normalise(others);
  return mean(Object.keys(painted).map(rowOf), Object.values(painted));
}

/** How much of a painting is shown: photo + share * (painting - photo). */
export function styleShare(styles, strength = 1) {
  return strength * (1 - (normalise(styles)[PHOTO] ?? 0));
}

/** Whether a painting is shown as the network paints it, everywhere. */
export const plain = (shares) => shares.every((share) => share === 1);

/** Bilinear between four rows, n * n of them: row by row. */
export function square(corners, n) {
  const steps = Array.from({ length: n }, (_, step) => step / (n - 1));
  return steps.flatMap((y) => steps.map((x) => mean(corners, [(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x])));
}
