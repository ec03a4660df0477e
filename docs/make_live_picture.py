"""The picture in docs/live.md: the live page with a portrait that sways as before a webcam. Takes a minute."""

from __future__ import annotations

import io
import math
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright
from skimage import data

PLACE = Path(__file__).parent / "images" / "live.jpg"
CHROMIUM, WIDTH, QUALITY = "/usr/bin/chromium", 1000, 82
STYLE = "hokusai-great-wave"
SIZE, FPS, SECONDS = (640, 480), 25, 60


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        clip = Path(folder) / "portrait.mp4"
        draw(clip)
        command = [sys.executable, "-m", "impasto", "live", "--no-browser", "--port", "0", "--camera", str(clip)]
        with subprocess.Popen([*command, "-s", STYLE], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB")
            page.goto(process.stdout.readline().strip())
            page.wait_for_selector("[data-testid=painting][data-state=painted]", timeout=60_000)
            page.wait_for_selector("#grid .tile[data-ready] >> nth=15", timeout=60_000)
            page.locator("#compare").fill("28")
            page.wait_for_timeout(4000)
            shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            browser.close()
            process.send_signal(signal.SIGINT)
    small = shot.resize((WIDTH, round(WIDTH * shot.height / shot.width)), Image.Resampling.LANCZOS)
    small.save(PLACE, quality=QUALITY, optimize=True)


def draw(path: Path) -> None:
    """A film of a portrait that sways, with a sensor's noise."""
    portrait, rng = Image.fromarray(data.astronaut()).resize((720, 720)), np.random.default_rng(0)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number in range(SECONDS * FPS):
            left, top = 40 + 30 * math.sin(number / 25), 20 + 8 * math.sin(number / 11)
            box = (left, top, left + SIZE[0], top + SIZE[1])
            seen = np.asarray(portrait.resize(SIZE, Image.Resampling.BICUBIC, box=box))
            noisy = (seen + rng.normal(0, 2, seen.shape)).clip(0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(noisy, format="rgb24")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


if __name__ == "__main__":
    main()
