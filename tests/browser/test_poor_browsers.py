"""The site in browsers that lack something: one sentence in the page's language, and it goes on where it can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from driven import OTHER, drawn
from PIL import Image
from playwright.sync_api import Browser, Route, expect
from sited import Served, Site, bare_page

pytestmark = pytest.mark.browser
# As private windows of some browsers have it, and those where nothing may be kept.
NO_STORAGE = """
  const denied = () => { throw new DOMException("denied", "SecurityError"); };
  for (const name of ["localStorage", "sessionStorage", "caches"]) Object.defineProperty(window, name, {get: denied});
  Object.defineProperty(navigator, "serviceWorker", {get: denied});
  IDBFactory.prototype.open = denied;
"""
SLOW = 60_000  # ms
NO_MEMORY = b'WebAssembly.Memory = function () { throw new RangeError("could not allocate memory"); };\n'

# What stands still before its first line: the worker itself, whoever begins a thread in it, or that thread.
STILL = {
    "worker": "for (;;);",
    "beginning": "globalThis.Worker = class { constructor() { for (;;); } };",
    "thread": """const Real = Worker, still = URL.createObjectURL(new Blob(["for (;;);"], {type: "text/javascript"}));
      globalThis.Worker = class extends Real { constructor() { super(still); } };""",
}
# A trial painting: how many planes it has, the threads at its end, and how many workers were begun.
BEGUN_ANEW = """async ([page, still, often]) => {
  const {Bench} = await import(page + "wasm/bench.js"), Real = Worker, made = [];
  const module = (text) => URL.createObjectURL(new Blob([text], {type: "text/javascript"}));
  window.Worker = class {
    constructor(url, options) {
      const code = made.length < often ? `import "${module(still)}"; import "${url}";` : `import "${url}";`;
      made.push(url);
      return new Real(module(code), options);
    }
  };
  const settings = {base: location.origin + "/", threads: 2, provider: "wasm", largest: 1e6, patience: 15_000};
  const bench = new Bench(settings);
  const never = new Promise((_, fail) => setTimeout(() => fail(new Error("it stands still")), 100_000));
  const painting = bench.run("trial", {network: "fast", side: 64, style: "van-gogh-starry-night"});
  const {planes} = await Promise.race([painting, never]);
  bench.end();
  window.Worker = Real;
  return {isolated: crossOriginIsolated, planes: planes.length, threads: settings.threads, workers: made.length};
}"""


@pytest.fixture(scope="module")
def open_site(browser: Browser, site: Served) -> Iterator[Site]:
    yield from bare_page(browser, site)


@pytest.mark.parametrize(("what", "often", "threads"), [("worker", 2, 2), ("beginning", 2, 1), ("thread", 2, 1)])
def test_what_stands_still_is_begun_anew(open_site: Site, what: str, often: int, threads: int) -> None:
    """What never runs costs some seconds: it is begun anew, and after two times with threads on one."""
    found = open_site.page.evaluate(BEGUN_ANEW, [open_site.folder, STILL[what], often])
    assert found["isolated"]
    assert found["planes"] == 3
    assert found["workers"] > often
    assert found["threads"] == threads


@pytest.mark.parametrize(("locale", "said"), [("en-GB", "too old to paint"), ("de-DE", "zu alt zum Malen")])
@pytest.mark.parametrize("lack", ["WebAssembly.validate = () => false", "delete window.WebAssembly"])
def test_without_simd(make_site: Any, site: Served, lack: str, locale: str, said: str) -> None:
    """A browser without SIMD, or without WebAssembly: one sentence says what to do."""
    page = make_site(site.address, locale=locale)
    page.page.add_init_script(lack)
    page.page.goto(site.address)
    expect(page.page.locator("#note-text")).to_contain_text(said, timeout=SLOW)


def test_with_little_memory(make_site: Any, site: Served, tmp_path: Path) -> None:
    """With 1 GB a photo beyond 2 megapixels is refused at its size, and is painted smaller."""
    page = make_site(site.address)
    page.page.add_init_script("Object.defineProperty(navigator, 'deviceMemory', {get: () => 1})")
    path = tmp_path / "large.jpg"
    drawn(1800, 1200).save(path)
    page.open().page.locator("#file").set_input_files(path)
    expect(page.page.locator("#photo-name")).to_contain_text("large.jpg", timeout=SLOW)
    page.tool("Download").click()
    expect(page.page.locator("#note-text")).to_have_text(
        "This browser paints up to 2 megapixels in “Fast”. Choose a smaller size under File.", timeout=SLOW
    )
    page.page.locator("#options").click()
    page.page.get_by_label("Painted at").select_option(label="1,080 px")
    page.page.keyboard.press("Escape")
    with page.page.expect_download(timeout=2 * SLOW) as coming:
        page.tool("Download").click()
    with Image.open(coming.value.path()) as picture:
        assert picture.size == (1080, 720)


def test_memory_that_is_refused(make_site: Any, site: Served, photo: Path) -> None:
    """Memory that the browser does not give is one sentence; once it is there, the page goes on."""
    page = make_site(site.address, service_workers="block")
    page.forgive("Service Worker registration blocked")

    first = [NO_MEMORY]

    def starved(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=b"".join([*first, answer.body()]))

    page.page.route("**/wasm/worker.js", starved)
    page.open().page.locator("#file").set_input_files(photo)
    expect(page.page.locator("#note-text")).to_contain_text("not enough memory")
    first.clear()
    page.style(OTHER).click()
    page.painted()


def test_without_storage(make_site: Any, site: Served, photo: Path, tmp_path: Path) -> None:
    """Where nothing may be kept it paints, on one thread, and says once that a reload will lose the photo."""
    page: Site = make_site(site.address)
    page.page.add_init_script(NO_STORAGE)
    page.open().page.locator("#file").set_input_files(photo)
    expect(page.page.locator("#note-text")).to_contain_text("A reload will lose it", timeout=SLOW)
    page.painted()
    with page.page.expect_download(timeout=60_000):
        page.tool("Download").click()
    page.page.locator("#theme").click()
    page.page.locator("#language").select_option("de")
    expect(page.page.locator("#download")).to_have_text("Download")
    page.page.locator("#help").click()
    page.page.locator("#forget").click()
    expect(page.page.locator("#note-text")).to_have_text("Foto und Rezept sind vergessen.")


def test_with_no_room(make_site: Any, site: Served, photo: Path) -> None:
    """A disk that is full costs offline use and the photo after a reload, nothing else."""
    page = make_site(site.address)
    given = {"origin": site.address.rstrip("/"), "quotaSize": 1000}
    page.context.new_cdp_session(page.page).send("Storage.overrideQuotaForOrigin", given)
    page.open().add(photo)
    assert page.page.evaluate("crossOriginIsolated")
    with page.page.expect_download(timeout=60_000):
        page.tool("Download").click()


@pytest.mark.parametrize("kind", ["heic", "tiff"])
@pytest.mark.parametrize(
    ("locale", "said"), [("en-GB", "Save it as JPEG or PNG."), ("de-DE", "Speichere sie als JPEG oder PNG.")]
)
def test_photos_that_it_cannot_decode(
    make_site: Any, site: Served, photo: Path, tmp_path: Path, kind: str, locale: str, said: str
) -> None:
    """HEIC and TIFF: one sentence says what to do with them, and the next photo is painted."""
    page, path = make_site(site.address, locale=locale).open(), tmp_path / f"photo.{kind}"
    if kind == "tiff":
        drawn().save(path)
    else:
        path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    page.page.locator("#file").set_input_files(path)
    expect(page.page.locator("#note-text")).to_contain_text(said, timeout=SLOW)
    page.add(photo)
