// Before and after: a divider over the painting, moved by its grip or by a native range.
import { $, onDrag, pressed, setRange } from "./dom.js";
import { percent, t } from "./strings.js";

export function createCompare() {
  const range = $("compare"), picture = $("picture"), original = $("original"), button = $("tool-compare");
  let cut = 0, held = false;

  function draw() {
    const shown = held ? 1 : cut;
    picture.style.setProperty("--cut", `${100 * shown}%`);
    picture.dataset.cut = shown > 0 ? "some" : "none";
    original.hidden = shown === 0;
    setRange(range, Math.round(100 * cut), t("compareValue", { share: percent(cut) }));
    pressed(button, cut > 0);
    pressed($("hold"), held);
  }
  const set = (share) => ((cut = Math.min(1, Math.max(0, share))), draw());
  const hold = (on) => ((held = on), draw());

  onDrag($("divider").querySelector(".grip"), {
    press: () => range.focus({ focusVisible: false }),
    move: ({ event }) => {
      const box = picture.getBoundingClientRect();
      set((event.clientX - box.left) / box.width);
    },
  });
  range.addEventListener("input", () => set(range.value / 100));
  button.addEventListener("click", () => set(cut > 0 ? 0 : 0.5));

  const photo = $("hold");
  photo.addEventListener("pointerdown", () => hold(true));
  for (const end of ["pointerup", "pointerleave", "pointercancel", "blur"]) photo.addEventListener(end, () => held && hold(false));
  photo.addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && (event.preventDefault(), hold(!event.repeat || held)));
  photo.addEventListener("keyup", () => hold(false));

  return { draw, set, hold, toggle: () => button.click() };
}
