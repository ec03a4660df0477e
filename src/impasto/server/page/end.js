// A studio without a terminal: it stays while its page is open, and a button ends it.
import { $ } from "./dom.js";

export function createEnd(engine, { tell }) {
  const visit = engine.stay();
  $("end").hidden = false;
  $("ended-dialog").addEventListener("cancel", (event) => event.preventDefault());
  $("end").addEventListener("click", async () => {
    try {
      await engine.end();
    } catch (error) {
      return tell(error);
    }
    visit.close();
    $("ended-dialog").showModal();
  });
}
