"""The picture in docs/app.md: the app, started by its .desktop file, with its page in Chromium. Takes a minute.

Needs the app (make app), gio, Xvfb and chromium.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from make_studio_pictures import CHROMIUM, QUALITY, WIDTH, painted
from PIL import Image, ImageGrab
from playwright.sync_api import sync_playwright

PLACE = Path(__file__).parent / "images" / "app.jpg"
APP = Path(__file__).parents[1] / "build" / "app" / "dist" / "impasto-studio"
DISPLAY, DEBUGGING = ":97", 9397
BROWSER = """#!/bin/sh
exec {chromium} --no-sandbox --test-type --no-first-run --lang=en --user-data-dir={folder}/profile \\
  --window-size=1280,800 --window-position=0,0 --remote-debugging-port={port} "$1"
"""


def main() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Path(folder, "browser")
        browser.write_text(BROWSER.format(chromium=CHROMIUM, folder=folder, port=DEBUGGING))
        browser.chmod(0o755)
        words = os.environ | {"DISPLAY": DISPLAY, "BROWSER": str(browser), "XDG_RUNTIME_DIR": folder, "LANGUAGE": "en"}
        with subprocess.Popen(["Xvfb", DISPLAY, "-screen", "0", "1280x800x24"]) as screen:
            time.sleep(2)
            entry = Path(folder, "impasto-studio.desktop")
            lines = (APP / entry.name).read_text().splitlines()
            entry.write_text("\n".join(f'Exec="{APP}/impasto-studio"' if x[:5] == "Exec=" else x for x in lines))
            subprocess.run(["gio", "launch", entry], env=words, check=True)
            shoot()
            screen.terminate()


def shoot() -> None:
    with sync_playwright() as playwright:
        until = time.monotonic() + 60
        with socket.socket() as browser_there:
            while browser_there.connect_ex(("127.0.0.1", DEBUGGING)) and time.monotonic() < until:
                time.sleep(1)
        browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{DEBUGGING}")
        page = browser.contexts[0].pages[0]
        page.get_by_role("button", name="Coffee").click(timeout=60_000)
        painted(page)
        page.locator('#grid [data-name="hokusai-great-wave"]').click()
        painted(page)
        page.wait_for_function("() => document.querySelectorAll('#grid .tile[data-ready]').length > 11", timeout=60_000)
        time.sleep(1)
        shot = ImageGrab.grab(xdisplay=DISPLAY).convert("RGB")
        page.evaluate("fetch('api/v1/end', { method: 'POST' })")
        browser.new_browser_cdp_session().send("Browser.close")
    small = shot.resize((WIDTH, round(WIDTH * shot.height / shot.width)), Image.Resampling.LANCZOS)
    small.save(PLACE, quality=QUALITY, optimize=True)


if __name__ == "__main__":
    main()
