// Downloads: what the file is to be, the plan, one painting with its progress, or all of them in one ZIP.
import { readable } from "./album.js";
import { $, make, save, segments, setRange } from "./dom.js";
import { EngineError } from "./engine-error.js";
import { names, turn } from "./recipe.js";
import { bytes, number, percent, t, time } from "./strings.js";
import { zip } from "./zip.js";

const SIDES = [1080, 2048, 4096];
const KINDS = { jpeg: "JPEG", png: "PNG", webp: "WebP" };
const ENDS = { jpeg: "jpg", png: "png", webp: "webp" };
/** What a painting is called when it is saved, as the server and the command line call it: cat-STYLE.jpg. */
export function paintedName(name, recipe, format) {
  const styles = names(recipe).filter((_, at) => recipe.styles[at][1] > 0);
  return `${name.replace(/\.[^.]*$/, "")}-${styles[0]}${styles.length > 1 ? "-and-more" : ""}.${ENDS[format]}`;
}

const LATER = [429, 502, 503, 504]; // statuses of a server that may answer later

/** The controls of the file: format, quality, size, resolution, metadata. */
export function createFileOptions(state) {
  const own = $("own-size");
  $("quality").addEventListener("input", () => change({ quality: Number($("quality").value) }));
  $("dpi").addEventListener("change", () => change({ dpi: Number($("dpi").value) || null }));
  $("metadata").addEventListener("change", () => change({ metadata: $("metadata").checked }));
  $("size").addEventListener("change", () => {
    const side = Number($("size").value);
    $("own-size-field").hidden = side >= 0;
    if (side >= 0) paintedAt(side || null);
    else own.focus();
  });
  own.addEventListener("change", () => paintedAt(Math.round(Number(own.value)) || null));
  const change = (parts) => state.set({ file: { ...state.file, ...parts } });

  function paintedAt(size) {
    const longer = state.entry ? Math.max(state.entry.width, state.entry.height) : 0;
    state.turn({ size: size === longer ? null : size, enlarge: Boolean(size && longer && size > longer) }, "size");
  }

  return function draw(plan) {
    const { format, quality, dpi, metadata } = state.file, { size } = state.recipe;
    segments($("format"), "format", (state.session?.formats.write ?? []).map((each) => [each, KINDS[each] ?? each]), format, (each) => change({ format: each }));
    $("quality-dial").hidden = format === "png";
    setRange($("quality"), quality, number(quality));
    $("quality-value").textContent = number(quality);
    const longer = state.entry ? Math.max(state.entry.width, state.entry.height) : 0;
    const sides = [[0, longer ? `${t("original")}, ${number(longer)} px` : t("original")], ...SIDES.map((side) => [side, t("paintedAs", { size: number(side) })]), [-1, t("ownSize")]];
    const key = JSON.stringify(sides);
    if ($("size").dataset.drawn !== key) {
      $("size").dataset.drawn = key;
      $("size").replaceChildren(...sides.map(([value, words]) => make("option", { value }, words)));
    }
    const known = size === null || SIDES.includes(size);
    if (document.activeElement !== own && $("size").value !== "-1") $("size").value = known ? size ?? 0 : -1;
    if (!known) ($("size").value = -1), (own.value = size);
    $("own-size-field").hidden = $("size").value !== "-1";
    if (document.activeElement !== $("dpi")) $("dpi").value = dpi ?? "";
    $("metadata").checked = metadata;
    $("print-size").hidden = !(dpi && plan);
    if (dpi && plan) $("print-size").textContent = t("printSize", { width: number((plan.width / dpi) * 2.54, 1), height: number((plan.height / dpi) * 2.54, 1) });
    $("options-format").textContent = KINDS[format];
    $("options-size").textContent = ` · ${size ? t("paintedAs", { size: number(size) }) : t("original")}`;
  };
}

/** The plan under the painting: asked for when the recipe rests. */
export function createPlan(state, engine, planned) {
  let timer = 0, key = null, stop = null;
  return function draw() {
    const { entry, recipe } = state;
    const asks = entry && JSON.stringify([entry.key, recipe.network, recipe.size, recipe.brush, recipe.enlarge, recipe.regions.length, recipe.strength === 1, recipe.keepColor, Boolean(recipe.styles.length)]);
    if (asks === key) return;
    key = asks;
    clearTimeout(timer);
    stop?.abort();
    if (!entry || !recipe.styles.length) return planned(null);
    timer = setTimeout(async () => {
      stop = new AbortController();
      try {
        planned(await engine.plan(entry.photo, recipe, stop.signal));
      } catch (error) {
        if (error.name === "AbortError") return;
        planned(null);
        if (error.code === "offline" || LATER.includes(error.status)) timer = setTimeout(() => key === asks && ((key = null), state.changed()), 4000);
      }
    }, 250);
  };
}

export function planWords(plan) {
  const values = { megapixels: number(plan.megapixels, plan.megapixels < 10 ? 1 : 0), time: time(Math.max(1, plan.seconds ?? 0)) };
  const words = [t("plan", { width: number(plan.width), height: number(plan.height) }), t("planTime", values)];
  return plan.memory > plan.free ? [...words, t("planTight", { memory: bytes(plan.memory), free: bytes(plan.free) })] : words;
}

/** For those who ask: what it takes. */
export const planTip = (plan) => t("planMemory", { memory: bytes(plan.memory ?? 0) });

export function createDownloads(state, engine, { tell, say, started }) {
  let stop = null, job = null, begun = null;
  const busy = () => Boolean(stop);
  $("download").addEventListener("click", () => one());
  $("download-all").addEventListener("click", () => all());
  $("cancel").addEventListener("click", async () => {
    const id = job;
    stop?.abort();
    if (id) await engine.cancel(id).catch(() => {});
  });

  function progress(share, words) {
    $("progress").hidden = share === null;
    $("plan").hidden = share !== null;
    $("download").disabled = $("download-all").disabled = share !== null;
    if (share === null) return;
    if (share > 0) $("bar").value = share;
    else $("bar").removeAttribute("value");
    if ($("progress-text").textContent !== words) $("progress-text").textContent = words;
  }

  /** Whether the time left goes with the share: at most three times what as much took until now. */
  function fits({ share, seconds_left: left }) {
    if (left == null) return false;
    begun ??= { share, at: performance.now() };
    const done = share - begun.share, seconds = (performance.now() - begun.at) / 1000;
    return left <= 5 || done < 0.1 || left <= (3 * seconds * (1 - share)) / done;
  }

  const wordsOf = (record) => {
    if (record.state === "waiting") return record.position ? t("waitingPlace", { position: number(record.position) }) : t("waiting", { time: time(record.seconds_left ?? 1) });
    return !fits(record) ? percent(record.share) : t("working", { share: percent(record.share), time: time(Math.max(1, record.seconds_left)) });
  };

  /** One job from its beginning, or from its id after a reload, to its end. */
  async function work(begin, each) {
    begun = null;
    const record = await begin();
    job = record.id;
    started(job);
    if (stop.signal.aborted) await engine.cancel(job).catch(() => {});
    return engine.follow(job, each, stop.signal);
  }

  async function guarded(doing) {
    if (busy()) return;
    stop = new AbortController();
    progress(0, t("starting"));
    try {
      await doing(stop.signal);
    } catch (error) {
      if (error.name === "AbortError" || stop.signal.aborted) tell("cancelled");
      else tell(error);
    } finally {
      stop = job = null;
      started(null);
      progress(null);
    }
  }

  function finish(record) {
    if (record.state === "done") {
      save(engine.resultURL(record.id), record.name);
      say(() => t("saved", { name: record.name }));
    } else if (record.state === "cancelled") tell("cancelled");
    else tell(new EngineError(record.error?.code, record.error?.detail));
  }
  const show = (record) => progress(Math.min(0.99, record.share ?? 0), wordsOf(record));

  const one = () => state.entry && guarded(async (signal) => {
    const begin = () => engine.paint(state.entry.photo, state.recipe, state.file, signal, (seconds) => progress(0, t("waiting", { time: time(seconds) })));
    finish(await work(begin, show));
  });

  /** After a reload: go on watching a job that was begun before. */
  const resume = (id) => guarded(async () => finish(await work(async () => ({ id }), show)));

  const all = () => guarded(async (signal) => {
    const entries = state.photos.filter(readable), files = [], { recipe, file } = state;
    const looks = new Map(entries.map((entry) => [entry, turn(recipe, { regions: entry.key === state.current ? recipe.regions : entry.regions ?? [] })]));
    let gone = 0; // put away meanwhile
    const failed = state.photos.filter((entry) => !readable(entry)).map(({ name }) => name);
    for (const [at, entry] of entries.entries()) {
      if (signal.aborted) return tell("cancelled");
      if (!state.photos.includes(entry)) {
        gone++;
        continue;
      }
      const each = (record) => progress((at + (record.share ?? 0)) / entries.length, t("allWork", { done: number(at), count: number(entries.length), share: percent(record.share ?? 0) }));
      each({});
      try {
        const record = await work(() => engine.paint(entry.photo, looks.get(entry), file, signal), each);
        if (record.state === "cancelled") return tell("cancelled");
        if (record.state === "failed") throw new EngineError(record.error?.code, record.error?.detail, record.error?.status);
        files.push({ name: paintedName(entry.name, recipe, file.format), blob: await engine.result(record.id) });
        engine.cancel(record.id).catch(() => {});
        if (entry.key !== state.current && entries.length > (state.session.limits.photos ?? 16) / 2) await engine.forget(entry.photo).catch(() => {});
        entry.why = null;
      } catch (error) {
        if (signal.aborted || error.code === "offline") throw error;
        entry.why = error;
        failed.push(entry.name);
      }
      state.changed();
    }
    progress(0.99, t("packing"));
    const packed = files.length ? await zip(files) : null;
    if (signal.aborted) return tell("cancelled");
    if (packed) save(packed, "impasto.zip");
    say(() => [t("allSaved", { done: number(files.length), count: number(entries.length - gone) }), failed.length ? t("allFailed", { names: failed.join(", ") }) : ""].join(" "), failed.length > 0);
  });

  return { one, resume, busy, draw: () => {
    $("download-all").hidden = state.photos.filter(readable).length < 2;
    $("download-all").textContent = t("downloadAll", { count: number(state.photos.filter(readable).length) });
    if (!busy()) $("download").disabled = $("download-all").disabled = !state.entry || !state.recipe.styles.length;
  } };
}
