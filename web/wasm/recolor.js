// A painting in the colours of its photo, as src/impasto/pictures/recolor.py does it.
import { LUMA } from "./passes.js";

/** The luma of `painted` with the colours of `photo`: three planes of floats each, as long; `painted` is changed. */
export function keepColor(painted, photo) {
  const [pr, pg, pb] = painted, [r, g, b] = photo, [u, v, w] = LUMA;
  for (let at = 0; at < pr.length; at++) {
    const luma = Math.min(1, Math.max(0, u * pr[at] + v * pg[at] + w * pb[at])), own = u * r[at] + v * g[at] + w * b[at];
    const red = r[at] - own, green = g[at] - own, blue = b[at] - own;
    const share = Math.min(1, (1 - luma) / Math.max(red, green, blue, 1e-12), luma / Math.max(-red, -green, -blue, 1e-12));
    pr[at] = luma + share * red;
    pg[at] = luma + share * green;
    pb[at] = luma + share * blue;
  }
  return painted;
}
