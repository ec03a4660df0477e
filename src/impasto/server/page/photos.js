// Photos come in: chosen, dropped (folders too), pasted, taken, or a sample. The strip shows them.
import { $, icon, make } from "./dom.js";
import { explain } from "./notes.js";
import { t } from "./strings.js";

/** All files of a drop that can be read, folders opened. */
async function filesOf(transfer) {
  const entries = [...(transfer.items ?? [])].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const out = [];
  const walk = async (entry) => {
    if (entry.isFile) return void out.push(...(await new Promise((done) => entry.file((file) => done([file]), () => done([])))));
    const reader = entry.createReader();
    for (let some; (some = await new Promise((done) => reader.readEntries(done, () => done([])))).length; ) for (const each of some) await walk(each);
  };
  for (const entry of entries) await walk(entry);
  return out.filter((file) => !file.name.startsWith(".")).sort((a, b) => a.name.localeCompare(b.name));
}

/** Ask for one picture with an input of its own, the camera first where there is one in the hand. */
export function askFile(accept, capture) {
  return new Promise((done) => {
    const input = make("input", { type: "file", accept: accept.join() });
    if (capture) input.setAttribute("capture", "environment");
    input.onchange = () => done(input.files[0] ?? null);
    input.oncancel = () => done(null);
    input.click();
  });
}

/** Every way in. `add(files)` takes photos, `teach(files)` paintings, `style(files)` files of styles, where the engine can. What takes files of any kind comes back. */
export function createWaysIn(state, { add, teach, style, tell }) {
  const input = $("file");
  const isStyle = (file) => style && /\.safetensors$/i.test(file.name);

  function taken(files, painting = false) {
    const styles = files.filter(isStyle), others = files.filter((file) => !isStyle(file));
    if (styles.length) style(styles);
    if (others.length && painting) teach(others);
    else if (others.length) add(others);
  }

  $("choose").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const files = [...input.files]; // the list empties with the input
    input.value = "";
    taken(files);
  });
  $("take").addEventListener("click", take);

  let depth = 0;
  const isFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const onPlus = (event) => event.target.closest?.(state.session?.own_styles ? ".styles, #teach-dialog" : ".teach, #teach-dialog");
  const over = (on, event) => {
    $("dropping").hidden = !on;
    $("dropping").firstElementChild.textContent = t(event && onPlus(event) ? "dropStyle" : "dropHere");
  };
  addEventListener("dragenter", (event) => isFiles(event) && (depth++, over(true, event)));
  addEventListener("dragleave", (event) => isFiles(event) && (depth = Math.max(0, depth - 1), depth || over(false)));
  addEventListener("dragover", (event) => isFiles(event) && (event.preventDefault(), over(true, event)));
  addEventListener("drop", async (event) => {
    if (!isFiles(event)) return;
    event.preventDefault();
    depth = 0;
    over(false);
    const painting = onPlus(event), files = await filesOf(event.dataTransfer);
    if (!files.length) tell("nothingThere");
    else taken(files, painting);
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) event.preventDefault(), taken(files);
  });

  async function take() {
    const inHand = matchMedia("(pointer: coarse)").matches;
    if (inHand || !navigator.mediaDevices?.getUserMedia) {
      const file = await askFile(["image/*"], true);
      return file && add([file]);
    }
    const dialog = $("camera-dialog"), video = $("camera");
    let stream = null;
    $("take").disabled = true; // people are asked for the camera; once is enough
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 4096 }, facingMode: "environment" } });
    } catch (error) {
      return tell("noCamera", { why: error.message });
    } finally {
      $("take").disabled = false;
    }
    video.srcObject = stream;
    dialog.showModal();
    dialog.onclose = () => stream.getTracks().forEach((track) => track.stop());
    $("shutter").onclick = () => {
      if (!video.videoWidth || !dialog.open) return; // before its first picture; twice
      const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
      canvas.getContext("2d").drawImage(video, 0, 0);
      dialog.close();
      canvas.toBlob((blob) => add([new File([blob], "camera.jpg", { type: "image/jpeg" })]), "image/jpeg", 0.95);
    };
  }

  return taken;
}

/** The strip at the bottom: a tile for every photo, and + for more. */
export function createStrip(state, { choose, remove }) {
  const strip = $("strip");
  let drawn = null;
  return function draw() {
    const key = JSON.stringify([document.documentElement.lang, state.current, state.photos.map(({ key, name, why, small }) => [key, name, why?.code, small])]);
    if (key === drawn) return;
    drawn = key;
    const more = make("button", { className: "add", "aria-label": t("addPhotos"), title: t("addPhotos"), onclick: () => $("file").click() }, icon("plus"));
    const focus = document.activeElement?.dataset?.key;
    strip.replaceChildren(more, ...state.photos.map((entry) => {
      const why = entry.why && explain(entry.why, state.session?.limits);
      const words = why ? t("photoFailed", { name: entry.name, why }) : t("showPhoto", { name: entry.name });
      const show = make("button", { className: "thumb", "aria-label": words, title: why ?? entry.name, "aria-current": entry.key === state.current ? "true" : null, "data-key": entry.key, onclick: () => choose(entry.key) },
        entry.small ? make("img", { src: entry.small, alt: "", draggable: false }) : entry.why ? icon("warn") : "");
      if (entry.why) show.dataset.failed = "true";
      const away = make("button", { className: "away", "aria-label": t("removePhoto", { name: entry.name }), title: t("removePhoto", { name: entry.name }), onclick: () => remove(entry.key) }, icon("close"));
      return make("span", { className: "slot" }, show, away);
    }));
    if (focus) [...strip.querySelectorAll("[data-key]")].find((node) => node.dataset.key === focus)?.focus();
  };
}
