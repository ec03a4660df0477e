"""WebGPU paints only where a trial finds it right and quicker; here on Chromium's software adapter, which is slow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import CHROMIUM, QUIET
from playwright.sync_api import Browser, BrowserType
from sited import Served, Site

pytestmark = pytest.mark.browser
SOFTWARE = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"]
TRIAL = """async ([page, network]) => {
  const {trial} = await import(page + "wasm/gpu.js");
  const {planes, ...found} = await trial({base: location.origin + "/", threads: 1, largest: 1e8}, network);
  return {...found, difference: String(found.difference), webgpu: String(found.webgpu)};
}"""


@pytest.fixture(scope="module")
def page(browser: Browser, site: Served) -> Iterator[Site]:
    """A page of the site in a browser with WebGPU."""
    kind: BrowserType = browser.browser_type
    with kind.launch(executable_path=CHROMIUM, args=[*QUIET, *SOFTWARE]) as gpu:
        opened = Site(gpu, site.address)
        opened.forgive("")  # the runtime and the adapter have much to say
        opened.site = site.folder
        yield opened.bare()
        opened.close()


def test_a_slow_adapter_is_right_and_not_taken(page: Site) -> None:
    """The network runs on WebGPU, paints what WASM paints, and is left alone since it takes longer."""
    found = page.page.evaluate(TRIAL, [page.folder, "fast"])
    assert "error" not in found, found
    assert float(found["difference"]) < 1e-3
    assert found["provider"] == "wasm"


NUMBERS: list[tuple[dict[str, Any], str]] = [
    ({"difference": 1e-5, "wasm": 0.4, "webgpu": 0.1}, "webgpu"),
    ({"difference": 1e-5, "wasm": 0.4, "webgpu": 0.39}, "wasm"),
    ({"difference": 0.05, "wasm": 0.4, "webgpu": 0.1}, "wasm"),
]


@pytest.mark.parametrize("found, provider", NUMBERS)
def test_what_is_wrong_or_slow_is_not_taken(page: Site, found: dict[str, Any], provider: str) -> None:
    """WebGPU is taken where it differs by less than 0.01 and takes less than 0.8 of the time."""
    code = "async ([page, found]) => (await import(page + 'wasm/gpu.js')).quicker(found)"
    assert page.page.evaluate(code, [page.folder, found]) == provider


def test_nan_is_wrong(page: Site) -> None:
    """A painting that holds what is no number is as far away as can be."""
    code = "async (page) => String((await import(page + 'wasm/gpu.js')).apart([[0.5, NaN, 0.5]], [[0.5, 0.5, 0.5]]))"
    assert page.page.evaluate(code, page.folder) == "Infinity"
