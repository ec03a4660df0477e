// The engine that paints on a server (docs: openapi.json). Another engine, without a server, needs the same few methods:
// open, styles, sampleURL, photo, picture, thumbnail, preview, window, plan, paint, follow, cancel, forget, teach...
import { EngineError } from "./engine-error.js";
import { toJSON } from "./recipe.js";
import { greyPNG } from "./zip.js";

const API = "api/v1";
const UNREACHED = [502, 503, 504];
const MASK_PATIENCE = 60_000; // ms; what waits behind a mask that hangs would wait for ever
const MISSES = 20; // looks at a job in a row that may fail: half a minute

export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path.startsWith("/") ? path.slice(1) : `${API}/${path}`, { cache: "no-cache", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new EngineError("offline", "");
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new EngineError(problem.code ?? `http-${answer.status}`, problem.detail, answer.status, Number(answer.headers.get("Retry-After")));
}

export const json = async (path, options) => (await ask(path, options)).json();
const post = (path, body, options = {}) =>
  ask(path, { method: "POST", body: JSON.stringify(body), ...options, headers: { "Content-Type": "application/json", ...options.headers } });
const typed = (blob) => ({ "Content-Type": blob.type.startsWith("image/") ? blob.type : "application/octet-stream" });
const key = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const wait = (ms, signal) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  signal?.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
});

/** A photo: sent when it is first needed, and again, with its masks, when the server has forgotten it. */
class Photo {
  constructor(blob, name, record = null) {
    Object.assign(this, { blob, name, record, sending: null, masks: new Map(), synced: Promise.resolve() });
  }

  /** {id, width, height, megapixels, alpha, ...} */
  async ready() {
    if (this.record) return this.record;
    this.sending ??= this.send().finally(() => (this.sending = null));
    return this.sending;
  }

  async send() {
    if (!this.blob) throw new EngineError("gone", "", 410);
    const answer = await ask(`photos?name=${encodeURIComponent(this.name)}`, { method: "POST", body: this.blob, headers: typed(this.blob) });
    this.masks.clear();
    return (this.record = await answer.json());
  }

  /** What `call` makes of the photo's path on the server. */
  async with(call) {
    const { id } = await this.ready();
    try {
      return await call(`photos/${id}`, id);
    } catch (error) {
      const gone = error.status === 410 || (error.status === 404 && error.code === "unknown");
      if (!gone || !this.blob) throw error;
      if (this.record?.id === id) this.record = null;
      const again = await this.ready();
      return call(`photos/${again.id}`, again.id);
    }
  }

  /** The masks of a recipe, sent where the server has not got them: one recipe after the other, so that none is sent twice and the newest stays. */
  sync(path, regions) {
    if (!regions.length) return;
    return (this.synced = this.synced.catch(() => {}).then(() => this.sendMasks(path, regions)));
  }

  async sendMasks(path, regions) {
    for (const { mask, soft } of regions) {
      if (this.masks.get(mask) === soft) continue;
      await ask(`${path}/masks/${mask}`, { method: "PUT", body: await greyPNG(soft), headers: { "Content-Type": "image/png" }, signal: AbortSignal.timeout(MASK_PATIENCE) });
      this.masks.set(mask, soft);
    }
  }

  /** As `with`, the recipe's masks being there. */
  painting(recipe, call) {
    return this.with(async (path, id) => {
      await this.sync(path, recipe.regions);
      return call(path, id);
    });
  }
}

export class HttpEngine {
  open = () => json("session");
  styles = async (network) => (await json(`styles?network=${network}`)).styles;
  sampleURL = (name) => `${API}/samples/${encodeURIComponent(name)}`;
  sample = async (name) => (await ask(`samples/${encodeURIComponent(name)}`)).blob();
  /** A photo of the user's, or one that is at the server already (`record`). */
  photo = (blob, name, record) => new Photo(blob, name, record);
  /** As long as this is open, a studio that ends with its page stays; `end` ends it now. */
  stay = () => new EventSource(`${API}/visit`);
  end = () => ask("end", { method: "POST" });
  alive = () => ask("/healthz", { signal: AbortSignal.timeout(2000) });

  picture = (photo, side) => photo.with(async (path) => (await ask(`${path}/picture?side=${side}`, { cache: "default" })).blob());

  thumbnail = (photo, style, network, side, signal) =>
    photo.with(async (path) => (await ask(`${path}/thumbnails/${encodeURIComponent(style)}?network=${network}&side=${side}&square=true`, { signal, cache: "default" })).blob());

  /** A painting of at most `side` pixels; EngineError "overtaken" where a newer one was asked for. */
  preview = (photo, recipe, n, side, signal) =>
    photo.painting(recipe, async (path) => {
      const answer = await post(`${path}/previews`, { recipe: toJSON(recipe), n, max_side: side }, { signal });
      return { blob: await answer.blob(), seconds: Number(answer.headers.get("X-Seconds")) };
    });

  /** That place of the painting at full size. */
  window = (photo, recipe, n, place, signal) =>
    photo.painting(recipe, async (path) => {
      const answer = await post(`${path}/window`, { recipe: toJSON(recipe), n, ...place }, { signal });
      return { blob: await answer.blob(), about: answer.headers.get("X-About") === "1" };
    });

  plan = (photo, recipe, signal) =>
    photo.painting(recipe, async (path) => (await post(`${path}/plan`, { recipe: toJSON(recipe) }, { signal })).json());

  /** Begin a painting at full size: the job's record. A full queue is waited for. */
  async paint(photo, recipe, file, signal, waiting = () => {}) {
    const headers = { "Idempotency-Key": key() };
    for (;;) {
      try {
        return await photo.painting(recipe, async (_, id) => (await post("jobs", { photo: id, recipe: toJSON(recipe), ...file }, { headers, signal })).json());
      } catch (error) {
        if (!UNREACHED.includes(error.status) || signal?.aborted) throw error;
        waiting(error.wait || 2);
        await wait(1000 * (error.wait || 2), signal);
      }
    }
  }

  /** The job's records until it ends, the last one returned. Events are hints; GET has the truth. */
  async follow(id, each, signal) {
    const events = new EventSource(`${API}/jobs/${id}/events`);
    let nudge = () => {};
    for (const kind of ["progress", "done", "failed", "cancelled"]) {
      events.addEventListener(kind, (event) => {
        if (kind === "progress") each(JSON.parse(event.data));
        else nudge();
      });
    }
    try {
      for (let missed = 0; ; ) {
        const job = await json(`jobs/${id}`, { signal }).catch((error) => {
          if (error.code !== "offline" || ++missed > MISSES) throw error; // a lid was closed, a line is down: the server paints on
          return null;
        });
        if (job) {
          missed = 0;
          if (["done", "failed", "cancelled"].includes(job.state)) return job;
          each(job);
        }
        await Promise.race([wait(1500, signal), new Promise((done) => (nudge = done))]);
      }
    } finally {
      events.close();
    }
  }

  cancel = (id) => ask(`jobs/${id}`, { method: "DELETE" });
  resultURL = (id) => `${API}/jobs/${id}/result`;
  result = async (id) => (await ask(`jobs/${id}/result`)).blob();
  async forget(photo) {
    const { record } = photo;
    photo.record = null;
    if (record) await ask(`photos/${record.id}`, { method: "DELETE" });
  }

  /** A painting becomes a style within seconds: its name. */
  style = async (blob, name, network) => (await json(`styles?${new URLSearchParams({ name, network })}`, { method: "POST", body: blob, headers: typed(blob) })).name;
  styleForget = (name, network) => ask(`styles/${encodeURIComponent(name)}?network=${network}`, { method: "DELETE" });
  lesson = (blob, { name, minutes, network }) => json(`lessons?${new URLSearchParams({ name, minutes, network })}`, { method: "POST", body: blob, headers: typed(blob) });
  lessonNow = (id) => json(`lessons/${id}`);
  lessonPreview = (id, photo) => photo.with(async (_, at) => (await ask(`lessons/${id}/preview?photo=${at}`)).blob());
  lessonStop = (id) => ask(`lessons/${id}/stop`, { method: "POST" });
  lessonForget = (id) => ask(`lessons/${id}`, { method: "DELETE" });
  bankURL = (name, network) => `${API}/banks/${encodeURIComponent(name)}?network=${network}`;
}
