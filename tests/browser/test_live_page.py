"""The live page: a film, or the browser's camera, painted while one looks."""

from __future__ import annotations

import base64
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from driven import OTHER, PATIENCE, STYLE, drawn
from PIL import Image
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PHONE |= {"device_scale_factor": 2}


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of five minutes, in which a picture moves."""
    path = tmp_path_factory.mktemp("clip") / "garden.mp4"
    photo = np.asarray(drawn(400, 240))
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10, options={"crf": "30", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(3000):
            left = abs(number % 80 - 40)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(photo[:, left : left + 320]), format="rgb24")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


class Live:
    """A show in a process of its own, and a page that looks at it; errors and requests elsewhere are faults."""

    def __init__(self, browser: Browser, *words: object, **options: Any) -> None:
        command = [sys.executable, "-m", "impasto", "live", "--no-browser", "--port", "0", *map(str, words)]
        self.process = subprocess.Popen(command, stdout=-1, stderr=-1, text=True)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.faults: list[str] = []
        options = {"viewport": {"width": 1280, "height": 860}, "locale": "en-GB"} | options
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self.page.on("request", self._request)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("console", lambda said: said.type in ("error", "warning") and self.faults.append(said.text))

    def _request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("blob", "data") and parts.netloc != urlsplit(self.address).netloc:
            self.faults.append(f"a request elsewhere: {request.url}")

    def open(self) -> Live:
        self.page.goto(self.address)
        expect(self.painting).to_have_attribute("data-state", "painted")
        return self

    @property
    def painting(self) -> Any:
        return self.page.get_by_test_id("painting")

    def later(self, frames: int = 2) -> int:
        """Wait for so many frames; the number of the last one."""
        wanted = int(self.painting.get_attribute("data-n")) + frames
        until = time.monotonic() + 2 * PATIENCE / 1000
        while (number := int(self.painting.get_attribute("data-n"))) < wanted:
            assert time.monotonic() < until
            self.page.wait_for_timeout(20)
        return number

    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """The painting, and what it is compared with, at one moment."""
        urls = self.page.evaluate("['#painting', '#original'].map((id) => document.querySelector(id).toDataURL())")
        files = [io.BytesIO(base64.b64decode(url.partition(",")[2])) for url in urls]
        painting, original = (np.asarray(Image.open(file).convert("RGB")).astype(int) for file in files)
        return painting, original

    def changed(self) -> float:
        """By how much the painting is another picture, of 255."""
        painting, original = self.pixels()
        return float(np.abs(painting - original).mean())

    def style(self, name: str) -> Any:
        return self.page.locator(f'#grid [data-name="{name}"]')

    def end(self) -> tuple[int, str]:
        """Ctrl-C: the exit code, and what was said."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60), self.process.stderr.read()  # type: ignore[union-attr]

    def forgive_the_end(self) -> None:
        """What a server that has ended brings onto the console."""
        self.faults = [each for each in self.faults if not re.search("ERR_CONNECTION|status of (410|422|503)", each)]

    def close(self) -> None:
        self.context.close()
        self.process.kill()
        self.process.communicate()
        assert not self.faults, self.faults


@pytest.fixture
def make_live(browser: Browser) -> Iterator[Any]:
    made: list[Live] = []

    def make(*words: object, **options: Any) -> Live:
        made.append(Live(browser, *words, **options))
        return made[-1]

    yield make
    for live in made:
        live.close()


@pytest.fixture
def live(make_live: Any, clip: Path) -> Live:
    return make_live("--camera", clip, "-s", OTHER).open()


def test_frames_change(live: Live) -> None:
    """The painting moves on with the film, in the style that was named; size and rate are shown."""
    before = live.pixels()[0]
    number = live.later(6)
    assert np.abs(live.pixels()[0] - before).mean() > 1 and number > 6
    expect(live.style(OTHER)).to_have_attribute("aria-checked", "true")
    expect(live.page.locator("#pace")).to_contain_text("320 × 240")
    expect(live.page.locator("#source-name")).to_have_text("garden.mp4")


def test_styles_and_strength(live: Live) -> None:
    """A click paints in another style; strength 0 is the film itself; Mix mixes."""
    page = live.page
    live.style(STYLE).click()
    expect(live.style(STYLE)).to_have_attribute("aria-checked", "true")
    live.later(4)
    page.locator("#strength").fill("0")
    page.locator("#tool-compare").click()
    live.later(4)
    assert live.changed() < 3
    page.locator("#strength").fill("100")
    live.later(4)
    assert live.changed() > 12
    page.locator("#mixing").click()
    live.style(OTHER).click()
    expect(page.locator("#weights li")).to_have_count(2)
    page.locator("#pad").click(position={"x": 120, "y": 40})
    live.later(2)
    found = page.evaluate("fetch('api/v1/live').then((answer) => answer.json())")
    assert set(found["styles"]) == {STYLE, OTHER} and found["strength"] == 1


def test_mirror(live: Live) -> None:
    """The mirror turns the picture round."""
    live.page.locator("#tool-compare").click()
    live.page.locator("#mirror").click()
    expect(live.page.locator("#mirror")).to_have_attribute("aria-pressed", "true")
    live.later(3)
    assert live.page.evaluate("fetch('api/v1/live').then((answer) => answer.json())")["mirrored"] is True


def test_styles_are_pictures_of_what_is_seen(live: Live) -> None:
    """The tiles fill with what is seen, in each style."""
    expect(live.page.locator("#grid .tile").nth(5)).to_have_attribute("data-ready", "true")
    live.later(2)


def test_the_camera_of_the_browser(make_live: Any, tmp_path: Path) -> None:
    """The browser's camera is painted, and recorded; Ctrl-C leaves the recording whole, and the page says so."""
    target = tmp_path / "me.mp4"
    live = make_live("-s", OTHER, "--record", target)
    live.context.grant_permissions(["camera"])
    live.open()
    live.later(8)
    expect(live.page.locator("#recorded")).to_be_visible()
    expect(live.page.locator("#tools")).to_be_visible()
    code, said = live.end()
    assert code == 0 and said.startswith(f"{target}: ")
    expect(live.page.locator("#note-text")).to_contain_text("Start it again in the terminal")
    with av.open(str(target)) as container:
        assert sum(1 for _ in container.decode(video=0)) >= 8
    live.forgive_the_end()


def test_a_camera_that_is_not_allowed(make_live: Any) -> None:
    """Where the camera cannot be had the page says why, and tries again when it is asked to."""
    live = make_live("-s", OTHER)
    live.page.add_init_script("""
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      let refused = false;
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        if (refused) return ask(wanted);
        refused = true;
        throw new DOMException("no", "NotAllowedError");
      };
    """)
    live.context.grant_permissions(["camera"])
    live.page.goto(live.address)
    expect(live.page.locator("#waiting")).to_have_text("The camera was not allowed")
    assert violations(live) == []
    live.page.get_by_role("button", name="Try again").click()
    expect(live.painting).to_have_attribute("data-state", "painted")


def test_the_end_of_a_film(make_live: Any, tmp_path: Path) -> None:
    """When the film is over the page says so, and its last picture stays."""
    short = tmp_path / "short.mp4"
    with av.open(str(short), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(60):
            frame = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 2 * number, np.uint8), format="rgb24")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    live = make_live("--camera", short, "-s", OTHER).open()
    expect(live.page.locator("#note-text")).to_have_text("The show is over.")
    assert live.process.wait(60) == 0
    live.forgive_the_end()


def violations(live: Live) -> list[str]:
    found = Axe().run(live.page).response["violations"]
    return [f"{each['id']}: {node['html'][:120]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize(
    "options",
    [{}, {"locale": "de-DE", "color_scheme": "dark"}, PHONE],
    ids=["desktop", "german-dark", "phone"],
)
def test_for_everybody(make_live: Any, clip: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    """axe-core finds no violation and nothing is cut off, on a desktop, in the dark and on a phone; pictures of all."""
    live = make_live("--camera", clip, "-s", OTHER, "--record", tmp_path / "me.mp4", **options, reduced_motion="reduce")
    folder = Path(os.environ.get("IMPASTO_SCREENS", tmp_path))
    name = "phone" if "is_mobile" in options else options.get("color_scheme", "light")
    live.open()
    expect(live.page.locator("#grid .tile").nth(7)).to_have_attribute("data-ready", "true")
    assert violations(live) == []
    live.page.screenshot(path=folder / f"live-{name}.png")
    live.page.locator("#tool-compare").click()
    live.page.locator("#mixing").click()
    live.style(STYLE).click()
    live.later(3)
    assert violations(live) == []
    live.page.screenshot(path=folder / f"live-{name}-mix.png")
    assert live.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    missing = live.page.evaluate("""async () => {
      const {LANGUAGES} = await import("./strings.js"), [en, de] = [LANGUAGES.en.words, LANGUAGES.de.words];
      const kinds = ["t", "tLabel", "tName", "tHint", "tTitle"];
      const wrong = Object.keys({...en, ...de}).filter((key) => !(key in en) || !(key in de));
      for (const {dataset} of document.querySelectorAll("*"))
        for (const kind of kinds) if (dataset[kind] && !(dataset[kind] in en)) wrong.push(dataset[kind]);
      return wrong;
    }""")
    assert missing == []


def test_keys(live: Live) -> None:
    """C compares, Space shows the film while it is held, and arrows go through the styles."""
    page = live.page
    page.locator("body").press("c")
    expect(page.locator("#tool-compare")).to_have_attribute("aria-pressed", "true")
    page.keyboard.down(" ")
    expect(page.locator("#hold")).to_have_attribute("aria-pressed", "true")
    page.keyboard.up(" ")
    expect(page.locator("#hold")).to_have_attribute("aria-pressed", "false")
    first = page.locator("#grid .tile").nth(0)
    first.click()
    first.press("ArrowRight")
    expect(page.locator("#grid .tile").nth(1)).to_have_attribute("aria-checked", "true")
    live.later(2)


def test_the_page_is_light() -> None:
    """Its own files are small, and no style or script stands in the HTML."""
    texts = [each for each in (files("impasto") / "server" / "live" / "page").iterdir() if each.is_file()]
    assert {each.name for each in texts} == {"live.html", "live.css", "live.js", "camera.js", "words.js"}
    assert sum(len(each.read_bytes()) for each in texts) < 40_000
    assert not any(mark in each.read_text("utf-8") for each in texts for mark in ('style="', 'onclick="', "<style"))
