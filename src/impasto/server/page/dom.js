// A few short words for the document.

/** @returns {any} */
export const $ = (id) => document.getElementById(id);

/** A new element: `make("button", {className: "x", onclick}, "text", child)`. */
export function make(tag, parts = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(parts)) {
    if (name in node && !name.startsWith("aria-")) node[name] = value;
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const SVG = "http://www.w3.org/2000/svg";
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg"), use = document.createElementNS(SVG, "use");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export const pressed = (button, on) => button.setAttribute("aria-pressed", String(on));

/** A range's value, its words for screen readers, and how far its track is filled. */
export function setRange(input, value, words) {
  if (Number(input.value) !== value) input.value = value;
  input.style.setProperty("--share", `${(100 * (input.value - input.min)) / (input.max - input.min || 1)}%`);
  input.setAttribute("aria-valuetext", words);
}

/** Native radios that look like one control: [[value, words], ...]. */
export function segments(root, name, choices, value, choose) {
  const drawn = JSON.stringify(choices);
  if (root.dataset.drawn !== drawn) {
    root.dataset.drawn = drawn;
    root.replaceChildren(...choices.map(([each, words]) =>
      make("label", {}, make("input", { type: "radio", name, value: each, onchange: () => choose(each) }), make("span", {}, words))));
  }
  for (const input of root.querySelectorAll("input")) input.checked = input.value === String(value);
}

/** Keep a picture's address in an <img> and let the former go. */
export function showBlob(img, blob) {
  const former = img.dataset.blob;
  img.src = img.dataset.blob = URL.createObjectURL(blob);
  if (former) URL.revokeObjectURL(former);
}

/** Save bytes, or what stands at an address, as a file. */
export function save(what, name) {
  const address = typeof what === "string" ? what : URL.createObjectURL(what);
  make("a", { href: address, download: name }).click();
  if (typeof what !== "string") setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** The dragged point in 0..1 of `area`, beyond it too, from press to release. */
export function onDrag(area, { press = () => true, move, release = () => {} }) {
  const place = (event) => {
    const box = area.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height, event };
  };
  let finger = null;
  area.addEventListener("pointerdown", (event) => {
    if (finger !== null || event.button !== 0 || press(place(event)) === false) return;
    finger = event.pointerId;
    area.setPointerCapture(finger);
    event.preventDefault();
    move(place(event));
  });
  area.addEventListener("pointermove", (event) => {
    if (event.pointerId === finger) for (const each of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) move(place(each));
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    area.addEventListener(end, (event) => event.pointerId === finger && ((finger = null), release(place(event))));
  }
}
