"""How quick the studio's page is, in a real browser: from its start to a painting that follows a slider.

    python -m benchmarks.studio [--network fast] [--rounds 3] [--browser /usr/bin/chromium]

Each round starts ``impasto studio`` in a process of its own and opens its page in Chromium (Playwright). Seconds,
medians over rounds: *start*, from the process to an answer that the page can take photos; *page*, from there to styles
on it; *first painting*, from the file input's event to the painting of a photo of 12 megapixels; *thumbnails in sight*
and *all thumbnails*, from that painting on; *slider*, from the input event of the strength to the painting that shows
it, at 384 px: median and 95th percentile of ``--moves`` moves, so far apart that none waits for another. Kept in
benchmarks/results/studio.json.
"""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.speed import machine, square_photo
from impasto.files import write_atomically

RESULTS = Path(__file__).parent / "results" / "studio.json"
SIZE = (4000, 3000)
# Notes when the file input and the slider were moved, and when the painting shows the current look.
WATCH = """
  window.noted = {};
  document.addEventListener("change", (event) => {
    if (event.target.type === "file") noted.given = performance.now();
  }, true);
  document.addEventListener("DOMContentLoaded", () => {
    const painting = document.querySelector("[data-testid=painting]");
    const seen = () => {
      if (painting.dataset.state !== "painted" || !noted.given) return;
      noted.first ??= performance.now();
      noted.painted = performance.now();
    };
    new MutationObserver(seen).observe(painting, { attributes: true, attributeFilter: ["data-state"] });
    const look = () => {
      const tiles = [...document.querySelectorAll("#grid .tile[data-name]")];
      const box = document.querySelector("#grid").parentElement.getBoundingClientRect();
      const near = tiles.filter((tile) => {
        const place = tile.getBoundingClientRect();
        return place.top < Math.min(box.bottom, innerHeight) && place.bottom > box.top;
      });
      const ready = (some) => some.length && some.every((tile) => tile.dataset.ready);
      if (noted.first && ready(near)) noted.sight ??= performance.now();
      if (noted.first && ready(tiles)) noted.all ??= performance.now();
      if (!noted.all) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
"""
MOVE = """
  (value) => {
    const slider = document.querySelector("#strength");
    noted.moved = performance.now();
    noted.painted = 0;
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  }
"""


def main() -> None:
    args = _arguments()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        photo = Path(folder) / "photo.jpg"
        with Image.open(square_photo(Path(folder))) as opened:
            opened.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS).save(photo, quality=92)
        browser = playwright.chromium.launch(executable_path=args.browser, args=["--no-sandbox"])
        rounds = [_round(args, browser, photo) for _ in range(args.rounds)]
        browser.close()
    found: dict[str, Any] = {
        name: round(statistics.median(each[name] for each in rounds), 3) for name in rounds[0] if name != "slider"
    }
    moves = sorted(second for each in rounds for second in each["slider"])
    found["slider"] = {"median": round(statistics.median(moves), 3), "p95": round(moves[int(0.95 * len(moves))], 3)}
    print(json.dumps(found, indent=1))
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[args.network] = found | {"machine": machine(), "rounds": args.rounds, "moves": len(moves)}
    write_atomically(RESULTS, json.dumps(results, indent=1).encode())


def _round(args: argparse.Namespace, browser: Browser, photo: Path) -> dict[str, Any]:
    begin = time.perf_counter()
    command = [sys.executable, "-m", "impasto", "studio", "--no-browser", "--port", "0", "--network", args.network]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        _answered(address)
        found: dict[str, Any] = {"start": time.perf_counter() - begin}
        page = browser.new_page(viewport={"width": 1440, "height": 900}, bypass_csp=True)  # or it cannot be asked
        try:
            found |= _measured(page, address, photo, args.moves)
        finally:
            page.close()
            process.send_signal(signal.SIGINT)
            process.wait(60)
    return found


def _answered(address: str) -> None:
    """Wait until the server says that it takes photos."""
    parts = urlsplit(address)
    while True:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
        connection.request("GET", "/healthz")
        if connection.getresponse().status == 200:
            return
        time.sleep(0.01)


def _measured(page: Page, address: str, photo: Path, moves: int) -> dict[str, Any]:
    page.add_init_script(WATCH)
    begin = time.perf_counter()
    page.goto(address)
    page.locator("#grid .tile").first.wait_for()
    found: dict[str, Any] = {"page": time.perf_counter() - begin}
    page.locator("input[type=file]").set_input_files(photo)
    page.wait_for_function("noted.all", timeout=300_000)
    noted = page.evaluate("noted")
    found["first painting"] = (noted["first"] - noted["given"]) / 1000
    found["thumbnails in sight"] = (noted["sight"] - noted["first"]) / 1000
    found["all thumbnails"] = (noted["all"] - noted["first"]) / 1000
    page.wait_for_selector("[data-testid=painting][data-sharp=true]", timeout=300_000)
    found["slider"] = []
    for turn in range(moves):
        page.evaluate(MOVE, 60 + turn % 40)
        page.wait_for_function("noted.painted", timeout=60_000)
        found["slider"].append(page.evaluate("noted.painted - noted.moved") / 1000)
        page.wait_for_selector("[data-testid=painting][data-sharp=true]", timeout=60_000)  # at rest, it is sharp again
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="fast")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--moves", type=int, default=20)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    return parser.parse_args()


if __name__ == "__main__":
    main()
