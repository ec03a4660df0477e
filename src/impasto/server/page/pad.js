// The mix pad: two to four styles at its corners, a dot between them. Two native ranges move it, one for each way.
import { $, make, icon, onDrag, setRange } from "./dom.js";
import { placeOf, toggled, weightsAt } from "./recipe.js";
import { percent, t } from "./strings.js";

export function createPad(state, thumbnailOf) {
  const pad = $("pad"), corners = pad.querySelector(".corners"), dot = pad.querySelector(".dot");
  const ranges = [$("pad-x"), $("pad-y")];

  const moveTo = (x, y) => {
    const { styles } = state.recipe;
    const weights = weightsAt(styles.length, clamp(x), clamp(y));
    state.turn({ styles: styles.map(([name], at) => [name, weights[at]]) }, "pad");
  };
  onDrag(pad, { move: ({ x, y }) => moveTo(x, y), press: ({ event }) => (ranges[0].focus({ focusVisible: false }), event), release: state.rest });
  for (const range of ranges) {
    range.addEventListener("input", () => moveTo(ranges[0].value / 100, ranges[1].value / 100));
    range.addEventListener("change", state.rest);
    range.addEventListener("keydown", (event) => {
      const across = { ArrowLeft: -1, ArrowRight: 1 }[event.key], down = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!across && !down) return; // arrows mean the same on both: where the dot goes
      event.preventDefault();
      const by = event.shiftKey ? 0.1 : 0.02, { x, y } = placeOf(state.recipe.styles.map(([, weight]) => weight));
      moveTo(x + by * (across ?? 0), y + by * (down ?? 0));
      state.rest();
    });
  }

  const titleOf = (name) => state.style(name)?.title ?? name;

  return function draw() {
    const { styles } = state.recipe;
    const shares = styles.map(([, weight]) => weight), sum = shares.reduce((a, b) => a + b, 0) || 1;
    const onPad = styles.length >= 2 && styles.length <= 4;
    pad.hidden = !onPad;
    if (onPad) {
      const { x, y } = placeOf(shares);
      dot.style.left = `${100 * x}%`;
      dot.style.top = `${100 * y}%`;
      pad.dataset.corners = styles.length;
      ranges[1].hidden = styles.length === 2;
      const words = styles.map(([name], at) => t("weight", { style: titleOf(name), share: percent(shares[at] / sum) })).join(", ");
      setRange(ranges[0], Math.round(100 * x), words);
      setRange(ranges[1], Math.round(100 * y), words);
      fill(corners, styles.length, () => make("img", { alt: "", draggable: false }));
      styles.forEach(([name], at) => setSource(corners.children[at], thumbnailOf(name)));
    }
    const list = $("weights");
    if (list.dataset.names !== styles.map(([name]) => name).join() + t("takeOut")) {
      list.dataset.names = styles.map(([name]) => name).join() + t("takeOut");
      list.replaceChildren(...styles.map(([name]) => {
        const words = t("takeOut", { style: titleOf(name) });
        const out = make("button", { className: "icon small", "aria-label": words, title: words, onclick: () => state.turn({ styles: toggled(state.recipe.styles, name) }) }, icon("close"));
        return make("li", {}, make("span", { className: "share" }), make("span", { className: "name" }, titleOf(name)), out);
      }));
    }
    styles.forEach((_, at) => (list.children[at].firstChild.textContent = percent(shares[at] / sum)));
  };
}

const clamp = (value) => Math.min(1, Math.max(0, value));

function fill(root, count, build) {
  while (root.children.length < count) root.append(build());
  while (root.children.length > count) root.lastChild.remove();
}

const setSource = (img, address) => {
  if (address && img.getAttribute("src") !== address) img.src = address;
  if (!address) img.removeAttribute("src");
};
