"""The page of the app, which has no terminal: it keeps the studio running, and ends it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from driven import Studio
from playwright.sync_api import Browser, expect

from tests.conftest import until

pytestmark = pytest.mark.browser
CODE = "from impasto.cli import double_click as d; d.PATIENCE = 10; d.main()"


def test_the_page_keeps_it_and_ends_it(browser: Browser, tmp_path: Path) -> None:
    """While its page is open, also through a reload, the studio stays; the page's button ends it, and says so."""
    opener = tmp_path / "opener"
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    opener.chmod(0o755)
    words = os.environ | {"BROWSER": str(opener), "XDG_RUNTIME_DIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", CODE], env=words, stdout=-1, stderr=-1) as process:
        opened = tmp_path / "opened"
        studio = Studio(browser, until(lambda: opened.exists() and opened.read_text().strip()) or "").open()
        studio.page.reload()
        expect(studio.page.locator("#grid .tile").first).to_be_visible()
        studio.page.wait_for_timeout(12_000)
        assert process.poll() is None
        studio.forgive("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE")
        studio.forgive("status of 503")  # thumbnails on their way
        studio.tool("End impasto").click()
        expect(studio.page.get_by_role("dialog")).to_contain_text("impasto has ended")
        assert process.wait(60) == 0
        studio.page.keyboard.press("Escape")
        expect(studio.page.get_by_role("dialog")).to_be_visible()
        studio.close()


def test_impasto_studio_has_no_such_button(studio: Studio) -> None:
    """The studio that was started in a terminal ends there."""
    expect(studio.page.locator("#end")).to_be_hidden()
