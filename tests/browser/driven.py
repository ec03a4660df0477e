"""A page with the studio in it, for tests: what it is given, what it asks of the server, what it shows."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

STYLE, OTHER, THIRD = "van-gogh-starry-night", "hokusai-great-wave", "munch-the-scream"
# The browser shows the bodies of requests to nobody when they are blobs.
NOTE_MASKS = r"""
  window.masks = {};
  const before = window.fetch;
  window.fetch = (url, options) => {
    const read = async (blob) => btoa(String.fromCharCode(...new Uint8Array(await blob.arrayBuffer())));
    const [, slot] = (options?.method === "PUT" && url.match(/\/masks\/(\d+)/)) || [];
    if (slot) (masks[slot] ??= []).push(read(options.body));
    return before(url, options);
  };
"""
# A line on which what has `part` in its address takes `ms` to be sent.
SLOW = """([part, ms]) => {
  const before = window.fetch;
  window.fetch = async (url, options) => {
    if (String(url).includes(part)) await new Promise((done) => setTimeout(done, ms));
    return before(url, options);
  };
}"""
PATIENCE = 30_000  # ms: a machine with much to do is slow, not wrong


def drawn(width: int = 480, height: int = 320, seed: int = 0) -> Image.Image:
    """A photo with soft and hard places."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(width, height)
    waves = np.stack([np.sin(rng.uniform(4, 20) * x + rng.uniform(4, 20) * y + turn) for turn in range(3)], -1)
    pixels = 128 + 80 * waves + rng.normal(0, 8, (height, width, 3))
    pixels[height // 3 : height // 2, width // 4 : width // 2] = rng.uniform(0, 255, 3)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


class Studio:
    """A page with the studio in it, and what it asked of the server."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.address, self.asked, self.faults = address, [], []  # type: ignore[var-annotated]
        options = {"viewport": {"width": 1280, "height": 860}, "locale": "en-GB"} | options
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self.page.add_init_script(NOTE_MASKS)
        self.page.on("request", self._request)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("console", self._said)
        self.forgiven: list[str] = []

    def _said(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.faults.append(f"{said.text} ({said.location['url']})")

    def _request(self, request: Request) -> None:
        self.asked.append(request)
        parts = urlsplit(request.url)
        if parts.scheme not in ("blob", "data") and parts.netloc != urlsplit(self.address).netloc:
            self.faults.append(f"a request elsewhere: {request.url}")

    def open(self, hash: str = "") -> Studio:
        """Go to the page; it is there once it shows styles."""
        self.page.goto(self.address)
        if hash:
            self.page.goto("about:blank")
            self.page.goto(self.address.partition("?")[0] + hash)
        expect(self.page.locator("#grid .tile").first).to_be_visible()
        return self

    def add(self, *photos: Path) -> Studio:
        """Give it photos through its file input, and wait for the painting."""
        self.page.locator("input[type=file]").set_input_files(photos)
        return self.painted()

    def painted(self) -> Studio:
        """Wait until the painting shows the current recipe, at the size of the view."""
        painting = self.page.get_by_test_id("painting")
        expect(painting).to_have_attribute("data-state", "painted")
        expect(painting).to_have_attribute("data-sharp", "true")
        expect(painting).to_have_attribute("data-state", "painted")
        return self

    def style(self, name: str) -> Locator:
        """The tile of a style."""
        return self.page.locator(f'#grid [data-name="{name}"]')

    def tool(self, name: str) -> Locator:
        """A button by its accessible name."""
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def recipes(self) -> list[dict[str, Any]]:
        """The recipes of the previews that were asked for, the newest last."""
        previews = [each for each in self.asked if each.url.endswith("/previews")]
        return [json.loads(each.post_data or "")["recipe"] for each in previews]

    @property
    def recipe(self) -> dict[str, Any]:
        return self.recipes[-1]

    def mask(self, slot: int = 0) -> np.ndarray:
        """The newest mask that was sent for a slot of the recipe, (h, w) uint8."""
        return self.masks(slot)[-1]

    def masks(self, slot: int = 0) -> list[np.ndarray]:
        """All masks that were sent for a slot, the newest last: of one stroke several, where the machine is slow."""
        sent = self.page.evaluate("slot => Promise.all(window.masks[slot] ?? [])", slot)
        pictures = [Image.open(io.BytesIO(base64.b64decode(each))) for each in sent]
        assert all(each.mode == "L" for each in pictures)
        return [np.asarray(each) for each in pictures]

    def pixels(self) -> np.ndarray:
        """What the painting's canvas holds, (h, w, 4)."""
        url = self.page.get_by_test_id("painting").evaluate("canvas => canvas.toDataURL('image/png')")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGBA"))

    def forgive(self, pattern: str) -> None:
        """What this test brings about on purpose, on the console."""
        self.forgiven.append(pattern)

    def close(self) -> None:
        """Fail where the console had an error or a request went elsewhere."""
        self.context.close()
        faults = [each for each in self.faults if not any(re.search(pattern, each) for pattern in self.forgiven)]
        assert not faults, faults
