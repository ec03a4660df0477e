// A painting becomes a style: choose it, wait some minutes while the photo shows what it has learned, keep the best.
import { $, make, save, setRange, showBlob } from "./dom.js";
import { askFile } from "./photos.js";
import { number, t, time } from "./strings.js";

const EVERY = 1500; // ms between two looks at a lesson
const PIP = "pip install 'impasto[studio,learn]'";

export function createTeaching(state, engine, { tell, say, learned, copy }) {
  const dialog = $("teach-dialog"), body = $("teach-body");
  let lesson = null;

  async function open(file = null) {
    $("teach-title").textContent = t(engine.takeStyles ? "addStyle" : "teachTitle");
    if (!dialog.open) dialog.showModal();
    if (lesson) return; // one at a time: its progress is there
    if (engine.takeStyles) return askStyle();
    if (!state.session?.teach) return extra();
    if (file) form(file);
    else ask();
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
    body.replaceChildren(make("p", {}, t("teachExtra")), make("div", { className: "copy" }, code, button));
  }

  function ask() {
    const choose = make("button", { className: "primary", onclick: async () => {
      const file = await askFile(state.session.formats.read);
      if (file) form(file);
    } }, t("choosePainting"));
    body.replaceChildren(make("p", { className: "muted" }, t("teachHow")), make("div", { className: "drop small" }, choose));
  }

  function form(file) {
    const picture = make("img", { alt: "", className: "sitter" });
    showBlob(picture, file);
    const name = make("input", { type: "text", required: true, maxLength: 60, value: styleName(file.name) });
    const minutes = make("input", { type: "range", min: 1, max: 20, step: 1, value: 3, id: "lesson-minutes" }), shown = make("span", { className: "value" });
    const draw = () => (setRange(minutes, Number(minutes.value), time(60 * minutes.value)), (shown.textContent = time(Math.max(90, 60 * minutes.value))));
    minutes.oninput = draw;
    draw();
    const start = make("form", { className: "lesson" },
      make("label", { className: "field" }, make("span", {}, t("name")), name),
      make("div", { className: "dial" }, make("label", { htmlFor: "lesson-minutes" }, t("minutes")), shown, minutes),
      make("button", { className: "primary" }, t("start")));
    start.onsubmit = async (event) => {
      event.preventDefault();
      try {
        lesson = await engine.lesson(file, { name: name.value, minutes: minutes.value, network: state.recipe.network });
        watch(picture);
      } catch (error) {
        tell(error);
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
    let seen = 0;
    while (lesson) {
      await new Promise((done) => setTimeout(done, EVERY));
      if (!lesson) return;
      const now = await engine.lessonNow(lesson.id).catch((error) => (error.code === "offline" ? {} : { state: "failed", error: { detail: error.message } }));
      if (now.step && now.steps) {
        bar.value = now.step / now.steps;
        words.textContent = t("teaching", { step: number(now.step), steps: number(now.steps), time: time(Math.max(1, now.seconds_left ?? 0)) });
      }
      if (state.entry && now.preview > seen) {
        seen = now.preview;
        engine.lessonPreview(lesson.id, state.entry.photo).then((blob) => showBlob(preview, blob), () => {});
      }
      if (now.state === "failed" || now.state === "cancelled") {
        lesson = null;
        if (now.error) tell({ message: now.error.detail });
        return dialog.close();
      }
      if (now.state === "done") return done(now.style);
    }
  }

  function done(name) {
    lesson = null;
    say(t("taught", { style: name }));
    learned(name);
    body.replaceChildren(make("p", {}, t("taught", { style: name })), make("p", { className: "row" },
      make("button", { className: "primary", onclick: () => (dialog.close(), learned(name, true)) }, t("useStyle")),
      make("button", { onclick: () => save(engine.bankURL(name), `${name}.safetensors`) }, t("styleFile"))));
  }

  return { open, addStyle, dropped: (file) => open(file) };
}

const styleName = (file) => file.replace(/\.[^.]*$/, "").normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || t("myStyle");
