// What the page knows, in one place: the recipe with its undo, the photos, the tool in hand. Views are told once a frame.
import { START, turn } from "./recipe.js";

const DEEP = 100; // steps of undo

export function createState() {
  const views = [];
  const past = [], future = [];
  let step = null, drawing = false;

  const state = {
    recipe: START,
    photos: [], // {key, name, photo, width, height, regions, why}
    current: null, // the key of the photo that is shown
    styles: [],
    listed: null, // the network that `styles` are of
    session: null,
    tool: null, // null, "brush", "erase", "loupe"
    mixing: false,
    brushStyle: null, // what the brush paints: a style's name, or "photo"
    brushSize: 14, // percent of the photo's longer side
    brushSoft: 50,
    file: { format: "jpeg", quality: 95, dpi: null, metadata: false },

    get entry() {
      return state.photos.find((entry) => entry.key === state.current) ?? null;
    },
    style: (name) => state.styles.find((style) => style.name === name),

    /** Turn dials of the recipe. Changes with the same `name` one after the other are one step of undo. */
    turn(dials, name = null) {
      if (name === null || name !== step) {
        past.push(state.recipe);
        if (past.length > DEEP) past.shift();
      }
      future.length = 0;
      step = name;
      state.set({ recipe: turn(state.recipe, dials) });
    },
    /** The next change is a step of its own. */
    rest: () => (step = null),
    undo: () => travel(past, future),
    redo: () => travel(future, past),
    get undoable() {
      return [past.length > 0, future.length > 0];
    },
    get steps() {
      return { past, future };
    },
    /** The steps of an earlier visit. */
    takeSteps(kept) {
      state.forgetSteps();
      past.push(...kept.past.map((recipe) => turn(START, recipe)));
      future.push(...kept.future.map((recipe) => turn(START, recipe)));
      state.changed();
    },
    forgetSteps() {
      past.length = future.length = 0;
      step = null;
    },
    set(parts) {
      Object.assign(state, parts);
      state.changed();
    },
    changed() {
      if (drawing) return;
      drawing = true;
      queueMicrotask(() => {
        drawing = false;
        for (const view of views) view(state);
      });
    },
    /** `view(state)` is called after every change. */
    onChange: (view) => views.push(view),
  };

  function travel(from, to) {
    if (!from.length) return;
    to.push(state.recipe);
    step = null;
    state.set({ recipe: from.pop() });
  }
  return state;
}
