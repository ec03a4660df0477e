"""A studio, a browser, and a page in it: errors on its console and requests elsewhere fail a test."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from driven import PATIENCE, Studio, drawn
from playwright.sync_api import Browser, expect, sync_playwright
from sited import Served, Site, build, served

expect.set_options(timeout=PATIENCE)
CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo's file."""
    path = tmp_path_factory.mktemp("photos") / "holiday.png"
    drawn().save(path)
    return path


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The address, with its token, of a studio that paints with ``fast``."""
    command = [sys.executable, "-m", "impasto", "studio", "--no-browser", "--port", "0", "--network", "fast"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Where it is missing the tests fail: they do not skip."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def make_studio(browser: Browser, address: str) -> Iterator[Any]:
    """Open studios with a browser's options: another window, language, colours."""
    made: list[Studio] = []

    def make(**options: Any) -> Studio:
        made.append(Studio(browser, address, **options))
        return made[-1]

    yield make
    for studio in made:
        studio.close()


@pytest.fixture
def studio(make_studio: Any) -> Studio:
    """An open studio without a photo."""
    return make_studio().open()


@pytest.fixture
def painted(studio: Studio, photo: Path) -> Studio:
    """An open studio with a photo that is painted."""
    return studio.add(photo)


@pytest.fixture(scope="session")
def site_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site without a server, built."""
    return build(tmp_path_factory.mktemp("site") / "site")


@pytest.fixture(scope="session")
def site(site_folder: Path) -> Iterator[Served]:
    """The site at an address."""
    with served(site_folder) as address:
        yield address


@pytest.fixture
def make_site(browser: Browser) -> Iterator[Any]:
    """Open the site at an address with a browser's options."""
    made: list[Site] = []

    def make(address: str, **options: Any) -> Site:
        made.append(Site(browser, address, **options))
        return made[-1]

    yield make
    for site in made:
        site.close()
