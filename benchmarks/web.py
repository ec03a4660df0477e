"""The site without a server in Chromium: what a first visit fetches, how soon it is usable, how quickly it paints.

    python -m benchmarks.web [--rounds 3] [--browser /usr/bin/chromium]

*First visit*: bytes of every file that is fetched until a photo of 512 px is painted, each packed by gzip. *Usable*:
seconds from the address to styles on the page, the page being loaded once more for isolation. *First painting*: from
the file input's event to the painting. *512 px*: seconds of one run of ``fast``, the best of ``--rounds``, beside
ONNX Runtime's own in Python on as many threads. Kept in benchmarks/results/web.json.
"""

from __future__ import annotations

import argparse
import gzip
import http.server
import json
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import Browser, sync_playwright

from benchmarks.speed import machine, square_photo
from impasto import assets
from impasto.files import write_atomically
from impasto.painting.network import Network
from impasto.styles.bank import Bank
from web.build import build, runtime_folder

RESULTS = Path(__file__).parent / "results" / "web.json"
SIDE, STYLE = 512, "van-gogh-starry-night"
PATIENCE = 120_000  # ms
RUN = """async ({rounds, side, style}) => {
  const page = document.querySelector("script[type=module]").src.replace(/[^/]*$/, "");
  const {Bench} = await import(page + "wasm/bench.js"), {machine, threadsFor} = await import(page + "wasm/limits.js");
  const threads = threadsFor(machine()), times = [];
  const bench = new Bench({base: document.baseURI, threads, provider: "wasm", largest: 1e8});
  for (let round = 0; round < rounds; round++) {
    times.push((await bench.run("trial", {network: "fast", side, style})).seconds);
  }
  bench.end();
  return {threads, seconds: Math.min(...times)};
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """As ``python -m http.server`` has it, without its lines."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def visit(browser: Browser, address: str, folder: Path, photo: Path) -> dict[str, Any]:
    """A first visit until a photo is painted."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page, asked = context.new_page(), set()
    page.on("request", lambda request: asked.add(request.url))
    begin = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("#grid .tile", timeout=PATIENCE)
    usable = time.perf_counter() - begin
    page.locator("#file").set_input_files(photo)
    begin = time.perf_counter()
    page.wait_for_selector("#painting[data-state=painted][data-sharp=true]", timeout=PATIENCE)
    painted = time.perf_counter() - begin
    paths = {urlsplit(url).path.strip("/") or "index.html" for url in asked if url.startswith(address)}
    size = sum(len(gzip.compress((folder / path).read_bytes(), 9)) for path in paths)
    context.close()
    return {"bytes": size, "usable": usable, "first painting": painted}


def run(browser: Browser, address: str, rounds: int, isolated: bool) -> dict[str, Any]:
    """One run of the network in the browser, on several threads or on one."""
    context = browser.new_context(service_workers="allow" if isolated else "block")
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#grid .tile", timeout=PATIENCE)
    page.wait_for_timeout(5000)  # the tiles in sight are painted meanwhile
    found: dict[str, Any] = page.evaluate(RUN, {"rounds": rounds, "side": SIDE, "style": STYLE})
    context.close()
    return found


def native(rounds: int, threads: int) -> float:
    """Seconds of one run in ONNX Runtime."""
    network = Network(assets.network_file("fast"), runtime="onnxruntime", threads=threads)
    row = Bank.load(assets.bank_file("fast"))[STYLE]
    picture, times = np.random.default_rng(0).random((SIDE, SIDE, 3), np.float32), []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        network.paint(picture, row)
        times.append(time.perf_counter() - begin)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is done")
    parser.add_argument("--browser", type=Path, default=Path("/usr/bin/chromium"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        folder, photo = build(Path(made) / "site", runtime_folder()), square_photo(Path(made))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        browser = playwright.chromium.launch(executable_path=args.browser, args=["--no-sandbox"])
        visits = [visit(browser, address, folder, photo) for _ in range(args.rounds)]
        found: dict[str, Any] = {name: min(each[name] for each in visits) for name in visits[0]}
        for name, isolated in (("threads", True), ("one thread", False)):
            there = run(browser, address, args.rounds, isolated)
            found[name] = there | {"native": native(args.rounds, there["threads"])}
        browser.close()
        server.shutdown()
    found["machine"] = machine()
    write_atomically(RESULTS, (json.dumps(found, indent=1) + "\n").encode())
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
