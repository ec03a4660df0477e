// Two networks have two lists of styles. What one lacks leaves the look, and comes back with the other unless the look was changed meanwhile.
import { NO_STYLES, PHOTO, names } from "./recipe.js";
import { listing, t } from "./strings.js";
import { ordered } from "./styles.js";

const whole = new WeakMap(); // a list that was shortened -> the list as it was
const namesOf = (each) => (Array.isArray(each) ? [each[0]] : names(each)); // of a style of the mix, of a region

/** The styles of a mix, or regions, less those that are not `known`; all of them again where they are. `instead` if nothing is left. */
export function fitted(list, known, instead = null) {
  const all = whole.get(list) ?? list, fits = (each) => namesOf(each).every((name) => known.has(name));
  if (all.every(fits)) return all;
  let left = all.filter(fits);
  if (list !== all && left.every((each) => list.includes(each)) && list.every(fits)) return list; // it was shortened like this before
  if (instead && !left.some(([, weight]) => weight > 0)) left = [[instead, 1]];
  whole.set(left, all);
  return left;
}

/** `listed()` is called when the styles of another network are there. */
export function createNetworks(state, engine, { tell, listed }) {
  async function list(network) {
    const styles = ordered(await engine.styles(network)), known = new Set([...NO_STYLES, ...styles.map(({ name }) => name)]);
    Object.assign(state, { styles, listed: network });
    for (const entry of state.photos) entry.regions = fitted(entry.regions, known);
    return known;
  }

  async function choose(network) {
    const titles = new Map(state.styles.map(({ name, title }) => [name, title])), former = state.recipe.network;
    try {
      const known = await list(network), { recipe } = state;
      const lost = [...new Set([...names(recipe), ...recipe.regions.flatMap(namesOf)])].filter((name) => !known.has(name));
      state.turn({ network, styles: fitted(recipe.styles, known, state.styles.find(({ name }) => name !== PHOTO).name), regions: fitted(recipe.regions, known) });
      if (lost.length) tell("networkLacks", { styles: listing(lost.map((name) => titles.get(name) ?? name)), network: t(network), former: t(former) });
    } catch (error) {
      tell(error);
      state.changed();
    }
    listed();
  }

  /** What is not `known` leaves the look. */
  function fit(known) {
    const { recipe } = state, instead = state.styles.find(({ name }) => name !== PHOTO && known.has(name))?.name;
    const styles = fitted(recipe.styles, known, instead), regions = fitted(recipe.regions, known);
    if (styles !== recipe.styles || regions !== recipe.regions) state.turn({ styles, regions });
  }

  /** The styles of the same network have changed. */
  async function refresh() {
    fit(await list(state.recipe.network));
    listed();
    state.changed();
  }

  /** A style is removed: nothing may be asked for with it once the server has forgotten it. */
  async function remove(name) {
    fit(new Set([...NO_STYLES, ...state.styles.map((style) => style.name)].filter((each) => each !== name)));
    await engine.styleForget(name, state.recipe.network);
    await refresh();
  }

  /** Undo and links change the network too: its styles are shown then. */
  function follow() {
    const { network } = state.recipe;
    if (!state.listed || state.listed === network) return;
    state.listed = network;
    list(network).then(() => (listed(), state.changed()), tell);
  }
  return { choose, follow, refresh, remove };
}
