// What can be painted here, and what it takes. A browser paints pictures whole: its WASM memory ends at 4 GB.
import { composition, paintedSize } from "./painting.js";

const MOST = { fast: 12_600_000, full: 2_100_000 }; // pixels
const BYTES = { fast: 145, full: 1220 }; // a pixel
const ITSELF = 120e6; // bytes of page and runtime
const WEBKIT_CANVAS = 16_700_000; // pixels of its largest canvas
const PACE = { fast: 2.5, full: 25 }; // seconds a megapixel, until it is known better
const BEGIN = 0.3; // seconds

/** What this browser and machine are: {webkit, phone, memory (GB, as far as it says), cores, isolated}. */
export function machine() {
  const { userAgent = "", deviceMemory = 8, hardwareConcurrency = 1, maxTouchPoints = 0 } = navigator;
  const webkit = /AppleWebKit/.test(userAgent) && !/Chrome|Chromium|Edg/.test(userAgent);
  return { webkit, phone: webkit && maxTouchPoints > 1, memory: deviceMemory, cores: hardwareConcurrency, isolated: globalThis.crossOriginIsolated === true };
}

/** Threads of the runtime: one where memory cannot be shared, and in WebKit, where that has long been hanging. */
export const threadsFor = ({ webkit, cores, isolated }) => (isolated && !webkit ? Math.max(1, Math.min(4, cores)) : 1);

/** Pixels that a photo may have. */
export const largestPhoto = ({ webkit }) => (webkit ? WEBKIT_CANVAS : 100_000_000);

/** Pixels that a network paints here. */
export function mostPixels(network, { phone, memory }) {
  const share = phone ? 0.64 : memory <= 1 ? 0.16 : memory <= 2 ? 0.4 : 1;
  return Math.floor(MOST[network] * share);
}

/** How a painting will be made. `over` is {most, network} where it is too large to be painted here. */
export function planFor(photo, look, here, pace, knows) {
  const [width, height] = paintedSize(photo, look), pixels = width * height, begun = composition(photo, look, knows);
  const small = begun ? begun.size[0] * begun.size[1] : 0, masks = look.regions.length;
  const seconds = (network, count) => (count / 1e6) * (pace[network] ?? PACE[network]);
  const passes = [...(begun?.larger ? [] : [[look.network, pixels]]), ...(begun ? [[begun.network, small]] : [])];
  const over = passes.map(([network, count]) => ({ network, count, most: mostPixels(network, here) })).find(({ count, most }) => count > most) ?? null;
  return {
    width, height, megapixels: pixels / 1e6, whole: true, tiles: 1, passes: 1, over,
    memory: ITSELF + Math.max(...passes.map(([network, count]) => count * BYTES[network])) + (24 + 8 * masks) * pixels + (begun?.larger ? 15 * small : 0),
    seconds: BEGIN + passes.reduce((sum, [network, count]) => sum + seconds(network, count), 0) * (1 + masks),
  };
}
