// What the page says: a note for everybody, a live region for screen readers. Words are looked up anew when the language changes.
import { $ } from "./dom.js";
import { bytes, has, number, t } from "./strings.js";

const SHOWN = 8000; // ms
let written = null; // the note that is shown: {words(), error}

/** Words for screen readers, and with `seen` for everybody: a text, or a function that gives it in the current language. */
export function say(words, seen = false, stays = false) {
  $("status").textContent = spoken(words);
  if (seen) note(words, { stays });
}

const spoken = (words) => (typeof words === "function" ? words() : words);

export function note(words, { stays = false, error = false } = {}) {
  written = words ? { words, error } : null;
  $("note").hidden = !words;
  $("note-text").textContent = words ? spoken(words) : "";
  clearTimeout(note.timer);
  if (words && !stays) note.timer = setTimeout(() => note(null), SHOWN);
}

/** An error that is over: what went wrong before does not stand over what went well since. */
export const settled = () => written?.error && note(null);

/** The note once more, in another language. */
export const reworded = () => written && ($("note-text").textContent = spoken(written.words));

/** The engine's error as a note. */
export function fault(error, limits) {
  $("status").textContent = explain(error, limits);
  note(() => explain(error, limits), { error: true });
}

/** An engine's error as one sentence: ours where the code is known, else the server's, as a sentence is written. */
export function explain({ code, message }, limits = {}) {
  const values = { pixels: number((limits.pixels ?? 0) / 1e6), size: bytes(limits.body ?? 0), styles: number(limits.styles ?? 4) };
  if (has(`error_${code}`)) return t(`error_${code}`, values);
  if (!message || message === code) return t("strange", { why: code ?? "" });
  return sentence(message);
}

const sentence = (text) => text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
