// A painting becomes a style: within seconds, or in some minutes while the photo shows what it has learned.
import { $, make, save, setRange, showBlob } from "./dom.js";
import { askFile } from "./photos.js";
import { number, t, time } from "./strings.js";

const EVERY = 1500; // ms between two looks at a lesson
const PIP = "pip install 'impasto[studio,learn]'";

export function createTeaching(state, engine, { tell, say, learned, copy }) {
  const dialog = $("teach-dialog"), body = $("teach-body");
  let lesson = null, sending = false;

  const quick = () => engine.style && state.session?.own_styles;

  async function open(file = null) {
    $("teach-title").textContent = t(engine.takeStyles ? "addStyle" : quick() ? "ownStyle" : "teachTitle");
    if (!dialog.open) dialog.showModal();
    if (lesson) return; // one at a time: its progress is there
    if (engine.takeStyles) return askStyle();
    if (!quick() && !state.session?.teach) return body.replaceChildren(...extra());
    if (file) form(file);
    else ask();
  }

  /** Paintings become styles one after the other; the first is painted with. */
  async function dropped(files) {
    if (!quick() || lesson) return open(files[0]);
    dialog.close();
    const tiles = files.map(coming);
    $("grid-coming").append(...tiles);
    for (const [at, file] of files.entries()) {
      await atOnce(file, file.name || "painting", at === 0);
      tiles[at].remove();
    }
  }

  function coming(file) {
    const img = make("img", { alt: "" }), tile = make("span", { className: "tile coming" }, make("span", { className: "pane" }, img), make("span", { className: "title" }, t("coming", { name: file.name })));
    showBlob(img, file);
    tile.dataset.ready = "true";
    return tile;
  }

  async function atOnce(file, words, use) {
    const { network } = state.recipe;
    try {
      const name = await engine.style(file, words, network), here = network === state.recipe.network;
      await learned(name, use && here && Boolean(state.entry));
      if (here) say(t("taught", { style: state.style(name)?.title ?? name }));
      else tell("styleOther", { style: words, network: t(network) });
    } catch (error) {
      tell(error);
    }
  }

  /** An engine that cannot teach takes styles that were taught elsewhere. */
  function askStyle() {
    const choose = make("button", { className: "primary", onclick: async () => {
      const file = await askFile([".safetensors"]);
      if (file) addStyle([file]);
    } }, t("openStyle"));
    body.replaceChildren(make("p", { className: "muted" }, t("styleHow")), make("div", { className: "drop small" }, choose));
  }

  async function addStyle(files) {
    for (const file of files) {
      try {
        const [{ name, title, network }] = await engine.takeStyles(file), here = network === state.recipe.network;
        dialog.close();
        await learned(name, here && Boolean(state.entry));
        tell(here ? "taught" : "styleOther", { style: title || name, network: t(network) });
      } catch (error) {
        tell(error);
      }
    }
  }

  function extra() {
    const code = make("code", { tabIndex: 0, id: "pip-line" }, PIP), button = make("button", {}, t("copy"));
    button.onclick = () => copy(button, code);
    return [make("p", {}, t("teachExtra")), make("div", { className: "copy" }, code, button)];
  }

  function ask() {
    const choose = make("button", { className: "primary", onclick: async () => {
      const file = await askFile(state.session.formats.read);
      if (file) form(file);
    } }, t("choosePainting"));
    body.replaceChildren(make("p", { className: "muted" }, t(quick() ? "ownHow" : "teachHow")), make("div", { className: "drop small" }, choose));
  }

  function form(file) {
    const picture = make("img", { alt: "", className: "sitter" });
    showBlob(picture, file);
    const name = make("input", { type: "text", required: true, maxLength: 60, value: styleName(file.name) });
    const minutes = make("input", { type: "range", min: 1, max: 20, step: 1, value: 3, id: "lesson-minutes" }), shown = make("span", { className: "value" });
    const draw = () => (setRange(minutes, Number(minutes.value), time(60 * minutes.value)), (shown.textContent = time(Math.max(90, 60 * minutes.value))));
    minutes.oninput = draw;
    draw();
    const slow = [make("div", { className: "dial" }, make("label", { htmlFor: "lesson-minutes" }, t("minutes")), shown, minutes), make("button", { type: "button", className: quick() ? "" : "primary", onclick: () => start.reportValidity() && learn() }, t("start"))];
    const parts = state.session.teach ? slow : extra();
    const now = quick() ? [make("button", { className: "primary" }, t("atOnce")), make("details", {}, make("summary", {}, t("thorough")), ...parts)] : parts;
    const start = make("form", { className: "lesson" }, make("label", { className: "field" }, make("span", {}, t("name")), name), ...now);
    start.onsubmit = async (event) => {
      event.preventDefault();
      if (!quick()) return learn();
      const tile = coming(file);
      $("grid-coming").append(tile);
      dialog.close();
      await atOnce(file, name.value, true);
      tile.remove();
    };
    const learn = async () => {
      if (sending) return;
      sending = true;
      const { network } = state.recipe;
      try {
        lesson = { ...(await engine.lesson(file, { name: name.value, minutes: minutes.value, network })), network };
        watch(picture);
      } catch (error) {
        tell(error);
      } finally {
        sending = false;
      }
    };
    body.replaceChildren(make("div", { className: "pair-of" }, picture, start));
  }

  async function watch(picture) {
    const bar = make("progress", { max: 1, "aria-label": t("progress") }), words = make("p", { className: "muted" }, t("preparing"));
    const preview = make("img", { alt: t("painting", { style: "" }), className: "sitter" });
    const stop = make("button", { onclick: () => engine.lessonStop(lesson.id).catch(tell) }, t("stop"));
    const away = make("button", { className: "quiet", onclick: async () => {
      const { id } = lesson;
      lesson = null;
      dialog.close();
      await engine.lessonForget(id).catch(tell);
    } }, t("throwAway"));
    body.replaceChildren(make("div", { className: "pair-of" }, picture, preview), bar, words, make("p", { className: "row" }, stop, away));
    const mine = lesson;
    for (let seen = 0; lesson === mine; ) {
      await new Promise((done) => setTimeout(done, EVERY));
      if (lesson !== mine) return;
      const now = await engine.lessonNow(mine.id).catch((error) => (error.code === "offline" ? {} : { state: "failed", error: { detail: error.message } }));
      if (lesson !== mine) return; // thrown away meanwhile
      if (now.step && now.steps) {
        bar.value = now.step / now.steps;
        words.textContent = t("teaching", { step: number(now.step), steps: number(now.steps), time: time(Math.max(1, now.seconds_left ?? 0)) });
      }
      if (state.entry && now.preview > seen) {
        seen = now.preview;
        engine.lessonPreview(mine.id, state.entry.photo).then((blob) => showBlob(preview, blob), () => {});
      }
      if (now.state === "failed" || now.state === "cancelled") {
        lesson = null;
        if (now.error) tell({ message: now.error.detail });
        return dialog.close();
      }
      if (now.state === "done") return done(now.style, mine.network);
    }
  }

  function done(name, network) {
    lesson = null;
    say(t("taught", { style: name }));
    learned(name);
    body.replaceChildren(make("p", {}, t("taught", { style: name })), make("p", { className: "row" },
      make("button", { className: "primary", onclick: () => (dialog.close(), learned(name, true, network)) }, t("useStyle")),
      make("button", { onclick: () => save(engine.bankURL(name, network), `${name}.safetensors`) }, t("styleFile"))));
  }

  return { open, addStyle, dropped };
}

const styleName = (file) => file.replace(/\.[^.]*$/, "").normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || t("myStyle");
