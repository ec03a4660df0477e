// The region brush. A mask has at most 1,024 px a side, whatever the photo; a stroke may begin and end outside of it.
// Painting with one style takes the place away from the others; the eraser gives it back to the style of the whole. What is protected
// lies over the styles: neither takes a place away from the other, but the eraser does.
import { $, onDrag } from "./dom.js";
import { MOST_REGIONS, PHOTO, PROTECT, nameOf } from "./recipe.js";

const MASK_SIDE = 1024;
const TINTS = [[64, 104, 255], [255, 120, 40], [0, 170, 130], [220, 50, 160], [240, 190, 0], [120, 80, 230], [30, 160, 220], [150, 110, 60]];

export const tint = (mask) => `rgb(${TINTS[mask % 8].join()})`;

/** Width and height of the masks of a photo. */
export function maskSize(width, height) {
  const scale = Math.min(1, MASK_SIDE / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/** Draw a line from a to b (px) with a round brush into `cover`, keeping the larger value. The rows and columns it touched. */
export function stroke(cover, width, height, a, b, radius, soft) {
  const inner = radius * (1 - soft), edge = Math.max(1, radius - inner);
  const left = Math.max(0, Math.floor(Math.min(a.x, b.x) - radius)), right = Math.min(width, Math.ceil(Math.max(a.x, b.x) + radius) + 1);
  const top = Math.max(0, Math.floor(Math.min(a.y, b.y) - radius)), bottom = Math.min(height, Math.ceil(Math.max(a.y, b.y) + radius) + 1);
  const dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy || 1;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const along = Math.min(1, Math.max(0, ((x - a.x) * dx + (y - a.y) * dy) / length));
      const away = Math.hypot(x - a.x - along * dx, y - a.y - along * dy);
      if (away >= radius) continue;
      const part = Math.min(1, (radius - away) / edge), value = 255 * part * part * (3 - 2 * part);
      if (value > cover[y * width + x]) cover[y * width + x] = value;
    }
  }
  return { left, top, right: Math.max(left, right), bottom: Math.max(top, bottom) };
}

const between = (a, b, share = 0.5) => ({ x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y) });

/** Points about `step` px apart of the curve from a to b that c bends (a quadratic Bezier): a quick hand gives few places, and corners would show. */
export function bend(a, c, b, step) {
  const count = Math.max(1, Math.min(32, Math.ceil((Math.hypot(c.x - a.x, c.y - a.y) + Math.hypot(b.x - c.x, b.y - c.y)) / Math.max(1, step))));
  return Array.from({ length: count + 1 }, (_, at) => between(between(a, c, at / count), between(c, b, at / count), at / count));
}

/** The regions after a stroke with what `name` stands for; `name` null is the eraser. Masks that end up empty go. */
export function withStroke(regions, cover, width, height, name) {
  const found = regions.map((region) => {
    const own = nameOf(region), gains = own === name, old = region.soft.data, data = new Uint8Array(old.length);
    if (!gains && name !== null && [name, own].includes(PROTECT)) return region;
    for (let at = 0; at < data.length; at++) data[at] = gains ? Math.max(old[at], cover[at]) : Math.min(old[at], 255 - cover[at]);
    return Object.freeze({ ...region, soft: Object.freeze({ width, height, data }) });
  });
  if (name !== null && !found.some((region) => nameOf(region) === name)) {
    const taken = new Set(found.map((region) => region.mask));
    const mask = Array.from({ length: MOST_REGIONS }, (_, at) => at).find((at) => !taken.has(at));
    found.push(Object.freeze({ mask, styles: [[name, 1]], soft: Object.freeze({ width, height, data: cover.slice() }) }));
  }
  return found.filter((region) => region.soft.data.some((value) => value > 0));
}

/** The brush in hand: draws on `easel`, shows what it does on `marks`, and turns the recipe when a stroke ends. */
export function createBrush(state, { tell }) {
  const easel = $("easel"), marks = $("marks"), tip = $("tip"), picture = $("picture");
  let cover = null, size = [1, 1], pen = null, last = null, at = { x: 0.5, y: 0.5 };

  const radius = () => (state.brushSize / 200) * Math.max(...size);
  const paints = () => (state.tool === "erase" ? null : state.brushStyle ?? PHOTO);

  function begin() {
    const entry = state.entry;
    if (!entry) return false;
    const { regions } = state.recipe, name = paints();
    if (name && regions.length >= MOST_REGIONS && !regions.some((region) => nameOf(region) === name)) return tell("regionFull"), false;
    size = maskSize(entry.width, entry.height);
    cover = new Uint8Array(size[0] * size[1]);
    pen = last = null;
    [marks.width, marks.height] = size;
    marks.dataset.shown = "true";
  }

  function move({ x, y }) {
    at = { x, y };
    point();
    const here = { x: x * size[0] - 0.5, y: y * size[1] - 0.5 }, next = last ? between(last, here) : here;
    line(bend(pen ?? here, last ?? here, next, radius() / 4));
    [pen, last] = [next, here];
  }

  /** Draw along these points. */
  const line = (points) => points.slice(1).forEach((point, before) => show(stroke(cover, ...size, points[before], point, radius(), state.brushSoft / 100)));

  function show({ left, top, right, bottom }) {
    if (right <= left || bottom <= top) return;
    const name = paints(), region = state.recipe.regions.find((each) => nameOf(each) === name);
    const [r, g, b] = name ? TINTS[(region?.mask ?? state.recipe.regions.length) % 8] : [255, 255, 255];
    const part = new ImageData(right - left, bottom - top), { data } = part;
    for (let y = top, to = 0; y < bottom; y++) {
      for (let x = left; x < right; x++, to += 4) {
        data[to] = r;
        data[to + 1] = g;
        data[to + 2] = b;
        data[to + 3] = cover[y * size[0] + x] * 0.6;
      }
    }
    marks.getContext("2d").putImageData(part, left, top);
  }

  function end() {
    if (!cover) return;
    if (last) line([pen, last]);
    const regions = withStroke(state.recipe.regions, cover, ...size, paints());
    const touched = cover.some((value) => value > 0);
    cover = null;
    if (touched) state.turn({ regions: Object.freeze(regions) });
    else hide();
  }

  const hide = () => delete marks.dataset.shown;

  /** Where the brush is, as a ring. */
  function point() {
    const box = picture.getBoundingClientRect(), frame = easel.getBoundingClientRect();
    const across = (state.brushSize / 100) * Math.max(box.width, box.height);
    Object.assign(tip.style, { left: `${box.left - frame.left + at.x * box.width}px`, top: `${box.top - frame.top + at.y * box.height}px`, width: `${across}px`, height: `${across}px` });
  }

  const inPicture = ({ event }) => {
    const box = picture.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  };
  onDrag(easel, { press: () => (easel.focus({ focusVisible: false }), begin()), move: (place) => move(inPicture(place)), release: end });
  easel.addEventListener("pointermove", (event) => ((at = inPicture({ event })), point()));
  easel.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!by && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    const from = at;
    if (by) at = { x: at.x + by[0] * 0.03, y: at.y + by[1] * 0.03 };
    point();
    if (by && !event.shiftKey) return;
    if (begin() === false) return;
    if (by) move(from);
    move(at);
    end();
  });

  return { draw: point, painted: () => cover || hide() };
}
