// The wiring: one state, its views, and the engine that paints. Everything else stands in the other modules.
import { createAlbum } from "./album.js";
import { createBrush, tint } from "./brush.js";
import { createCompare } from "./compare.js";
import { $, icon, make, pressed, save, segments, setRange, showBlob } from "./dom.js";
import { createDownloads, createFileOptions, createPlan, planTip, planWords } from "./download.js";
import { createEnd } from "./end.js";
import { Engine } from "./engine.js";
import { keepSetting, recall, setting } from "./keep.js";
import { createLoupe } from "./loupe.js";
import { createNetworks, fitted } from "./networks.js";
import { fault, note, reworded, say, settled } from "./notes.js";
import { createPad } from "./pad.js";
import { createStrip, createWaysIn } from "./photos.js";
import { createPreviews } from "./preview.js";
import { MOST_STYLES, NO_STYLES, PHOTO, PROTECT, START, fromHash, nameOf, names, turn } from "./recipe.js";
import { copyPicture, createShare } from "./share.js";
import { createState } from "./state.js";
import { LANGUAGES, current, number, percent, speak, t, time } from "./strings.js";
import { createStyles, createThumbnails, ordered } from "./styles.js";
import { createTeaching } from "./teach.js";

const engine = new Engine();
const state = createState();
const painting = $("painting"), original = $("original"), picture = $("picture"), view = $("view");
let plan = null, adding = false, beside = null, offline = false, sampleShown = null, announced = false, fastNames = new Set();

// ---- what the page says -------------------------------------------------------------------------------------------

/** A phrase's key, or an engine's error, as one sentence. */
function tell(what, values) {
  if (typeof what === "string") say(() => t(what, values), true);
  else if (what.code === "offline") lost();
  else fault(what, state.session?.limits);
}

/** The server does not answer: one sentence, and on as soon as it is back. */
async function lost() {
  if (offline) return;
  offline = true;
  say(() => t(state.session?.ends ? "offlineApp" : "offline"), true, true);
  for (let pause = 500; offline; pause = Math.min(4000, pause * 1.5)) {
    await new Promise((done) => setTimeout(done, pause));
    await engine.alive().then(() => (offline = false), (error) => (offline = !error.status)); // any answer is one
  }
  tell("back");
  previews.again();
  thumbnails.again();
  state.changed();
}

// ---- views --------------------------------------------------------------------------------------------------------

const viewSide = () => Math.min(1024, Math.max(64, Math.round(Math.max(picture.clientWidth, picture.clientHeight) * (devicePixelRatio || 1))));
const looks = { show: showPainting, tell: standing, idle: () => thumbnails.pump(), goesFirst: () => thumbnails.coming(), viewSide };
let previews = createPreviews(engine, { ...looks, slow: false });
const thumbnails = createThumbnails(engine, { busy: () => adding || previews.busy(), drawn: (name) => (styles.drawn(name), pad()), rested: () => previews.pump() });
const compare = createCompare();
const share = createShare(state, { say, tell });
const teaching = createTeaching(state, engine, { tell, say, learned, copy: share.copy });
const styles = createStyles(state, thumbnails, { tell, teach: () => teaching.open(), keep: keepStyle, forget: forgetStyle });
const networks = createNetworks(state, engine, { tell, listed: () => state.entry && thumbnails.show(state.entry.photo, state.styles, state.recipe.network, fastNames) });
const pad = createPad(state, thumbnails.of);
const brush = createBrush(state, { tell });
const loupe = createLoupe(state, engine, { tell, painting: () => painting });
const album = createAlbum(state, engine, { tell, shown: photoShown, busy: (on) => sending(on), painting, left: thumbnails.leave, emptied: preview });
const strip = createStrip(state, album);
const fileOptions = createFileOptions(state);
const planning = createPlan(state, engine, planned);
const downloads = createDownloads(state, engine, { tell, say: (words, stays) => say(words, true, stays), started: (job) => ((state.job = job), ($("renew").disabled = Boolean(job)), album.keepSoon()) });
let begun = null;
const ready = new Promise((done) => (begun = done)); // photos wait for the styles
const takeIn = createWaysIn(state, { add: (files) => ready.then(() => album.add(files)), teach: teaching.dropped, style: engine.takeStyles && teaching.addStyle, tell });

async function learned(name, use = false, network = state.recipe.network) {
  if (use && network !== state.recipe.network) await networks.choose(network);
  else await networks.refresh();
  if (use) styles.pick(name, false);
}

function keepStyle(name) {
  save(engine.bankURL(name, state.recipe.network), `${name}.safetensors`);
}

function forgetStyle(name) {
  networks.remove(name).catch(tell);
}

function showPainting({ bitmap, entry, recipe, side, seconds, sharp, whole }) {
  if (entry !== state.entry) return;
  const scale = sharp ? 1 : Math.max(1, viewSide() / Math.max(bitmap.width, bitmap.height)); // a small one is enlarged smoothly
  painting.width = Math.round(scale * bitmap.width);
  painting.height = Math.round(scale * bitmap.height);
  const context = painting.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, painting.width, painting.height);
  bitmap.close();
  besides(entry, sharp ? 1024 : 384);
  Object.assign(painting.dataset, { side, sharp });
  painting.setAttribute("aria-label", t("painting", { style: recipe.styles.map(([name]) => state.style(name)?.title ?? name).join(", ") }));
  if (!whole) return;
  brush.painted();
  if (sharp) {
    say(t("painted", { time: time(seconds) }));
    album.stripSoon();
  } else if (!announced) {
    announced = true; // once is enough
    say(t("sharpening"));
  }
}

function standing(now, error) {
  painting.dataset.state = now;
  clearTimeout(standing.timer);
  busy(false);
  if (now === "painting") standing.timer = setTimeout(() => busy(true), 400);
  if (now === "failed") tell(error);
  if (now === "painted" && standing.failed) settled();
  if (now !== "painting") standing.failed = now === "failed";
}

const busy = (on) => $("stage").toggleAttribute("data-busy", on);
/** A photo is being sent: the tiles wait. */
const sending = (on) => (busy(adding = on), on || thumbnails.pump());

/** Another photo has come onto the page. */
function photoShown(entry) {
  settled();
  planned(null);
  compare.set(0);
  painting.getContext("2d").clearRect(0, 0, painting.width, painting.height);
  queueMicrotask(() => (thumbnails.show(entry.photo, state.styles, state.recipe.network, fastNames), styles.redrawn())); // the painting is asked for first
  original.removeAttribute("src");
  beside = null;
}

/** The photo itself, to compare with: small at once, and as the sharp painting is with that. */
function besides(entry, side) {
  if (beside >= side) return;
  beside = side;
  engine.picture(entry.photo, side).then((blob) => entry === state.entry && side === beside && showBlob(original, blob), () => {});
}

function planned(found) {
  plan = found;
  loupe.planned(plan);
  state.changed();
}

/** The picture as large as it goes, but never more than twice its own size. */
function fit() {
  const entry = state.entry;
  if (!entry) return;
  const room = { width: view.clientWidth, height: view.clientHeight };
  const scale = Math.min(room.width / entry.width, room.height / entry.height, 2);
  picture.style.width = `${Math.round(entry.width * scale)}px`;
  picture.style.height = `${Math.round(entry.height * scale)}px`;
  brush.draw();
  previews.resized();
}
new ResizeObserver(fit).observe(view);

state.onChange(function draw() {
  const { entry, recipe, tool } = state;
  networks.follow();
  document.body.dataset.empty = String(!entry);
  for (const [id, shown] of [["welcome", !entry], ["view", entry], ["tools", entry], ["chosen", entry && recipe.styles.length], ["dials", entry], ["share", entry], ["options", entry]]) $(id).hidden = !shown;
  $("photo-name").textContent = entry ? `${entry.name}, ${number(entry.width)} × ${number(entry.height)}` : "";
  const brushing = tool === "brush" || tool === "erase";
  if (entry?.width) {
    fit();
    if (recipe.styles.length) previews.want(entry, recipe);
  } else if (!entry) {
    previews.nothing();
    Object.assign(painting, { width: 1, height: 1 });
    standing("empty");
    busy(adding);
    delete painting.dataset.sharp;
    painting.setAttribute("aria-label", t("paintingEmpty"));
  }
  $("divider").hidden = brushing || !entry;
  $("easel").hidden = $("brushes").hidden = !brushing;
  pressed($("tool-brush"), brushing);
  pressed($("tool-loupe"), tool === "loupe");
  pressed($("brush-on"), tool === "brush");
  pressed($("eraser-on"), tool === "erase");
  [$("undo").disabled, $("redo").disabled] = state.undoable.map((can) => !can);
  styles.draw();
  pad();
  dials();
  if (brushing) regions();
  compare.draw();
  loupe.draw();
  strip();
  fileOptions(plan);
  planning();
  downloads.draw();
  if (plan) $("plan").replaceChildren(...planWords(plan).map((words, at) => make("p", at ? { className: at > 1 ? "warning" : "muted", title: planTip(plan) } : {}, words)));
  else $("plan").replaceChildren();
  album.keepSoon();
});

function dials() {
  const { recipe } = state;
  setRange($("strength"), Math.round(100 * recipe.strength), t("strengthValue", { share: percent(recipe.strength) }));
  $("strength-value").textContent = percent(recipe.strength);
  const choices = ["small", "medium", "large"];
  segments($("strokes"), "brush", [...choices.map((each) => [each, t(each)]), ...(choices.includes(recipe.brush) ? [] : [[String(recipe.brush), `${recipe.brush} px`]])], recipe.brush, (brush) => state.turn({ brush }));
  segments($("network"), "network", (state.session?.networks ?? []).map((each) => [each, t(each)]), recipe.network, networks.choose);
  $("keep-color").checked = recipe.keepColor;
  const found = names(recipe).map(state.style).filter(Boolean).map((style) => style.strokes), [smallest, own, largest] = [0, 1, 2].map((at) => found.map((each) => each?.[at]));
  $("stroke-dial").hidden = !found.length || found.includes(undefined);
  if ($("stroke-dial").hidden) return;
  const low = Math.log(Math.max(...smallest)), high = Math.log(Math.min(...largest)), size = recipe.strokeSize ?? Math.max(...own);
  Object.assign($("stroke-size").dataset, { low, high, own: Math.max(...own) });
  const words = recipe.strokeSize ? `${number(recipe.strokeSize)} px` : t("strokeAuto");
  setRange($("stroke-size"), Math.round((100 * (Math.log(size) - low)) / (high - low)), words);
  $("stroke-value").textContent = words;
}

/** What the brush may paint: the photo itself, what is to be protected, the style in hand, and those that are in the picture already. */
function regions() {
  const painted = state.recipe.regions.map(nameOf);
  const all = [...new Set([...NO_STYLES, ...painted, state.brushStyle ?? PHOTO])];
  const titleOf = (name) => ({ [PHOTO]: t("keepPhoto"), [PROTECT]: t("protect") })[name] ?? state.style(name)?.title ?? name;
  const key = JSON.stringify([all, current(), all.map((name) => Boolean(thumbnails.of(name)))]);
  if ($("regions").dataset.key !== key) {
    $("regions").dataset.key = key;
    $("regions").replaceChildren(...all.map((name) => {
      const chip = make("button", { className: "chip", "data-region": name, title: name === PROTECT ? t("protectHow") : titleOf(name), onclick: () => state.set({ brushStyle: name, tool: "brush" }) });
      const image = name === PHOTO ? state.entry?.small : thumbnails.of(name);
      if (name === PROTECT) chip.append(icon("face"));
      if (image) chip.append(make("img", { src: image, alt: "" }));
      chip.append(make("span", {}, titleOf(name)));
      return chip;
    }));
  }
  for (const chip of $("regions").children) {
    const region = state.recipe.regions.find((each) => nameOf(each) === chip.dataset.region);
    pressed(chip, state.tool === "brush" && chip.dataset.region === (state.brushStyle ?? PHOTO));
    chip.style.setProperty("--tint", region ? tint(region.mask) : "transparent");
  }
  $("clear-regions").disabled = !painted.length;
  setRange($("brush-size"), state.brushSize, percent(state.brushSize / 100));
  setRange($("brush-soft"), state.brushSoft, percent(state.brushSoft / 100));
  brush.draw();
}

// ---- controls -----------------------------------------------------------------------------------------------------

$("strength").addEventListener("input", () => state.turn({ strength: $("strength").value / 100 }, "strength"));
$("stroke-size").addEventListener("input", () => {
  const { low, high, own } = $("stroke-size").dataset, share = $("stroke-size").value / 100, size = Math.round(Math.exp(Number(low) + share * (high - low)));
  state.turn({ strokeSize: Math.abs(Math.log(size / own)) < (high - low) / 100 ? null : size }, "stroke"); // its own size is easily found again
});
for (const id of ["strength", "stroke-size"]) $(id).addEventListener("change", state.rest);
$("keep-color").addEventListener("change", () => state.turn({ keepColor: $("keep-color").checked }));
$("undo").addEventListener("click", state.undo);
$("redo").addEventListener("click", state.redo);
$("brush-size").addEventListener("input", () => state.set({ brushSize: Number($("brush-size").value) }));
$("brush-soft").addEventListener("input", () => state.set({ brushSoft: Number($("brush-soft").value) }));
$("brush-on").addEventListener("click", () => take("brush"));
$("eraser-on").addEventListener("click", () => take("erase"));
$("clear-regions").addEventListener("click", () => state.turn({ regions: [] }));
$("tool-brush").addEventListener("click", () => take(state.tool === "brush" || state.tool === "erase" ? null : "brush"));
$("tool-loupe").addEventListener("click", () => take(state.tool === "loupe" ? null : "loupe"));
$("note-close").addEventListener("click", () => note(null));
$("copy-picture").addEventListener("click", () => copyPicture(painting, { say, tell }));
$("theme").addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark" || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  keepSetting("theme", (document.documentElement.dataset.theme = dark ? "light" : "dark"));
});
$("forget").addEventListener("click", () => ($("help-dialog").close(), album.forget()));
$("help").addEventListener("click", () => {
  const keys = [["B", "keyBrush"], ["E", "keyEraser"], ["[ ]", "keySize"], [t("space"), "keyPhoto"], ["C", "keyCompare"], ["L", "keyLoupe"], ["Ctrl Z, Ctrl Y", "keyUndo"], ["Ctrl V", "keyPaste"], ["Ctrl S", "keySave"], ["/", "keySearch"]];
  $("keys").replaceChildren(...keys.flatMap(([press, does]) => [make("dt", {}, make("kbd", {}, press)), make("dd", {}, t(does))]));
  $("about").textContent = state.session ? t("about", state.session) : "";
  $("help-dialog").showModal();
});

const take = (tool) => state.set({ tool: state.entry ? tool : null });

addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && !["range", "checkbox", "radio"].includes(event.target.type);
  const letter = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    const does = { z: event.shiftKey ? state.redo : state.undo, y: state.redo, s: downloads.one }[letter];
    if (does && !(typing && letter !== "s")) event.preventDefault(), does();
    return;
  }
  if (typing || event.altKey) return;
  const larger = (by) => state.set({ brushSize: Math.min(50, Math.max(2, state.brushSize + by)) });
  const does = { b: () => $("tool-brush").click(), e: () => take("erase"), "[": () => larger(-2), "]": () => larger(2), c: compare.toggle, l: () => $("tool-loupe").click(), "/": () => $("search").focus() }[letter];
  if (letter === "Escape" && !document.querySelector(":popover-open")) take(null);
  const onControl = event.target.closest("button, label, select, input:not([type=range]), [role=application]");
  if (event.key === " " && !onControl && state.entry) event.preventDefault(), compare.hold(true);
  else if (does && (state.entry || letter === "/")) event.preventDefault(), does();
});
addEventListener("keyup", (event) => event.key === " " && compare.hold(false));

// ---- start --------------------------------------------------------------------------------------------------------

function words(chosen = setting("language")) {
  speak([chosen, ...navigator.languages].filter(Boolean));
  $("language").replaceChildren(...Object.entries(LANGUAGES).map(([value, { name }]) => make("option", { value, lang: value }, name)));
  $("language").value = current();
  samples();
}
$("language").addEventListener("change", () => {
  keepSetting("language", $("language").value);
  words($("language").value);
  reworded();
  state.changed();
});

function samples() {
  $("samples").replaceChildren(...(state.session?.samples ?? []).map((sample) => {
    const title = t(`sample_${sample.name}`);
    const words = title.startsWith("sample_") ? sample.title : title;
    return make("button", { className: "sample", title: sample.credit, onclick: () => album.addSample(sample.name) }, make("img", { src: engine.sampleURL(sample.name), alt: "", width: sample.width, height: sample.height }), make("span", {}, words));
  }));
}

/** Before there is a photo the tiles show a sample. */
async function preview() {
  const sample = state.session?.samples[0];
  if (!sample || state.entry) return;
  sampleShown ??= engine.photo(await engine.sample(sample.name), `${sample.name}.jpg`);
  if (!state.entry) thumbnails.show(sampleShown, state.styles, state.recipe.network, fastNames), styles.redrawn();
}

async function start() {
  if (setting("theme")) document.documentElement.dataset.theme = setting("theme");
  words();
  document.body.dataset.ready = "true";
  const kept = recall().catch(() => null);
  try {
    state.session = await engine.open();
  } catch (error) {
    tell(error);
    if (error.code === "offline") setTimeout(() => start().catch(tell), 2000);
    return;
  }
  const { session } = state, linked = fromHash(location.hash), found = await kept;
  $("file").accept = session.formats.read.join();
  if (session.ends) createEnd(engine, { tell });
  state.recipe = turn(START, { network: session.network });
  let shown = found ? album.restore(found) : null;
  if (session.photo && !state.photos.some(({ photo }) => photo.record?.id === session.photo.id)) {
    const { id, name, width, height } = session.photo, photo = engine.photo(null, name, session.photo);
    state.photos.unshift({ key: id, name, photo, width, height, regions: [], why: null });
    shown = id;
  }
  await arrive(linked);
  const [all, quick] = await Promise.all([engine.styles(state.recipe.network), session.networks.includes("fast") ? engine.styles("fast") : []]);
  fastNames = new Set(quick.map((style) => style.name));
  const known = new Set([...NO_STYLES, ...all.map(({ name }) => name)]); // styles of one's own last as long as the studio runs
  if (!linked) state.recipe = turn(state.recipe, { styles: fitted(state.recipe.styles, known) });
  for (const entry of state.photos) entry.regions = fitted(entry.regions, known);
  Object.assign(state, { styles: ordered(all), listed: state.recipe.network });
  samples();
  if (session.preview_network !== session.network) previews = createPreviews(engine, { ...looks, slow: true });
  state.changed();
  if (shown) {
    await album.choose(shown);
    if (found?.steps?.current === shown) state.takeSteps(found.steps);
    if (found?.look.job) downloads.resume(found.look.job);
  }
  begun();
  preview();
  engine.arrivals?.((files) => (files.length ? takeIn(files) : tell("nothingThere")));
  engine.renewal?.(offerRenewal, () => tell("renewalWaits")).catch(() => {});
}

/** A new version of the page is here: it is loaded when people ask for it. */
function offerRenewal(take) {
  $("renewal").hidden = false;
  $("renew").onclick = () => (album.keepNow(), take());
  say(() => t("renewal"));
}
$("renewal-close").addEventListener("click", () => ($("renewal").hidden = true));

/** A link's recipe takes the place of the dials; the address is short again. */
async function arrive(linked) {
  if (!linked) return;
  history.replaceState(null, "", location.pathname);
  state.mixing = linked.styles.length > 1 && linked.styles.length <= MOST_STYLES;
  state.recipe = turn(state.recipe, { ...linked, network: state.session.networks.includes(linked.network) ? linked.network : state.session.network });
}
addEventListener("hashchange", async () => {
  const linked = fromHash(location.hash);
  if (!linked) return;
  state.turn({});
  await arrive(linked);
  state.changed();
});

start().catch(tell);
