"""The site as an app: photos that are shared with it or opened with it, a new version, a cache that is damaged."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from driven import STYLE, drawn
from playwright.sync_api import expect
from sited import ROOT, Served, Site, folder_in, renew, served

from tests.conftest import until

pytestmark = pytest.mark.browser
FORM = """
  <form method="post" enctype="multipart/form-data" action="{}share"><input type="file" name="photos" multiple></form>
"""
LAUNCHES = """
  const queue = {setConsumer: (take) => (window.launch = take)};
  if (window.launchQueue) LaunchQueue.prototype.setConsumer = queue.setConsumer;
  else window.launchQueue = queue;
"""
LAUNCH = """async ([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  await launch({files: [{getFile: async () => new File([bytes], name)}]});
}"""
VERSION = """
  import(document.querySelector("script").src.replace("page.js", "wasm/built.js")).then((found) => found.BUILT.version)
"""
# The page's database; keys begin with the time at which a photo came.
STORE = """
  const asked = indexedDB.open("impasto", 1), done = (what, event) => new Promise((end) => (what[event] = end));
  await done(asked, "onsuccess");
  const photos = asked.result.transaction("photos", "readwrite").objectStore("photos");
"""
LEFT_BEHIND = f"""async () => {{{STORE}
  photos.put(new Blob(["x"]), `${{(Date.now() - 25 * 3.6e6).toString(36)}}-old`);
  photos.put(new Blob(["x"]), `${{Date.now().toString(36)}}-young`);
  await done(photos.transaction, "oncomplete");
}}"""
KEPT = f"""async () => {{{STORE}
  const found = photos.getAllKeys();
  await done(found, "onsuccess");
  return found.result.map((key) => key.split("-")[1]);
}}"""
LOOK = "navigator.serviceWorker.getRegistration().then((found) => found.update()).catch(() => {})"
# Every file of the page, the styles and the network: cut short, changed at its old length, or gone.
DAMAGE = """async () => {
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const [at, request] of (await cache.keys()).entries()) {
      const bytes = new Uint8Array(await (await cache.match(request)).arrayBuffer());
      if (at % 3 === 0) await cache.put(request, new Response(bytes.slice(0, bytes.length / 2)));
      else if (at % 3 === 1) await cache.put(request, new Response(bytes.map((byte) => byte ^ 1)));
      else await cache.delete(request);
    }
  }
}"""

# A digest of every kept file, by its address.
KEPT_FILES = """async () => {
  const found = {};
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const bytes = await (await cache.match(request)).arrayBuffer();
      found[request.url] = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).join();
    }
  }
  return found;
}"""


@pytest.fixture
def own(site_folder: Path, tmp_path: Path) -> Iterator[Served]:
    """A site of one's own, to be changed and stopped."""
    with served(Path(shutil.copytree(site_folder, tmp_path / "own"))) as address:
        yield address


def share(page: Site, *photos: Path) -> Any:
    """What a phone does with photos that are shared with the app: a form is sent, in a window of its own."""
    window = page.context.new_page()
    window.set_content(FORM.format(page.address))
    window.locator("input").set_input_files(photos)
    window.evaluate("document.forms[0].submit()")
    return window


def test_it_can_be_installed(make_site: Any, site: Served) -> None:
    """Chromium finds no fault with the manifest, and what it says of files is what the page reads."""
    page = make_site(site.address).open()
    found = page.context.new_cdp_session(page.page).send("Page.getAppManifest")
    assert found["errors"] == []
    manifest = json.loads((ROOT / "web" / "manifest.webmanifest").read_text())
    taken = page.page.locator("#file").get_attribute("accept").split(",")
    (handler,) = manifest["file_handlers"]
    assert {kind for kind in handler["accept"] if kind.startswith("image/")} <= set(taken)


def test_photos_are_shared_with_it(make_site: Any, own: Served, photo: Path, tmp_path: Path) -> None:
    """Photos that another app shares are painted, with the cable out too, and lie nowhere afterwards."""
    page = make_site(own.address).open().add(photo)
    own.stop()
    page.forgive("ERR_")
    page.page.close()
    second = tmp_path / "second.png"
    drawn(300, 200, seed=3).save(second)
    window = share(page, second, photo)
    expect(window.locator("#painting")).to_have_attribute("data-sharp", "true", timeout=60_000)
    expect(window.locator("#photo-name")).to_contain_text("second.png, 300 × 200")
    expect(window.locator("#strip .thumb")).to_have_count(3)  # with that of the former visit
    assert window.evaluate("location.hash") == ""
    assert window.evaluate("caches.has('impasto-shared')") is False


def test_what_is_shared_and_lost_is_said(make_site: Any, site: Served, tmp_path: Path) -> None:
    """Something shared that holds no photo is one sentence."""
    page = make_site(site.address).open()
    expect(share(page).locator("#note-text")).to_contain_text("no picture")


@pytest.mark.parametrize("name", ["opened.png", "opened.safetensors"])
def test_files_are_opened_with_it(make_site: Any, site: Served, photo: Path, name: str) -> None:
    """A photo that is opened with the app is painted; a style's file is taken for one."""
    page = make_site(site.address)
    page.page.add_init_script(LAUNCHES)
    page.open()
    page.page.wait_for_function("Boolean(window.launch)")
    page.page.evaluate(LAUNCH, [name, base64.b64encode(photo.read_bytes()).decode()])
    if name.endswith(".png"):
        expect(page.painted().page.locator("#photo-name")).to_contain_text(name)
    else:
        expect(page.page.locator("#note-text")).to_contain_text("damaged or not a style")


def about(page: Any) -> str:
    """The version of the page that is shown."""
    return str(page.evaluate(VERSION))


def test_a_new_version_is_offered(make_site: Any, own: Served, photo: Path) -> None:
    """A new version waits for a press of the button; photo and style are still there, and it works offline."""
    page = make_site(own.address).open().add(photo)
    renew(own.folder)
    page.page.evaluate(LOOK)
    expect(page.page.locator("#renewal")).to_contain_text("A new version is ready.")
    assert about(page.page) != "9.9.9"
    page.painted()
    with page.page.expect_navigation():
        page.page.locator("#renew").click()
    expect(page.painted().page.locator("#photo-name")).to_contain_text("holiday.png")
    expect(page.style(STYLE)).to_have_attribute("data-on", "")
    assert about(page.page) == "9.9.9"
    expect(page.page.locator("#renewal")).to_be_hidden()
    own.stop()
    page.forgive("ERR_")
    page.page.reload()
    page.painted()


def test_a_new_version_waits_for_other_windows(make_site: Any, own: Served) -> None:
    """While the former version is open twice it stays; one sentence says so."""
    page = make_site(own.address).open()
    other = page.context.new_page()
    other.goto(own.address)
    expect(other.locator("#grid .tile").first).to_be_visible()
    renew(own.folder)
    page.page.evaluate(LOOK)
    page.page.locator("#renew").click()
    expect(page.page.locator("#note-text")).to_contain_text("one window only")
    assert about(other) != "9.9.9"
    other.close()
    with page.page.expect_navigation():
        page.page.locator("#renew").click()
    expect(page.page.locator("#grid .tile").first).to_be_visible()
    assert about(page.page) == "9.9.9"


def test_a_new_version_that_is_not_whole_is_left_alone(make_site: Any, own: Served, photo: Path) -> None:
    """Where a file of the new version is missing, the former one goes on, offline too."""
    page = make_site(own.address).open().add(photo)
    page.forgive("404")
    renew(own.folder)
    (own.folder / folder_in(own.folder) / "wasm" / "blend.js").unlink()
    page.page.evaluate(LOOK)
    page.page.wait_for_function("navigator.serviceWorker.getRegistration().then((found) => !found.installing)")
    expect(page.page.locator("#renewal")).to_be_hidden()
    own.stop()
    page.forgive("ERR_")
    page.page.reload()
    page.painted()
    assert about(page.page) != "9.9.9"


def test_photos_of_closed_windows_go_after_a_day(make_site: Any, site: Served, photo: Path) -> None:
    """A photo that another window left behind is kept for a day, as the page promises; one of today stays."""
    page = make_site(site.address).open().add(photo)
    page.page.evaluate(LEFT_BEHIND)
    page.page.reload()
    page.painted()
    left = page.page.evaluate(KEPT)
    assert len(left) == 2 and "young" in left and "old" not in left


def test_a_damaged_cache_heals(make_site: Any, own: Served, photo: Path) -> None:
    """With every kept file damaged or gone after an update the page paints, and is whole again for offline use."""
    page = make_site(own.address).open().add(photo)
    renew(own.folder)
    page.page.evaluate(LOOK)
    expect(page.page.locator("#renewal")).to_be_visible(timeout=60_000)
    with page.page.expect_navigation():
        page.page.locator("#renew").click()
    whole = page.painted().page.evaluate(KEPT_FILES)
    page.page.evaluate(DAMAGE)
    page.page.reload()
    page.painted()
    until(lambda: page.page.evaluate(KEPT_FILES).items() >= whole.items())
    own.stop()
    page.forgive("ERR_")
    page.page.reload()
    page.painted()
