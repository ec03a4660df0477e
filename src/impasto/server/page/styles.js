// The styles as pictures of the user's own photo: those in sight first, few at once, none while a dial moves.
import { $, icon, make, pressed } from "./dom.js";
import { MOST_STYLES, PHOTO, PROTECT, names, toggled } from "./recipe.js";
import { t } from "./strings.js";

const AT_ONCE = 3;
const FIRST_OF_ALL = 1500; // ms that those in sight go before the sharp painting, at most
export const artistOf = (style) => (style.artist ?? "").replace(/\s*\([^)]*\)/g, "");

// The first that people see; the others follow as the bank has them.
const FIRST = ["van-gogh-starry-night", "hokusai-great-wave", "picabia-udnie", "monet-water-lily-pond-1899", "munch-the-scream", "klimt-the-kiss", "kandinsky-composition-vii", "seurat-seine-at-la-grande-jatte",
  "mucha-dance", "marc-little-blue-horse", "van-gogh-road-with-cypress-and-star", "durer-four-horsemen", "matisse-roofs-of-collioure", "turner-rain-steam-and-speed", "signac-notre-dame-de-la-garde"];
const place = ({ name, own }) => (own ? 0 : FIRST.indexOf(name) + 1 || FIRST.length + 1);
export const ordered = (styles) => [...styles].sort((a, b) => place(a) - place(b));

/** Pictures of one photo in every style; `drawn(name)` is called as each arrives, `rested()` when none in sight is missing. */
export function createThumbnails(engine, { busy, drawn, rested = () => {} }) {
  const side = devicePixelRatio > 1.4 ? 256 : 192;
  let photo = null, network = "full", fast = new Set(), stop = new AbortController(), running = 0;
  const found = new Map(), seen = new Set(), failed = new Set();
  let all = [], since = null;

  function show(nextPhoto, styles, nextNetwork, fastNames) {
    if (nextPhoto === photo && network === nextNetwork && styles === all) return;
    const same = nextPhoto === photo;
    for (const name of seen) if (!styles.some((style) => style.name === name)) seen.delete(name); // a tile that is gone is in sight for ever
    [photo, all, network, fast] = [nextPhoto, styles, nextNetwork, fastNames];
    if (!same) {
      stop.abort();
      stop = new AbortController();
      found.clear();
      since = null;
    }
    failed.clear();
    pump();
  }

  const see = (name, visible) => (visible ? seen.add(name) : seen.delete(name), pump());
  /** Whether those in sight are still being painted, soon after the photo came. */
  const coming = () => Boolean(photo) && !engine.lazy && performance.now() - (since ?? Infinity) < FIRST_OF_ALL && [...seen].some((name) => !found.get(name) && !failed.has(name));
  const missing = (name) => !found.has(name) && !failed.has(name);

  function pump() {
    if (!photo || running >= AT_ONCE || busy()) return;
    since ??= performance.now();
    const next = [...seen].find(missing) ?? (engine.lazy ? null : all.find((style) => missing(style.name))?.name);
    if (!next) return;
    paint(next, stop.signal);
    pump();
  }

  async function paint(name, signal) {
    const mine = photo;
    running++;
    found.set(name, "");
    try {
      const blob = await engine.thumbnail(mine, name, fast.has(name) ? "fast" : network, side, signal);
      if (mine !== photo) return;
      found.set(name, URL.createObjectURL(blob));
      drawn(name);
    } catch (error) {
      if (mine === photo) found.delete(name), failed.add(name);
    } finally {
      running--;
      if (!coming()) rested();
      pump();
    }
  }

  const again = () => (failed.clear(), pump());
  /** Ask for nothing more of a photo that is put away: it would be sent again. */
  function leave(gone) {
    if (gone !== photo) return;
    photo = null;
    stop.abort();
    stop = new AbortController();
  }
  return { show, see, pump, again, leave, coming, of: (name) => found.get(name) || null };
}

/** The grid of tiles, the search, and the card of what is chosen. */
export function createStyles(state, thumbnails, { tell, teach, keep, forget }) {
  const grid = $("grid"), tiles = new Map();
  const sight = new IntersectionObserver((seen) => seen.forEach((each) => thumbnails.see(each.target.dataset.name, each.isIntersecting)), { root: null, rootMargin: "60px" });
  const brushing = () => state.tool === "brush" || state.tool === "erase";

  function build() {
    sight.disconnect();
    tiles.clear();
    const more = t(state.session?.mode === "page" ? "addStyle" : state.session?.own_styles ? "ownStyle" : "teach");
    const plus = teach && make("button", { className: "tile teach", id: "teach", title: more, onclick: () => teach() }, make("span", { className: "pane" }, icon("plus")), make("span", { className: "title" }, more));
    $("grid-extra").replaceChildren(...(plus ? [plus] : []));
    grid.replaceChildren(...state.styles.filter((style) => style.name !== PHOTO).map((style) => {
      const tile = make("button", { className: "tile", "data-name": style.name, "aria-label": style.title || style.name, title: [style.title, artistOf(style), style.year].filter(Boolean).join(", ") },
        make("span", { className: "pane" }, make("img", { alt: "", draggable: false }), make("span", { className: "mark", "aria-hidden": "true" }, icon("check"))), make("span", { className: "title" }, style.title || style.name));
      tile.onclick = (event) => pick(style.name, event.ctrlKey || event.shiftKey || event.metaKey);
      tiles.set(style.name, tile);
      sight.observe(tile);
      return tile;
    }));
    for (const name of tiles.keys()) drawn(name);
    filter();
  }

  function pick(name, add) {
    if (brushing()) return state.set({ brushStyle: name, tool: "brush" });
    const { styles } = state.recipe;
    if (!(add || state.mixing)) return styles.length === 1 && styles[0][0] === name ? null : state.turn({ styles: [[name, 1]] });
    const has = styles.some(([each]) => each === name);
    if (has && styles.length === 1) return;
    if (!has && styles.length >= MOST_STYLES) return tell("mixFull");
    state.mixing = true;
    state.turn({ styles: toggled(styles, name) });
  }

  $("mixing").addEventListener("click", () => {
    state.mixing = !state.mixing;
    const { styles } = state.recipe;
    if (!state.mixing && styles.length > 1) state.turn({ styles: [[styles.reduce((a, b) => (b[1] > a[1] ? b : a))[0], 1]] });
    else state.changed();
  });

  grid.addEventListener("keydown", (event) => {
    const shown = [...tiles.values()].filter((tile) => !tile.hidden), at = shown.indexOf(document.activeElement);
    const columns = getComputedStyle(grid.parentElement).gridTemplateColumns.split(" ").length;
    const row = getComputedStyle(grid.parentElement).gridAutoFlow.includes("column") ? 1 : columns;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row, Home: -at, End: shown.length - 1 - at }[event.key];
    if (at < 0 || by === undefined) return;
    event.preventDefault();
    const next = shown[Math.min(shown.length - 1, Math.max(0, at + by))];
    next.focus();
    if (!state.mixing && !event.ctrlKey) next.click();
    else rove(next);
  });
  const rove = (tile) => tiles.forEach((each) => (each.tabIndex = each === tile ? 0 : -1));

  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  function filter() {
    const words = plain($("search").value).split(/\s+/).filter(Boolean);
    let count = 0;
    for (const style of state.styles) {
      const tile = tiles.get(style.name), text = plain(`${style.name} ${style.title} ${style.artist} ${style.year} ${style.kind ?? ""}`);
      if (tile) count += (tile.hidden = !words.every((word) => text.includes(word))) ? 0 : 1;
    }
    $("no-styles").hidden = count > 0 || !state.styles.length;
  }
  $("search").addEventListener("input", filter);

  function drawn(name) {
    const tile = tiles.get(name), address = thumbnails.of(name);
    if (!tile) return;
    const img = tile.querySelector("img");
    if (address) (img.src = address), (tile.dataset.ready = "true");
    else img.removeAttribute("src"), delete tile.dataset.ready;
  }

  let built = null;
  function draw() {
    const key = document.documentElement.lang;
    if (built !== state.styles || grid.dataset.built !== key) {
      built = state.styles;
      grid.dataset.built = key;
      build();
    }
    const chosen = brushing() ? (state.tool === "brush" && state.brushStyle ? [state.brushStyle] : []) : names(state.recipe);
    const radios = brushing() || !state.mixing;
    grid.setAttribute("role", radios ? "radiogroup" : "group");
    for (const [name, tile] of tiles) {
      const on = chosen.includes(name);
      tile.toggleAttribute("data-on", on);
      for (const [attribute, value] of [["role", radios ? "radio" : null], ["aria-checked", radios ? on : null], ["aria-pressed", radios ? null : on]]) {
        if (value === null) tile.removeAttribute(attribute);
        else tile.setAttribute(attribute, String(value));
      }
    }
    const focused = tiles.get(document.activeElement?.dataset?.name);
    rove(focused ?? tiles.get(chosen[0]) ?? tiles.values().next().value);
    pressed($("mixing"), state.mixing);
    $("mixing").hidden = brushing();
    $("brush-hint").hidden = !brushing();
    const style = state.brushStyle ?? PHOTO;
    $("brush-hint").textContent = { [PHOTO]: t("brushKeeps"), [PROTECT]: t("brushProtects") }[style] ?? t("brushHint", { style: state.style(style)?.title ?? style });
    card();
  }

  /** The chosen style's label, and styles like it; for a mix the pad stands here. */
  function card() {
    const { styles } = state.recipe, many = styles.length > 1;
    $("mix").hidden = !many;
    $("card").hidden = many;
    if (many || !styles.length) return;
    const style = state.style(styles[0][0]) ?? { name: styles[0][0] };
    const key = [style.name, state.mixing, document.documentElement.lang, tiles.size].join();
    if ($("card").dataset.key === key) return;
    $("card").dataset.key = key;
    const near = (style.neighbours ?? []).map(state.style).filter(Boolean).slice(0, 3);
    $("card").replaceChildren(
      make("p", { className: "title" }, style.title || style.name),
      style.own ? make("p", { className: "row" }, make("button", { className: "link", onclick: () => keep(style.name) }, t("styleFile")), make("button", { className: "link", onclick: () => forget(style.name) }, t("styleForget")))
        : make("p", { className: "muted" }, [artistOf(style), style.year].filter(Boolean).join(", ")),
      state.mixing ? make("p", { className: "muted" }, t("mixHint")) : make("p", { className: "similar" },
        ...(near.length ? [make("span", { className: "muted" }, t("similar")), ...near.map((each) => make("button", { className: "link", onclick: () => pick(each.name, false) }, each.title))] : [])));
  }

  return { draw, drawn, redrawn: () => tiles.forEach((_, name) => drawn(name)), pick };
}
