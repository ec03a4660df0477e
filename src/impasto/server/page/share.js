// The recipe as a link, a shell command and a line of Python, and its masks as files.
import { $, save } from "./dom.js";
import { paintedName } from "./download.js";
import { maskName, toCommand, toHash, toPython } from "./recipe.js";
import { t } from "./strings.js";
import { greyPNG, zip } from "./zip.js";

export function createShare(state, { say, tell }) {
  $("share").addEventListener("click", () => {
    const { recipe, file, entry } = state, photo = entry?.name ?? "photo.jpg";
    const wrote = { ...file, name: paintedName(photo, recipe, file.format) };
    $("share-link").textContent = location.origin + location.pathname + toHash(recipe);
    $("share-command").textContent = toCommand(recipe, photo, wrote);
    $("share-python").textContent = toPython(recipe, photo, wrote);
    $("share-masks").hidden = !recipe.regions.length;
    for (const button of copies) button.textContent = t("copy");
    $("share-dialog").showModal();
  });
  const copies = document.querySelectorAll("[data-copy]");
  for (const button of copies) button.addEventListener("click", () => copy(button, $(button.dataset.copy)));
  $("save-masks").addEventListener("click", async () => {
    const masks = await Promise.all(state.recipe.regions.map(async (region) => ({ name: maskName(region), blob: await greyPNG(region.soft) })));
    if (masks.length === 1) save(masks[0].blob, masks[0].name);
    else save(await zip(masks), "masks.zip");
  });
  async function copy(button, from) {
    try {
      await navigator.clipboard.writeText(from.textContent);
      button.textContent = t("copied");
      say(t("copied"));
    } catch {
      getSelection().selectAllChildren(from); // no clipboard outside of secure contexts: Ctrl+C does it
      tell("noClipboard");
    }
  }
  return { copy };
}

/** The painting as it is shown, onto the clipboard. */
export async function copyPicture(canvas, { say, tell }) {
  try {
    const png = new Promise((done) => canvas.toBlob(done, "image/png"));
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
    say(() => t("copiedPicture"), true);
  } catch {
    tell("noClipboard");
  }
}
