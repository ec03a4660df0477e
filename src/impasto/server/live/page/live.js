// The live page: the newest painting again and again, and the look that it has. The studio's modules do the rest.
import { cameras, openCamera, reasonOf } from "./camera.js";
import { createCompare } from "./compare.js";
import { $, make, pressed, setRange } from "./dom.js";
import { ask, json } from "./engine-http.js";
import { fault, note, reworded, say } from "./notes.js";
import { createPad } from "./pad.js";
import { turn } from "./recipe.js";
import { createState } from "./state.js";
import { LANGUAGES, current, number, percent, speak, t, time } from "./strings.js";
import { createStyles, createThumbnails, ordered } from "./styles.js";
import "./words.js";

const PAUSE = 500; // ms until a server that does not answer is asked again
const PATIENCE = 3; // times that it is
const SITTER = {}; // what thumbnails are of: there is but one
const state = createState();
const painting = $("painting"), original = $("original"), picture = $("picture"), view = $("view");
let show = null, mirrored = false, waiting = null, camera = null, over = false;

const engine = { thumbnail: async (_, style, __, ___, signal) => (await ask(`live/thumbnails/${encodeURIComponent(style)}`, { signal })).blob() };
const tell = (what) => (typeof what === "string" ? say(() => t(what), true) : fault(what));
const thumbnails = createThumbnails(engine, { busy: () => painting.dataset.state !== "painted" || over, drawn: (name) => (styles.drawn(name), pad()) });
const styles = createStyles(state, thumbnails, { tell, teach: null });
const pad = createPad(state, thumbnails.of);
const compare = createCompare();

// ---- what is seen -------------------------------------------------------------------------------------------------

async function watch() {
  for (let after = 0, silent = 0; !over; ) {
    try {
      const answer = await ask(`live/painted?after=${after}&before=${picture.dataset.cut === "some"}`);
      silent = 0;
      if (answer.status === 204) continue;
      after = Number(answer.headers.get("X-N"));
      draw(await createImageBitmap(await answer.blob()), answer.headers, after);
    } catch (error) {
      if (error.status === 410) return end("liveOver");
      if (++silent > PATIENCE) return end("liveOffline");
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  }
}

function draw(bitmap, headers, after) {
  const [width, height] = headers.get("X-Size").split("x").map(Number);
  const first = painting.dataset.state !== "painted", other = painting.width !== width || painting.height !== height;
  if (other) for (const each of [painting, original]) Object.assign(each, { width, height });
  painting.getContext("2d").drawImage(bitmap, width - bitmap.width, 0);
  if (bitmap.width > width) original.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  const recorded = headers.get("X-Recorded");
  $("pace").textContent = t("livePace", { size: `${number(width)} × ${number(height)}`, rate: number(headers.get("X-Rate")) });
  if (recorded === null && !$("recorded").hidden) tell("liveStopped");
  $("recorded").hidden = recorded === null;
  if (recorded !== null) $("recorded").textContent = t("liveRecorded", { time: time(Math.max(1, Number(recorded))) });
  Object.assign(painting.dataset, { state: "painted", n: after });
  if (!first && !other) return;
  wait(null);
  fit();
  if (first) thumbnails.show(SITTER, state.styles, "live", new Set());
}

function fit() {
  if (view.hidden) return;
  const scale = Math.min(view.clientWidth / painting.width, view.clientHeight / painting.height);
  picture.style.width = `${Math.round(painting.width * scale)}px`;
  picture.style.height = `${Math.round(painting.height * scale)}px`;
}
new ResizeObserver(fit).observe(view);

function end(key) {
  over = true;
  camera?.stop();
  picture.dataset.over = "true";
  if (waiting) wait(key, {});
  else say(() => t(key), true, true);
}

/** What stands there instead of a picture: a phrase's key, and whether one can try again. */
function wait(key, { values = {}, again = false } = {}) {
  waiting = key && { key, values, again };
  $("welcome").hidden = !key;
  $("view").hidden = $("tools").hidden = Boolean(key);
  document.body.dataset.empty = String(Boolean(key));
  if (!key) return;
  $("waiting").textContent = t(key, values);
  $("waiting-how").textContent = t(`${key}How`, values) === `${key}How` ? "" : t(`${key}How`, values);
  $("again").hidden = !again;
}

// ---- the browser's camera -----------------------------------------------------------------------------------------

async function begin(id = localStorage.camera || null) {
  camera?.stop();
  if (painting.dataset.state !== "painted") wait("liveAsking");
  try {
    camera = await openCamera({ id, side: show.side, send, gone: () => over || wait("liveLost", { again: true }) });
  } catch (error) {
    if (id && error.name === "OverconstrainedError") return begin(localStorage.camera = "");
    return wait(reasonOf(error), { again: true });
  }
  wait(painting.dataset.state === "painted" ? null : "liveWaiting", { values: { name: t("camera") } });
  const found = await cameras();
  $("cameras").hidden = found.length < 2;
  $("camera").replaceChildren(...found.map(([value, name]) => make("option", { value }, name)));
  $("camera").value = camera.id;
}

const send = (blob) => ask("live/frame", { method: "POST", body: blob, headers: { "Content-Type": "image/jpeg" } }).catch(() => new Promise((done) => setTimeout(done, PAUSE)));

$("again").addEventListener("click", () => begin());
$("camera").addEventListener("change", () => begin((localStorage.camera = $("camera").value)));

// ---- how it looks -------------------------------------------------------------------------------------------------

let told = null, telling = false;

/** Have the server know the look; while it is told, changes are collected. */
async function look() {
  const { styles: mix, strength } = state.recipe;
  const body = JSON.stringify({ styles: Object.fromEntries(mix.filter(([, weight]) => weight > 0)), strength, mirrored });
  if (!show || telling || told === body || over) return;
  telling = true;
  const failed = await ask("live/look", { method: "PUT", body, headers: { "Content-Type": "application/json" } }).then(() => null, (error) => error);
  telling = false;
  told = body;
  if (failed) fault(failed);
  look();
}

state.onChange(function views() {
  const { recipe } = state;
  styles.draw();
  pad();
  setRange($("strength"), Math.round(100 * recipe.strength), t("strengthValue", { share: percent(recipe.strength) }));
  $("strength-value").textContent = percent(recipe.strength);
  pressed($("mirror"), mirrored);
  painting.setAttribute("aria-label", t("livePainting", { style: recipe.styles.map(([name]) => state.style(name)?.title || name).join(", ") }));
  compare.draw();
  look();
});

$("strength").addEventListener("input", () => state.turn({ strength: $("strength").value / 100 }, "strength"));
$("mirror").addEventListener("click", () => ((mirrored = !mirrored), state.changed()));
$("note-close").addEventListener("click", () => note(null));
$("theme").addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark" || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = localStorage.theme = dark ? "light" : "dark";
});
$("language").addEventListener("change", () => {
  localStorage.language = $("language").value;
  words();
});
addEventListener("keydown", (event) => {
  const typing = event.target.matches("input[type=search], select");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || waiting) return;
  if (event.key === "c" || event.key === "C") compare.toggle();
  if (event.key === " " && !event.target.closest("button, input, select")) event.preventDefault(), compare.hold(true);
});
addEventListener("keyup", (event) => event.key === " " && compare.hold(false));

// ---- start --------------------------------------------------------------------------------------------------------

function words() {
  speak([localStorage.language, ...navigator.languages].filter(Boolean));
  $("language").replaceChildren(...Object.entries(LANGUAGES).map(([value, { name }]) => make("option", { value, lang: value }, name)));
  $("language").value = current();
  reworded();
  if (waiting) wait(waiting.key, waiting);
  state.changed();
}

async function start() {
  if (localStorage.theme) document.documentElement.dataset.theme = localStorage.theme;
  words();
  document.body.dataset.ready = "true";
  try {
    show = await json("live");
  } catch (error) {
    return wait(error.code === "token" ? "liveToken" : "liveOffline");
  }
  mirrored = show.mirrored;
  $("source-name").textContent = show.name;
  Object.assign(state, { styles: ordered(show.known), mixing: Object.keys(show.styles).length > 1, recipe: turn(state.recipe, { styles: Object.entries(show.styles), strength: show.strength }) });
  told = JSON.stringify({ styles: show.styles, strength: show.strength, mirrored });
  state.changed();
  wait("liveWaiting", { values: { name: show.name } });
  watch();
  if (show.source === "page") begin();
}

start();
