/** What went wrong: a stable code, one sentence for people ("" where the page has one), the HTTP status (0: no answer). */
export class EngineError extends Error {
  constructor(code, detail, status = 0, wait = 0, values = {}) {
    super(detail || code);
    Object.assign(this, { code, status, wait, values });
  }
}
