"""Styles, the mix pad, and the other dials."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from driven import OTHER, STYLE, THIRD
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
BLOB = re.compile("^blob:")


def test_a_style_is_picked(painted: Any) -> None:
    """A click on a style paints in it; its name is the style's title."""
    painted.page.get_by_role("radio", name="The Great Wave off Kanagawa").click()
    painted.painted()
    assert painted.recipe["styles"] == {OTHER: 1}


def test_thumbnails_show_the_users_photo(painted: Any) -> None:
    """The styles in sight show the user's own photo, each another painting."""
    tiles = painted.page.locator("#grid .tile img")
    expect(tiles.nth(0)).to_have_attribute("src", BLOB)
    expect(tiles.nth(3)).to_have_attribute("src", BLOB)
    own = {each.url for each in painted.asked if f"/photos/{photo_of(painted)}/thumbnails/" in each.url}
    assert len(own) >= 4
    size = tiles.nth(0).evaluate("image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])")
    assert size == [192, 192]


def photo_of(studio: Any) -> str:
    """The name that the server has for the photo that is shown."""
    return str(next(each.url for each in reversed(studio.asked) if each.url.endswith("/previews")).split("/")[-2])


def test_what_comes_first(painted: Any) -> None:
    """A small painting comes first, then the styles in sight, then the sharp painting."""
    id, found = photo_of(painted), []
    for each in painted.asked:
        if each.url.endswith(f"/{id}/previews"):
            found.append("small" if json.loads(each.post_data)["max_side"] <= 384 else "sharp")
        elif f"/{id}/thumbnails/" in each.url:
            found.append("tile")
    assert found[0] == "small"
    assert found.index("small") < found.index("tile") < found.index("sharp")


def test_styles_are_found(painted: Any) -> None:
    """The search finds artists, whatever the accents, and says when nothing is found."""
    search = painted.page.get_by_role("searchbox", name="Search styles")
    search.fill("cezanne")
    found = painted.page.locator("#grid .tile:visible")
    expect(found.first).to_have_attribute("title", re.compile("Cézanne"))
    assert all("Cézanne" in each.get_attribute("title") for each in found.all())
    search.fill("no such painter")
    expect(painted.page.get_by_text("No style has that name.")).to_be_visible()


def test_moving_a_slider_paints_the_last_place(painted: Any) -> None:
    """Of 60 moves one after another the last is what stands there; between two small paintings pass 0.12 s."""
    times = painted.page.evaluate("""async () => {
      const dial = document.querySelector("#strength"), times = [], before = window.fetch;
      window.fetch = (url, options) => {
        const small = String(url).endsWith("/previews") && JSON.parse(options.body).max_side <= 384;
        if (small) times.push(performance.now());
        return before(url, options);
      };
      for (let step = 1; step <= 60; step++) {
        dial.value = step;
        dial.dispatchEvent(new Event("input", {bubbles: true}));
        await new Promise((done) => setTimeout(done, 16));
      }
      dial.dispatchEvent(new Event("change", {bubbles: true}));
      return times;
    }""")
    painted.painted()
    assert len(times) > 1
    assert min(later - earlier for earlier, later in pairwise(times)) > 110  # ms
    assert painted.recipe["strength"] == 0.6
    expect(painted.page.locator("#strength-value")).to_have_text("60%")


def test_a_preview_that_is_not_sharp_yet_is_marked(painted: Any) -> None:
    """Until the painting is sharp a small sign says so, and what is shown has the view's pixels, enlarged smoothly."""
    page, sign = painted.page, painted.page.locator(".sharpening")
    expect(sign).to_have_css("opacity", "0")
    page.evaluate("""() => {
      window.held = new Promise((done) => (window.go = done));
      const before = window.fetch;
      window.fetch = async (url, options) => {
        if (String(options?.body).includes('"max_side":') && JSON.parse(options.body).max_side > 400) await held;
        return before(url, options);
      };
    }""")
    painted.style(OTHER).click()
    expect(page.get_by_test_id("painting")).to_have_attribute("data-sharp", "false")
    expect(page.get_by_test_id("painting")).to_have_attribute("data-state", "painted")
    expect(sign).to_have_css("opacity", "1")
    expect(sign).to_have_text("Getting sharp")
    assert page.get_by_test_id("painting").evaluate("canvas => canvas.width / canvas.clientWidth") > 0.9
    page.evaluate("go()")
    painted.painted()
    expect(sign).to_have_css("opacity", "0")


def test_previews_are_one_at_a_time(painted: Any) -> None:
    """At most one preview is in flight, and the numbers that are sent rise."""
    painted.page.evaluate("""() => {
      window.most = window.flying = 0; window.numbers = [];
      const before = fetch;
      window.fetch = async (url, options) => {
        if (!String(url).endsWith("/previews")) return before(url, options);
        numbers.push(JSON.parse(options.body).n);
        most = Math.max(most, ++flying);
        try { return await before(url, options); } finally { flying--; }
      };
    }""")
    for key in ("ArrowLeft",) * 12:
        painted.page.locator("#strength").press(key)
    painted.painted()
    most, numbers = painted.page.evaluate("[most, numbers]")
    assert most == 1
    assert numbers == sorted(set(numbers))


def test_dials_turn_the_recipe(painted: Any) -> None:
    """Strokes and the photo's colours reach the painting; undo and redo go back and forth."""
    painted.page.get_by_role("radio", name="Large", exact=True).check()
    painted.page.get_by_label("Keep the photo's colours").check()
    painted.painted()
    assert (painted.recipe["brush"], painted.recipe["keep_color"]) == ("large", True)
    painted.page.keyboard.press("Control+z")
    painted.painted()
    expect(painted.page.get_by_label("Keep the photo's colours")).not_to_be_checked()
    assert painted.recipe["keep_color"] is False
    painted.tool("Redo").click()
    expect(painted.page.get_by_label("Keep the photo's colours")).to_be_checked()
    painted.painted()
    assert painted.recipe["keep_color"] is True


def mixed(studio: Any, *names: str) -> None:
    studio.style(STYLE).click()
    for name in names:
        studio.style(name).click(modifiers=["Control"])
    studio.painted()


def test_two_styles_are_mixed_with_ctrl(painted: Any) -> None:
    """Ctrl and a click adds a style, in equal parts; without the mix one stays."""
    mixed(painted, OTHER)
    assert painted.recipe["styles"] == {STYLE: 0.5, OTHER: 0.5}
    painted.tool("Take out The Starry Night").click()
    painted.painted()
    assert painted.recipe["styles"] == {OTHER: 1}


def test_the_mouse_moves_the_pad(painted: Any) -> None:
    """The dot of four styles is at their bilinear weights, beyond the edge too."""
    mixed(painted, OTHER, THIRD, "klimt-the-kiss")
    pad = painted.page.locator("#pad").bounding_box()
    x, y = pad["x"] + 0.25 * pad["width"], pad["y"] + 0.5 * pad["height"]
    painted.page.mouse.move(x, y)
    painted.page.mouse.down()
    painted.page.mouse.up()
    painted.painted()
    weights = list(painted.recipe["styles"].values())
    assert weights == pytest.approx([0.375, 0.125, 0.375, 0.125], abs=0.02)
    painted.page.mouse.move(x, y)
    painted.page.mouse.down()
    painted.page.mouse.move(pad["x"] - 50, pad["y"] - 50, steps=4)
    painted.page.mouse.up()
    painted.painted()
    assert painted.recipe["styles"] == {STYLE: 1}


def test_keys_move_the_pad(painted: Any) -> None:
    """Two native ranges move the dot, arrows going where they point; the ranges say the shares."""
    mixed(painted, OTHER, THIRD)
    across = painted.page.get_by_role("slider", name="To the right")
    across.press("Shift+ArrowRight")
    across.press("Shift+ArrowUp")
    painted.painted()
    assert list(painted.recipe["styles"].values()) == pytest.approx([0.24, 0.36, 0.4], abs=0.01)
    assert "The Starry Night: 24%" in across.get_attribute("aria-valuetext")
    expect(painted.page.get_by_role("slider", name="Down")).to_have_value("40")


def test_a_mix_holds_four(painted: Any) -> None:
    """A fifth style is refused in one sentence."""
    mixed(painted, OTHER, THIRD, "klimt-the-kiss")
    painted.style("picabia-udnie").click()
    expect(painted.page.get_by_role("status")).to_contain_text("up to 4 styles")
    assert len(painted.recipe["styles"]) == 4


def test_the_mix_button_adds(painted: Any) -> None:
    """With the mix button on, clicks add and take away; off, the strongest style stays."""
    painted.style(STYLE).click()
    painted.tool("Mix").click()
    painted.tool("The Great Wave off Kanagawa").click()
    painted.painted()
    assert set(painted.recipe["styles"]) == {STYLE, OTHER}
    painted.tool("Mix").click()
    painted.painted()
    assert list(painted.recipe["styles"].values()) == [1]


def test_strokes_of_any_style(painted: Any) -> None:
    """Every style has a dial for its strokes: at its end they are half as large, in its middle as they were learned."""
    dial = painted.page.get_by_role("slider", name="Stroke size")
    expect(dial).to_have_value("50")
    dial.fill("0")
    painted.painted()
    assert painted.recipe["stroke_size"] == 500  # the networks learned at 1000
    expect(painted.page.locator("#stroke-value")).to_have_text("500 px")
    dial.fill("50")
    painted.painted()
    assert painted.recipe["stroke_size"] is None
    expect(painted.page.locator("#stroke-value")).to_have_text("as painted")
