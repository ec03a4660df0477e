// The loupe: a place of the painting as the download will have it, pixel for pixel.
import { $, onDrag, showBlob } from "./dom.js";
import { t } from "./strings.js";

const PAUSE = 120; // ms without a move before it is painted

export function createLoupe(state, engine, { tell, painting }) {
  const lens = $("lens"), shown = $("lens-picture"), tag = $("lens-tag"), picture = $("picture");
  let at = { x: 0.5, y: 0.5 }, size = null, timer = 0, stop = null, asked = null, n = Date.now();

  /** The painting's width and height, once its plan is known. */
  const planned = (plan) => ((size = plan && { width: plan.width, height: plan.height }), draw());

  function draw() {
    const on = state.tool === "loupe" && size && state.entry;
    lens.hidden = !on;
    if (!on) return (asked = null), clearTimeout(timer), stop?.abort();
    lens.style.left = `${100 * at.x}%`;
    lens.style.top = `${100 * at.y}%`;
    lens.setAttribute("aria-label", t("lens"));
    const place = window();
    const key = [state.entry.key, place.x, place.y, place.width, place.height].join();
    if (asked?.recipe === state.recipe && asked.key === key) return;
    asked = { recipe: state.recipe, key };
    lens.dataset.state = "painting";
    rough(place);
    clearTimeout(timer);
    timer = setTimeout(() => look(place), PAUSE);
  }

  /** Whole pixels of the painting under the lens. */
  function window() {
    const dense = devicePixelRatio || 1;
    const width = Math.min(size.width, 1024, Math.round(lens.clientWidth * dense)), height = Math.min(size.height, 1024, Math.round(lens.clientHeight * dense));
    const left = Math.round(at.x * size.width - width / 2), top = Math.round(at.y * size.height - height / 2);
    return { x: Math.max(0, Math.min(size.width - width, left)), y: Math.max(0, Math.min(size.height - height, top)), width, height };
  }

  /** The preview, enlarged, until the place is painted. */
  function rough({ x, y, width, height }) {
    const from = painting(), canvas = new OffscreenCanvas(width, height);
    const across = from.width / size.width, down = from.height / size.height;
    canvas.getContext("2d").drawImage(from, x * across, y * down, width * across, height * down, 0, 0, width, height);
    canvas.convertToBlob().then((blob) => lens.dataset.state === "painting" && showBlob(shown, blob));
  }

  async function look(place) {
    stop?.abort();
    stop = new AbortController();
    const mine = asked;
    try {
      const { blob, about } = await engine.window(state.entry.photo, state.recipe, ++n, place, stop.signal);
      if (mine !== asked) return;
      showBlob(shown, blob);
      lens.dataset.state = "painted";
      tag.textContent = t(about ? "lensAbout" : "lensTag");
    } catch (error) {
      if (error.name !== "AbortError" && error.code !== "overtaken" && mine === asked) (lens.dataset.state = "failed"), tell(error);
    }
  }

  const moveTo = (x, y) => ((at = { x: Math.min(1, Math.max(0, x)), y: Math.min(1, Math.max(0, y)) }), draw());
  onDrag(lens, {
    press: () => lens.focus({ focusVisible: false }),
    move: ({ event }) => {
      const box = picture.getBoundingClientRect();
      moveTo((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    },
  });
  picture.addEventListener("click", (event) => {
    if (state.tool !== "loupe" || lens.contains(event.target)) return;
    const box = picture.getBoundingClientRect();
    moveTo((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  });
  lens.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!by) return;
    event.preventDefault();
    moveTo(at.x + by[0] * 0.02, at.y + by[1] * 0.02);
  });
  return { draw, planned };
}
