// A worker that does one thing after the other, the most pressing first. What is cancelled on its way ends it; the next begins anew.
import { EngineError } from "../engine-error.js";

export const PREVIEW = 0, PHOTO = 1, THUMBNAIL = 2; // what comes first
const PATIENCE = 30_000; // ms in which a worker is there, and its threads
const FAILURES = ["strange", "no-memory", "worker-died"]; // of WebGPU; a file that cannot be read is none
const TRIES = 2; // so often what stands still is begun anew, the last time with less: one thread, or WASM for WebGPU

export class Bench {
  /** `settings` go to each worker that is begun, but for `patience`, the ms that one may take to start; without work for `idle` ms
   * it ends, and its memory is free. A `gentle` one is let finish what is cancelled. */
  constructor(settings, { idle = 0, gentle = false } = {}) {
    Object.assign(this, { settings, idle, gentle, worker: null, running: null, waiting: [], count: 0, timer: 0, still: 0, watch: 0, news: [] });
  }

  /** What the worker's `call` gives. */
  run(call, args, { rank = PHOTO, signal = null } = {}) {
    return new Promise((done, fail) => {
      if (signal?.aborted) return fail(signal.reason);
      const task = { id: ++this.count, call, args, rank, done, fail, signal };
      task.aborted = () => this.abort(task);
      signal?.addEventListener("abort", task.aborted, { once: true });
      this.waiting.push(task);
      this.next();
    });
  }

  /** Have this worker, and those after it, know something. */
  tell(call, args) {
    this.news.push({ call, args });
    this.worker?.postMessage({ id: 0, call, args });
  }

  next() {
    if (this.running || !this.waiting.length) return;
    clearTimeout(this.timer);
    const first = this.waiting.reduce((a, b) => (b.rank < a.rank ? b : a));
    this.waiting.splice(this.waiting.indexOf(first), 1);
    this.running = first;
    this.begin();
    this.worker.postMessage({ id: first.id, call: first.call, args: first.args });
  }

  begin() {
    if (this.worker) return;
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => ("starting" in data ? this.starting(data.starting) : this.settle(data));
    this.worker.onerror = (event) => (event.preventDefault?.(), this.broken());
    this.starting(true, false);
    const { base, threads, provider, largest } = this.settings;
    this.worker.postMessage({ id: 0, call: "begin", args: { base, threads, provider, largest } });
    for (const { call, args } of this.news) this.worker.postMessage({ id: 0, call, args });
  }

  /** A browser now and then leaves a worker or a thread standing before its first line: what does not start is begun anew.
   * `threads`: it is those of the runtime that are waited for. */
  starting(yes, threads = true) {
    clearTimeout(this.watch);
    if (yes && this.still < TRIES) this.watch = setTimeout(() => this.anew(threads), this.settings.patience ?? PATIENCE);
  }

  anew(threads) {
    const task = this.running, last = ++this.still === TRIES;
    if (this.settings.trying) return this.broken();
    this.end();
    this.running = null;
    if (last && this.settings.provider === "webgpu") return this.onWASM(task);
    if (last && threads) this.settings.threads = 1;
    if (!task.signal?.aborted) this.waiting.unshift(task);
    this.next();
  }

  settle({ id, result, error }) {
    const task = this.running;
    if (task?.id !== id) return;
    this.running = null;
    if (!error) this.still = 0;
    if (FAILURES.includes(error?.code) && this.settings.provider === "webgpu" && !this.settings.trying && !task.signal?.aborted) return this.onWASM(task);
    task.signal?.removeEventListener("abort", task.aborted);
    if (error) task.fail(new EngineError(error.code, error.message, 0, 0, error.values));
    else task.done(result);
    if (["no-memory", "not-here"].includes(error?.code)) this.end(); // a runtime that did not come stays away
    if (this.idle) this.timer = setTimeout(() => this.running || this.end(), this.idle);
    this.next();
  }

  /** WebGPU failed at this: from now on it is WASM. */
  onWASM(task) {
    this.settings.provider = "wasm";
    this.settings.fell?.();
    this.end();
    this.waiting.unshift(task);
    this.next();
  }

  /** The worker is gone: what it did fails, the rest goes on in another. */
  broken() {
    const id = this.running?.id;
    this.end();
    if (id) this.settle({ id, error: { code: "worker-died", message: "" } });
  }

  abort(task) {
    const at = this.waiting.indexOf(task);
    if (at >= 0) this.waiting.splice(at, 1);
    else if (this.running !== task) return;
    else if (!this.gentle) {
      this.end();
      this.running = null;
    }
    task.fail(task.signal.reason);
    this.next();
  }

  end() {
    clearTimeout(this.watch);
    this.worker?.terminate();
    this.worker = null;
  }
}
