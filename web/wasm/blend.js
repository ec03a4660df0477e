// Arithmetic on rows of numbers, as src/impasto/styles/blend.py does it: mixes, strength, a photo's own tones.

export const PHOTO = "photo";
const WHOLE_SHARE = 0.5, BEND = 2, TONE_LIMIT = 0.01, TONE_PIXELS = 500_000;

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

/** Where on the line from the photo's row, 0, to the style's, 1, a strength lies. */
export const along = (strength) => strength - BEND * strength ** 3 * Math.max(0, 1 - strength);

/** The row of a mix, drawn towards the photo by `strength`. `rowOf(name)` gives rows, `photo` is this photo's own. */
export function mix(rowOf, styles, strength = 1, photo = null) {
  const found = normalise(styles), names = Object.keys(found);
  const row = mean(names.map((name) => (name === PHOTO && photo ? photo : rowOf(name))), Object.values(found));
  if (strength === 1) return row;
  const part = along(strength);
  return mean([photo ?? rowOf(PHOTO), row], [1 - part, part]);
}

/** How much of a mix is not the photo. */
export function styleShare(styles, strength = 1) {
  return strength * Object.entries(normalise(styles)).reduce((sum, [name, weight]) => sum + (name === PHOTO ? 0 : weight), 0);
}

/** How much of a painting to show at a share of style; the rest is the photo itself. */
export function paintedWeight(share) {
  const part = Math.min(1, Math.max(0, share / WHOLE_SHARE));
  return part * part * (3 - 2 * part);
}

/** Whether a painting is shown as the network paints it, everywhere. */
export const plain = (shares) => Math.min(...shares) >= WHOLE_SHARE;

/** Bilinear between four rows, n * n of them: row by row. */
export function square(corners, n) {
  const steps = Array.from({ length: n }, (_, step) => step / (n - 1));
  return steps.flatMap((y) => steps.map((x) => mean(corners, [(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x])));
}

/** The row with brightness and contrast of a picture {width, height, planes} of bytes in place of its own. */
export function withOwnTones(row, { width, height, planes }) {
  const own = row.slice(), half = own.length / 2, stride = Math.max(1, Math.floor(Math.sqrt(Math.floor((width * height) / TONE_PIXELS))));
  const logits = Float64Array.from({ length: 256 }, (_, value) => {
    const tone = Math.min(1 - TONE_LIMIT, Math.max(TONE_LIMIT, value / 255));
    return Math.log(tone / (1 - tone));
  });
  planes.forEach((plane, channel) => {
    let count = 0, sum = 0, squares = 0;
    for (let y = 0; y < height; y += stride) {
      for (let x = 0; x < width; x += stride, count++) {
        const logit = logits[plane[y * width + x]];
        sum += logit;
        squares += logit * logit;
      }
    }
    own[half - 3 + channel] = Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
    own[2 * half - 3 + channel] = sum / count;
  });
  return own;
}
