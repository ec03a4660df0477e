// WebGPU, where a trial on this very machine finds it right, and quicker than WASM. What was found is remembered in this browser.
import { Bench } from "./bench.js";
import { BUILT } from "./built.js";

const KEY = "impasto-provider", VISITS = "impasto-visits";
const SMALL = 64, LARGE = 384; // px a side of what is compared and of what is timed
const FAR = 1e-2; // that two paintings may differ
const HOPELESS = 1; // seconds of the small one, beyond which the large one is not tried
const GAIN = 0.8; // of WASM's time, that it is worth another runtime
const STYLE = "van-gogh-starry-night";

const browser = () => `${BUILT.version} ${navigator.userAgent}`;

/** What an earlier trial found in this browser: "webgpu", "wasm", or null before there was one. */
export function remembered() {
  try {
    const { provider, by } = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return by === browser() ? provider : null;
  } catch {
    return null;
  }
}

/** Remember who paints from the next visit on. */
export function remember(provider) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ provider, by: browser() }));
  } catch {} // a private window tries again
}

/** Whether this is the time for a trial: not on a first visit, since the runtime is large, nor where data are dear. */
export async function due() {
  try {
    const visits = Number(localStorage.getItem(VISITS) ?? 0) + 1;
    localStorage.setItem(VISITS, visits);
    return visits > 1 && remembered() === null && !navigator.connection?.saveData && Boolean(await navigator.gpu?.requestAdapter());
  } catch {
    return false;
  }
}

/** Who paints, after the numbers of a trial. */
export const quicker = ({ difference, wasm, webgpu }) => (difference <= FAR && webgpu < GAIN * wasm ? "webgpu" : "wasm");

/** Paint the same on both, at two sizes: {provider, difference, wasm, webgpu (seconds)}. */
export async function trial(settings, network = "fast") {
  const benches = ["wasm", "webgpu"].map((provider) => new Bench({ ...settings, provider, trying: true }));
  const both = (side) => Promise.all(benches.map((bench) => bench.run("trial", { network, side, style: STYLE })));
  let found = { difference: Infinity, wasm: 0, webgpu: Infinity };
  try {
    const [one, other] = await both(SMALL);
    found = { difference: apart(one.planes, other.planes), wasm: one.seconds, webgpu: other.seconds };
    if (found.difference <= FAR && other.seconds <= HOPELESS) {
      for (const [at, provider] of ["wasm", "webgpu"].entries()) found[provider] = (await benches[at].run("trial", { network, side: LARGE, style: STYLE })).seconds;
    }
  } catch (error) {
    found.error = String(error.message);
  }
  for (const bench of benches) bench.end();
  return { ...found, provider: quicker(found) };
}

/** The largest difference of two paintings; infinite where one is not a number. */
export const apart = (planes, others) => planes.reduce((most, plane, channel) => plane.reduce((found, value, at) => {
  const far = Math.abs(value - others[channel][at]);
  return Number.isNaN(far) ? Infinity : Math.max(found, far);
}, most), 0);
