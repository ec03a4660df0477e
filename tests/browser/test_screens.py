"""Pictures of the page, to be looked at: IMPASTO_SCREENS=FOLDER keeps them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from driven import OTHER
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
DESKTOP: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
SIGHTS = {
    "desktop": DESKTOP,
    "german-dark": DESKTOP | {"locale": "de-DE", "color_scheme": "dark"},
    "phone": PHONE,
}


def rested(studio: Any) -> None:
    """Until the styles in sight are painted."""
    studio.page.wait_for_timeout(200)
    expect(studio.page.locator("#grid .tile").nth(7)).to_have_attribute("data-ready", "true")
    studio.page.wait_for_timeout(400)


@pytest.mark.parametrize("sight", SIGHTS)
def test_the_page_is_pictured(make_studio: Any, tmp_path: Path, sight: str) -> None:
    """First sight, painted, mixed, compared, brushed, looked at closely, downloaded: each makes another picture."""
    folder = Path(os.environ.get("IMPASTO_SCREENS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    studio = make_studio(**SIGHTS[sight]).open()
    page, shots = studio.page, []

    def shot(name: str) -> None:
        shots.append(page.screenshot(path=folder / f"{sight}-{name}.png"))

    rested(studio)
    shot("1-first")
    page.locator("#samples button").nth(2).click()
    rested(studio.painted())
    shot("2-painted")
    page.locator("#mixing").click()
    for name in (OTHER, "munch-the-scream", "picabia-udnie"):
        studio.style(name).click()
    page.locator("#pad").click(position={"x": 100, "y": 50})
    studio.painted()
    page.locator("#panel").evaluate("panel => panel.scrollTop = 130")
    shot("3-mix")
    page.locator("#tool-compare").click()
    page.locator("#options").click()
    page.wait_for_timeout(200)
    shot("4-file")
    page.keyboard.press("Escape")
    page.locator("#tool-compare").click()
    page.locator("#tool-brush").click()
    box = page.locator("#picture").bounding_box()
    page.mouse.move(box["x"] + 0.05 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    for x, y in ((0.5, 0.12), (0.95, 0.3), (0.8, 0.5)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
    shot("5-brush")
    page.mouse.up()
    studio.painted()
    page.wait_for_timeout(400)
    shot("6-region")
    page.locator("#tool-loupe").click()
    page.wait_for_timeout(1500)
    shot("7-loupe")
    page.locator("#tool-loupe").click()
    page.locator("#share").click()
    shot("8-recipe")
    page.keyboard.press("Escape")
    page.locator("#help").click()
    shot("9-help")
    assert len(set(shots)) == len(shots)
