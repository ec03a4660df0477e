// The recipe: one frozen record of every dial. Every control changes it, every view is drawn from it. Knows no page.
// `styles` is a list of [name, weight], in the order of the mix pad's corners; a weight may be 0 here.
// `regions` is a list of {mask: 0..7, styles, soft: Mask}; a Mask {width, height, data: Uint8Array} never changes.

/** @typedef {{network: string, styles: [string, number][], strength: number, brush: string|number, strokeSize: number|null, keepColor: boolean,
 *             size: number|null, enlarge: boolean, regions: {mask: number, styles: [string, number][], soft: object}[]}} Recipe */

export const PHOTO = "photo"; // the style that gives the photo back
export const PROTECT = "~protect"; // what a region has in place of a style where features are kept, whatever style is there; no style is called so
export const NO_STYLES = [PHOTO, PROTECT];
export const MOST_STYLES = 4; // corners of the pad
export const MOST_REGIONS = 8;

/** @type {Recipe} */
export const START = Object.freeze({
  network: "full", styles: [], strength: 1, brush: "medium", strokeSize: null, keepColor: false, size: null, enlarge: false, regions: [],
});

/** The recipe with these dials turned. */
export const turn = (recipe, dials) => Object.freeze({ ...recipe, ...dials });

export const names = (recipe) => recipe.styles.map(([name]) => name);

/** Bilinear weights of 1 to 4 corners at (x, y) in 0..1; the square of `impasto square`. Three: the third is the whole lower edge. */
export function weightsAt(count, x, y) {
  if (count <= 1) return [1];
  if (count === 2) return [1 - x, x];
  const top = [(1 - y) * (1 - x), (1 - y) * x];
  return count === 3 ? [...top, y] : [...top, y * (1 - x), y * x];
}

/** Where on the pad these weights lie: the inverse of `weightsAt`, and the nearest thing to it for others. */
export function placeOf(weights) {
  const sum = weights.reduce((a, b) => a + b, 0) || 1;
  const [a, b = 0, c = 0, d = 0] = weights.map((weight) => weight / sum);
  if (weights.length === 2) return { x: b, y: 0.5 };
  if (weights.length === 3) return { x: a + b > 0 ? b / (a + b) : 0.5, y: c };
  return { x: b + d, y: c + d };
}

/** The styles with one added, in the middle of all, or taken out. */
export function toggled(styles, name) {
  const left = styles.filter(([each]) => each !== name);
  if (left.length < styles.length) return left.length === 1 ? [[left[0][0], 1]] : left.some(([, weight]) => weight > 0) ? left : even(left);
  return even([...styles, [name, 1]]);
}

const even = (styles) => styles.map(([name], at) => [name, weightsAt(styles.length, 0.5, 0.5)[at] ?? 1]);

const rounded = (weight) => Math.round(weight * 1000) / 1000;
const mixed = (styles) => styles.map(([name, weight]) => [name, rounded(weight)]).filter(([, weight]) => weight > 0);

/** What a region has: the name of its style (the first of a mix), PHOTO or PROTECT. */
export const nameOf = (region) => region.styles[0][0];
const styled = ({ regions }) => regions.filter((region) => nameOf(region) !== PROTECT);
/** The region in which features are kept, if there is one. */
export const protectedPart = ({ regions }) => regions.find((region) => nameOf(region) === PROTECT);

/** What the server takes. */
export function toJSON(recipe) {
  const styles = Object.fromEntries(mixed(recipe.styles));
  const regions = styled(recipe).map(({ mask, styles }) => ({ mask, styles: Object.fromEntries(mixed(styles)) }));
  const { network, strength, brush, strokeSize, keepColor, size, enlarge } = recipe;
  return { network, styles, strength, brush, stroke_size: strokeSize, keep_color: keepColor, size, enlarge, regions, protect: protectedPart(recipe)?.mask ?? null };
}

const written = (styles) => {
  const found = mixed(styles);
  return found.length === 1 ? found[0][0] : found.map(([name, weight]) => `${name}:${weight}`).join(",");
};

const WORDS = { strength: "strength", brush: "brush", strokeSize: "stroke_size", keepColor: "keep_color", size: "size", enlarge: "enlarge", network: "network" };

/** Those dials that are not at their start, as [word, value]. */
const turned = (recipe) => Object.entries(WORDS).filter(([dial]) => recipe[dial] !== START[dial]).map(([dial, word]) => [word, recipe[dial]]);

/** The part of a link behind #; regions are pictures and stay here. */
export function toHash(recipe) {
  const parts = new URLSearchParams([["style", written(recipe.styles)], ...turned(recipe)]);
  return "#" + parts.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
}

/** The dials that a link gives, or null where it gives none; what makes no sense is left out. */
export function fromHash(hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const styles = (parts.get("style") ?? "").split(",").filter(Boolean).map((part) => {
    const [name, weight = "1"] = part.split(":");
    return [name.trim(), Number(weight)];
  }).filter(([name, weight]) => name && Number.isFinite(weight) && weight > 0).slice(0, 16);
  if (!styles.length) return null;
  const number = (word, low, high) => {
    const value = Number(parts.get(word));
    return parts.has(word) && Number.isFinite(value) && value >= low && value <= high ? value : null;
  };
  const brush = parts.get("brush");
  return {
    styles: [...new Map(styles)],
    strength: number("strength", 0, 1.5) ?? START.strength,
    brush: ["small", "medium", "large"].includes(brush) ? brush : number("brush", 16, 1e5) ?? START.brush,
    strokeSize: number("stroke_size", 1, 1e5),
    keepColor: parts.get("keep_color") === "true",
    size: number("size", 16, 1e5),
    enlarge: parts.get("enlarge") === "true" && parts.has("size"),
    network: ["full", "fast"].includes(parts.get("network")) ? parts.get("network") : START.network,
  };
}

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
export const maskName = (region) => `mask-${region.mask + 1}.png`;

/** The shell command that paints the same; `wrote` are the options of the file. */
export function toCommand(recipe, photo, wrote = {}) {
  const out = [`impasto paint ${quoted(photo)} -s ${quoted(written(recipe.styles))}`];
  for (const [word, value] of turned(recipe)) out.push(`--${word.replace("_", "-")}` + (value === true ? "" : ` ${value}`));
  for (const region of styled(recipe)) out.push(`--mask ${quoted(`${written(region.styles)}=${maskName(region)}`)}`);
  if (protectedPart(recipe)) out.push(`--protect ${maskName(protectedPart(recipe))}`);
  if (wrote.quality && wrote.quality !== 95 && wrote.format !== "png") out.push(`--quality ${wrote.quality}`);
  if (wrote.dpi) out.push(`--dpi ${wrote.dpi}`);
  if (wrote.metadata) out.push("--keep-metadata");
  return [...out, `-o ${quoted(wrote.name ?? "painted.jpg")}`].join(" ");
}

const python = (value) => (value === true ? "True" : typeof value === "string" ? JSON.stringify(value) : String(value));

/** The line of Python that paints the same. */
export function toPython(recipe, photo, wrote = {}) {
  const found = mixed(recipe.styles);
  const dict = (pairs) => `{${pairs.map(([key, value]) => `${python(key)}: ${python(value)}`).join(", ")}}`;
  const dials = turned(recipe).map(([word, value]) => `${word}=${python(value)}`);
  if (styled(recipe).length) dials.push(`masks=${dict(styled(recipe).map((region) => [written(region.styles), maskName(region)]))}`);
  if (protectedPart(recipe)) dials.push(`protect=${python(maskName(protectedPart(recipe)))}`);
  const style = found.length === 1 ? python(found[0][0]) : dict(found);
  return `import impasto; impasto.paint(${[python(photo), style, ...dials].join(", ")}).save(${python(wrote.name ?? "painted.jpg")})`;
}
