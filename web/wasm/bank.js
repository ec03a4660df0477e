// A bank's file (docs/bank-file.md), read as src/impasto/styles/bank_file.py reads it. Numbers only; nothing in it runs.
import { EngineError } from "../engine-error.js";

const KEY = "impasto_bank", FORMAT = 1, BLANK = "0".repeat(64), HEADER_LIMIT = 1 << 24, LIMIT = 1e4;
const SLUG = /^[a-z0-9][a-z0-9._-]*$/;
const bad = (code = "bad-style") => new EngineError(code, "");

/** {network, fingerprint, styles: [{name, row, card}]} of a file's bytes; EngineError for anything else. */
export async function readBank(buffer) {
  const bytes = new Uint8Array(buffer), text = new TextDecoder();
  const length = bytes.length < 8 ? 0 : Number(new DataView(buffer).getBigUint64(0, true));
  if (!(length > 0 && length <= HEADER_LIMIT && 8 + length <= bytes.length)) throw bad();
  let header, head, written;
  try {
    header = JSON.parse(text.decode(bytes.subarray(8, 8 + length)));
    written = header.__metadata__[KEY];
    head = JSON.parse(written);
  } catch {
    throw bad();
  }
  if (head?.format > FORMAT) throw bad("newer-style");
  const { dtype, shape, data_offsets: ends } = header.rows ?? {}, { names, cards, network, fingerprint } = head ?? {};
  const size = { F32: 4, F16: 2 }[dtype], [count, wide] = shape ?? [];
  if (!(size && count > 0 && wide > 0 && ends?.[0] === 0 && ends[1] === count * wide * size && 8 + length + ends[1] === bytes.length)) throw bad();
  if (!(Array.isArray(names) && names.length === count && names.every((name) => typeof name === "string" && SLUG.test(name)))) throw bad();
  if (!cards || typeof cards !== "object" || typeof fingerprint !== "string" || typeof network !== "string") throw bad();
  const stored = bytes.subarray(8 + length);
  if (typeof head.sha256 === "string" && globalThis.crypto?.subtle) {
    const known = new TextEncoder().encode(written.replace(head.sha256, BLANK)), all = new Uint8Array(known.length + stored.length);
    all.set(known);
    all.set(stored, known.length);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", all));
    if (Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") !== head.sha256) throw bad();
  }
  const view = new DataView(buffer, 8 + length), number = size === 4 ? (at) => view.getFloat32(4 * at, true) : (at) => half(view.getUint16(2 * at, true));
  const styles = names.map((name, at) => {
    const row = Float32Array.from({ length: wide }, (_, place) => number(at * wide + place));
    if (!row.every((value) => Math.abs(value) <= LIMIT)) throw bad();
    return { name, row, card: typeof cards[name] === "object" ? cards[name] ?? {} : {} };
  });
  return { network, fingerprint, styles };
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, power = (bits >> 10) & 31, part = bits & 1023;
  if (power === 31) return NaN;
  return sign * (power ? 2 ** (power - 15) * (1 + part / 1024) : 2 ** -24 * part);
}

/** The row with strokes of `size` pixels between those of `sizes`, {pixels: row}: see src/impasto/styles/strokes.py. */
export function rowAtSize(sizes, size) {
  const steps = Object.keys(sizes).map(Number).sort((a, b) => a - b), upper = steps.find((step) => step >= size), lower = steps.findLast((step) => step < size);
  if (upper === undefined || (upper !== size && lower === undefined)) return sizes[upper ?? lower];
  if (upper === size) return sizes[upper];
  const part = Math.log(size / lower) / Math.log(upper / lower);
  return sizes[lower].map((value, at) => value * (1 - part) + sizes[upper][at] * part);
}
