// Previews: numbered, at most one in flight, the newest wins. Small while a dial moves, sharp once it rests.

const REST = 150, LONG_REST = 400; // ms without a change before the sharp one; longer where that one is slow
const PACE = 120; // ms between two small ones: about eight a second
const SMALL = 384, SMALLER = 256; // px; the smaller one where the small one takes too long for a dial
const QUICK = 0.09, SLOW = 0.3; // s that a small one, a sharp one may take

/**
 * `show({bitmap, entry, recipe, n, side, seconds, sharp})` puts a painting on the page; `tell(state, error)` says how it stands.
 * `idle()` is called when nothing is asked for; while something `goesFirst()`, no sharp one is: `pump` goes on.
 */
export function createPreviews(engine, { show, tell, idle, goesFirst, viewSide, slow }) {
  let n = Date.now(); // goes on rising over reloads
  let wanted = null, shown = null, flight = null, timer = 0, resting = 0, last = 0, late = 0, rest = REST;
  let small = slow ? SMALLER : SMALL;

  function want(entry, recipe) {
    if (wanted && wanted.entry === entry && wanted.recipe === recipe) return;
    wanted = { entry, recipe, n: ++n };
    clearTimeout(resting);
    resting = 0;
    if (flight?.slow) flight.stop.abort();
    tell("painting");
    pump();
    resting = setTimeout(() => ((resting = 0), pump()), rest);
  }

  function nothing() {
    wanted = shown = null;
    clearTimeout(resting);
    flight?.stop.abort();
  }

  /** The view has another size: paint it sharp again. */
  const resized = () => wanted && shown?.sharp && viewSide() > shown.side * 1.1 && ((shown.sharp = false), pump());

  function pump() {
    clearTimeout(timer);
    if (!wanted || flight || wanted.failed) return;
    const drawn = shown?.n === wanted.n;
    const sharp = viewSide();
    if (!drawn) {
      const pause = last + PACE - performance.now();
      if (pause > 0) return void (timer = setTimeout(pump, pause));
      send(sharp > small * 1.2 ? small : sharp, sharp <= small * 1.2);
    } else if (!resting && !shown.sharp && !goesFirst()) send(sharp, true);
  }

  async function send(side, sharp) {
    const asked = wanted, stop = new AbortController();
    flight = { slow: side > SMALL * 1.2, stop };
    last = performance.now();
    try {
      const { blob, seconds } = await engine.preview(asked.entry.photo, asked.recipe, 2 * asked.n + Number(sharp), side, stop.signal);
      const bitmap = await createImageBitmap(blob);
      const newer = !shown || asked.n > shown.n || (asked.n === shown.n && sharp);
      if (wanted && asked.entry === wanted.entry && newer) {
        shown = { n: asked.n, side, sharp };
        if (side === SMALL && (late = seconds > QUICK ? late + 1 : 0) > 2) small = SMALLER; // not the first: it compiles
        if (sharp) rest = seconds > SLOW ? LONG_REST : REST;
        show({ bitmap, ...asked, side, seconds, sharp, whole: asked.n === wanted.n });
        if (asked.n === wanted.n) tell("painted");
      }
    } catch (error) {
      if (error.name !== "AbortError" && error.code !== "overtaken" && asked === wanted) {
        asked.failed = true;
        tell("failed", error);
      }
    }
    flight = null;
    pump();
    if (!flight) idle();
  }

  /** Try again what failed. */
  function again() {
    if (!wanted) return;
    wanted.failed = false;
    pump();
  }

  /** Whether a painting is on its way, or must come first. */
  const busy = () => Boolean(flight || (wanted && !wanted.failed && shown?.n !== wanted.n));
  return { want, nothing, resized, again, pump, busy };
}
