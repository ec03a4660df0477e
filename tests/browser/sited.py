"""The site without a server, for tests: built once, served by Python's own server, opened in a browser."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from driven import Studio
from PIL import Image
from playwright.sync_api import Browser

from impasto import __version__

ROOT = Path(__file__).parents[2]
FIRST = "van-gogh-starry-night"
# Asks the page's own worker for a painting: the look as the server takes it, masks beside their styles.
PAINT = """async ({page, data, look, file}) => {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const {Bench} = await import(page + "wasm/bench.js");
  const {machine, threadsFor, largestPhoto} = await import(page + "wasm/limits.js");
  const settings = {base: location.origin + "/", threads: threadsFor(machine()), largest: largestPhoto(machine())};
  window.bench ??= new Bench({...settings, provider: "wasm"});
  for (const {soft} of look.regions) soft.data = bytes(soft.data);
  if (look.protect) look.protect.data = bytes(look.protect.data);
  const photo = {key: String(Math.random()), blob: new Blob([bytes(data)])};
  const {blob} = await bench.run("paint", {photo, look, file, key: photo.key});
  const read = new FileReader(), done = new Promise((end) => (read.onload = end));
  read.readAsDataURL(blob);
  await done;
  return read.result.split(",")[1];
}"""
LOOK = {"network": "fast", "strength": 1, "brush": "medium", "stroke_size": None, "keep_color": False}
LOOK |= {"size": None, "enlarge": False, "regions": []}


def build(out: Path) -> Path:
    """The site in a folder."""
    subprocess.run([sys.executable, ROOT / "web" / "build.py", "--out", out], check=True, stdout=subprocess.DEVNULL)
    return out


def renew(site: Path, version: str = "9.9.9") -> None:
    """Put another version into a site's place: every file of its page has another address, and one says the version."""
    old, new = folder_in(site)[5:], hashlib.sha256(version.encode()).hexdigest()[:12]
    (site / f"page-{old}").rename(site / f"page-{new}")
    built, home, worker = site / f"page-{new}" / "wasm" / "built.js", site / "index.html", site / "sw.js"
    text = worker.read_text().replace(old, new)
    for path, before, after in ((built, f'"version": "{__version__}"', f'"version": "{version}"'), (home, old, new)):
        former, changed = path.read_bytes(), path.read_text().replace(before, after).encode()
        assert former != changed
        path.write_bytes(changed)
        text = text.replace(digest(former), digest(changed))
    worker.write_text(text)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


class Served:
    """A folder behind ``python -m http.server``, which can be stopped and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.address = folder, f"http://127.0.0.1:{self.port}/"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Served:
        """Serve, and wait until it answers."""
        command = [sys.executable, "-m", "http.server", str(self.port), "--bind", "127.0.0.1", "-d", str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(self.address + "sw.js").close()
                return self
            time.sleep(0.05)
        raise TimeoutError(self.address)

    def stop(self) -> None:
        """The cable is out."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Served]:
    site = Served(folder).start()
    try:
        yield site
    finally:
        site.stop()


class Site(Studio):
    """A page of the site."""

    site: Path  # where it lies on the disk

    def bare(self) -> Site:
        """Without a photo."""
        self.open()
        return self

    @property
    def folder(self) -> str:
        """Where the page's modules are: their folder's name is a hash."""
        return f"{self.address}{folder_in(self.site)}/"

    def paint(self, photo: bytes, styles: Any, regions: Any = (), **look: Any) -> np.ndarray:
        """The painting of a photo's file, (h, w, 3 or 4), by the page's worker."""
        data = self.file(photo, styles, regions, {"format": "png"}, **look)
        return np.asarray(Image.open(io.BytesIO(data))).astype(int)

    def file(self, photo: bytes, styles: Any, regions: Any = (), wrote: Any = None, **look: Any) -> bytes:
        """The file of a painting, of a format and with what else is ``wrote``."""
        found = [{"styles": mix, "soft": soft(mask)} for mask, mix in regions]
        wanted = LOOK | {"styles": styles if isinstance(styles, dict) else {styles: 1}, "regions": found} | look
        args = {"page": self.folder, "data": coded(photo), "look": wanted, "file": wrote}
        return base64.b64decode(self.page.evaluate(PAINT, args))


def soft(mask: np.ndarray) -> dict[str, Any]:
    return {"width": mask.shape[1], "height": mask.shape[0], "data": coded(mask.tobytes())}


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def folder_in(site: Path) -> str:
    """The folder of the page's modules in a site."""
    (found,) = site.glob("page-*")
    return found.name


# Arrays go there and come back as text: a browser's driver takes seconds for a million numbers.
HELPERS = """
  const u8 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const f4 = (text) => new Float32Array(u8(text).buffer);
  const coded = (array) => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength), parts = [];
    for (let at = 0; at < bytes.length; at += 8192) parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
    return {kind: array.constructor.name, data: btoa(parts.join(""))};
  };
  const list = (planes) => planes.map(coded);
"""


def modules(page: Site, code: str, **data: Any) -> Any:
    """What ``code`` gives with the modules R, P, B, K, T, F, E, G and the ``data`` D, its arrays as text (u8, f4)."""
    names = {
        "R": "resample",
        "P": "passes",
        "B": "blend",
        "K": "recolor",
        "T": "transparency",
        "F": "bank",
        "E": "exif",
        "G": "grain",
    }
    loads = "".join(f"const {short} = await import(page + 'wasm/{name}.js');" for short, name in names.items())
    sent = [page.folder, sendable(data)]
    return received(page.page.evaluate(f"async ([page, D]) => {{{loads}{HELPERS}{code}}}", sent))


def sendable(value: Any) -> Any:
    """Arrays as text, in lists and dicts too."""
    if isinstance(value, np.ndarray):
        return coded(np.ascontiguousarray(value).tobytes())
    if isinstance(value, dict):
        return {key: sendable(each) for key, each in value.items()}
    return [sendable(each) for each in value] if isinstance(value, list) else value


def received(value: Any) -> Any:
    """What came back, its arrays as arrays."""
    if isinstance(value, dict) and value.keys() == {"kind", "data"}:
        return np.frombuffer(base64.b64decode(value["data"]), np.uint8 if value["kind"] == "Uint8Array" else np.float32)
    return [received(each) for each in value] if isinstance(value, list) else value


def bare_page(browser: Browser, site: Served) -> Iterator[Site]:
    """A page of the site without the site on it, whose modules are asked, for a fixture to yield from."""
    opened = Site(browser, site.address)
    opened.site = site.folder
    yield opened.bare()
    opened.close()
