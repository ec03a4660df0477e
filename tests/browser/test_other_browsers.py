"""The site in Firefox and in WebKit: a photo is painted and downloaded, with the server and with the cable out."""

from __future__ import annotations

import base64
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driven import STYLE
from marionette import Firefox, firefox, until
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from sited import Served, served

import impasto

pytestmark = pytest.mark.browser
NEAR = 2  # of 255
WEBKIT = "WebKitWebDriver"
# WebKit's driver saves no files: what the page would save is kept where a test can read it.
KEEP = """
  window.saved = [];
  const made = URL.createObjectURL;
  URL.createObjectURL = (blob) => { saved.push(blob); return made(blob); };
"""
# What the caches hold.
KEPT = """
  return caches.keys().then(async (names) => {
    const urls = names.map(async (name) => (await (await caches.open(name)).keys()).map(({url}) => url));
    return (await Promise.all(urls)).flat();
  });
"""
DIGEST = "????????????"
# Files without which nothing is painted.
NEEDED = (
    f"ort.{DIGEST}.wasm.bundle.min.js",
    f"ort-wasm-simd-threaded.{DIGEST}.wasm",
    f"fast.{DIGEST}.onnx",
    f"fast.{DIGEST}.json",
    f"fast-{STYLE}.{DIGEST}.bin",
    f"fast-photo.{DIGEST}.bin",
)
PAINTED = "#painting[data-state=painted][data-sharp=true]"
READ = """
  const done = arguments[0], read = new FileReader(), blob = saved.filter((each) => each.type === "image/png").at(-1);
  read.onload = () => done(read.result.split(",")[1]);
  if (blob) read.readAsDataURL(blob);
  else done(null);
"""


@pytest.fixture(scope="module")
def expected(photo: Path) -> np.ndarray:
    painted = impasto.Painter("fast", precision="f32").paint(photo, STYLE)
    return np.asarray(painted.convert("RGB")).astype(int)


@pytest.fixture
def away(site_folder: Path) -> Iterator[Served]:
    """A server that will be stopped."""
    with served(site_folder) as address:
        yield address


def near(path: Path, expected: np.ndarray) -> bool:
    return bool(np.abs(np.asarray(Image.open(path).convert("RGB")).astype(int) - expected).max() <= NEAR)


def _whole(folder: Path) -> Path | None:
    """The picture in a folder of downloads, once it is there."""
    found = next(folder.glob("*.png"), None)
    return found if found and found.stat().st_size and not list(folder.glob("*.part")) else None


def keeps(page: Firefox, away: Served) -> None:
    """Wait until all that painting needs is kept for offline use: it is written behind the answers."""
    needed = {f"{away.address}files/{file.name}" for each in NEEDED for file in away.folder.glob(f"files/{each}")}
    assert len(needed) == len(NEEDED)
    until(lambda: needed <= set(page.script(KEPT)), lambda: page.script(KEPT))


def test_firefox(away: Served, photo: Path, tmp_path: Path, expected: np.ndarray) -> None:
    """Firefox paints on several threads what the library paints, and again with the cable out."""
    saved, profile = tmp_path / "saved", tmp_path / "profile"
    saved.mkdir()
    profile.mkdir()
    with firefox(profile, saved) as page:
        page.command("WebDriver:Navigate", {"url": away.address})
        page.wait("#grid .tile")
        assert page.script("return crossOriginIsolated")
        page.script("document.getElementById('file').hidden = false")
        page.drop("#file", photo)
        for name in ("first.png", "second.png"):
            page.wait(PAINTED)
            page.script("document.querySelector('#format input[value=png]').click()")
            page.wait("#download:not(:disabled)")
            page.script("document.getElementById('download').click()")
            until(lambda: _whole(saved)).rename(tmp_path / name)
            assert near(tmp_path / name, expected)
            if name == "first.png":
                keeps(page, away)
                away.stop()
                page.command("WebDriver:Navigate", {"url": away.address})  # a refresh passes the service worker by
                page.wait("#grid .tile")


@pytest.fixture
def webkit() -> Iterator[Any]:
    """WebKitGTK's browser, on a screen of its own."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as screen:
        assert screen.stdout is not None
        place = {"DISPLAY": f":{screen.stdout.readline().strip()}", "PATH": "/usr/bin:/bin"}
        options = webdriver.WebKitGTKOptions()
        options.binary_location = str(next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser")))
        options.add_argument("--automation")
        service = webdriver.WebKitGTKService(shutil.which(WEBKIT) or WEBKIT, env=place)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # selenium's of itself
            driver = webdriver.WebKitGTK(options=options, service=service)
        driver.set_script_timeout(120)
        yield driver
        driver.quit()
        screen.terminate()


def test_webkit(webkit: Any, away: Served, photo: Path, tmp_path: Path, expected: np.ndarray) -> None:
    """WebKit paints on one thread what the library paints, and again with the cable out."""
    wait = WebDriverWait(webkit, 300)
    webkit.get(away.address)
    wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, "#grid .tile"))
    webkit.execute_script("document.getElementById('file').hidden = false")
    webkit.find_element(By.ID, "file").send_keys(str(photo))
    for name in ("first.png", "second.png"):
        wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, PAINTED))
        webkit.execute_script(KEEP)
        webkit.execute_script("document.querySelector('#format input[value=png]').click()")
        formats = webkit.execute_script(
            "return [...document.querySelectorAll('#format input')].map((each) => each.value)"
        )
        assert formats == ["jpeg", "png"]  # its canvas writes no WebP
        wait.until(lambda page: page.find_element(By.ID, "download").is_enabled())
        webkit.execute_script("document.getElementById('download').click()")
        wait.until(lambda page: page.execute_script("return saved.some((each) => each.type === 'image/png')"))
        (tmp_path / name).write_bytes(base64.b64decode(webkit.execute_async_script(READ)))
        assert near(tmp_path / name, expected)
        if name == "first.png":
            away.stop()
            webkit.refresh()
            wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, "#grid .tile"))
