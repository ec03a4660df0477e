"""The pictures in docs/studio.md: the studio with a sample photo, in Chromium. Takes a minute."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

PLACE = Path(__file__).parent / "images"
CHROMIUM, WIDTH, QUALITY = "/usr/bin/chromium", 1000, 82
MIX = ("hokusai-great-wave", "picabia-udnie", "monet-water-lily-pond-1899")


def main() -> None:
    command = [sys.executable, "-m", "impasto", "studio", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process, sync_playwright() as playwright:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB")
        page.goto(address)
        mixed(page)
        save(page, "studio-mix")
        brushed(page)
        save(page, "studio-brush")
        browser.close()
        process.send_signal(signal.SIGINT)


def mixed(page: Page) -> None:
    page.get_by_role("button", name="Coffee").click()
    painted(page)
    page.get_by_role("button", name="Mix", exact=True).click()
    for name in MIX:
        page.locator(f'#grid [data-name="{name}"]').click()
    page.locator("#pad").click(position={"x": 95, "y": 62})
    painted(page)
    page.wait_for_function("() => document.querySelectorAll('#grid .tile[data-ready]').length > 15", timeout=60_000)


def brushed(page: Page) -> None:
    """A stroke that keeps the photo around the cup, half done."""
    page.get_by_role("button", name="Brush", exact=True).click()
    box = page.locator("#picture").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] - 10, box["y"] + 0.2 * box["height"])
    page.mouse.down()
    for x, y in ((0.25, 0.12), (0.12, 0.5), (0.2, 0.85)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=10)
    page.mouse.up()
    painted(page)
    page.locator('#grid [data-name="munch-the-scream"]').click()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.85 * box["width"], box["y"] + 0.75 * box["height"], steps=10)


def painted(page: Page) -> None:
    page.wait_for_timeout(700)
    page.wait_for_selector("[data-testid=painting][data-state=painted][data-sharp=true]", timeout=60_000)
    page.wait_for_timeout(700)


def save(page: Page, name: str) -> None:
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    small = shot.resize((WIDTH, round(WIDTH * shot.height / shot.width)), Image.Resampling.LANCZOS)
    small.save(PLACE / f"{name}.jpg", quality=QUALITY, optimize=True)


if __name__ == "__main__":
    main()
