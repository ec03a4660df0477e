"""The brush, the divider and the loupe."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from driven import OTHER, SLOW, STYLE, THIRD, drawn
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def stroke(studio: Any, *places: tuple[float, float]) -> None:
    """Draw with the mouse along places in shares of the picture, and wait for what it changes."""
    box = studio.page.locator("#picture").bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    studio.page.mouse.move(*points[0])
    studio.page.mouse.down()
    for point in points[1:]:
        studio.page.mouse.move(*point, steps=8)
    studio.page.mouse.up()
    studio.painted()


@pytest.fixture
def brush(painted: Any) -> Any:
    """A studio with the brush in hand, which paints another style."""
    painted.tool("Brush").click()
    painted.style(OTHER).click()
    return painted


def test_a_stroke_puts_a_style_on_a_region(brush: Any) -> None:
    """The mask that arrives is white under the stroke, soft at its edge, black elsewhere, and has the photo's shape."""
    before = brush.pixels()
    stroke(brush, (0.1, 0.5), (0.9, 0.5))
    mask = brush.mask()
    assert mask.shape == (320, 480)
    assert mask[160, 240] > 200
    assert not mask[:80].any() and not mask[-80:].any()
    assert np.count_nonzero((mask > 10) & (mask < 245)) > 1000
    assert brush.recipe["regions"] == [{"mask": 0, "styles": {OTHER: 1}}]
    changed = np.abs(brush.pixels().astype(int) - before).max(-1)
    height = changed.shape[0]
    assert changed[int(0.48 * height) : int(0.52 * height)].mean() > 3 * changed[: height // 8].mean()


def test_a_mask_is_sent_once(brush: Any) -> None:
    """On a slow line too, with more than one painting on its way, what has been sent is not sent again."""
    brush.page.evaluate(SLOW, ["/masks/", 700])
    stroke(brush, (0.1, 0.3), (0.9, 0.3))
    stroke(brush, (0.1, 0.7), (0.9, 0.7))
    brush.page.wait_for_timeout(1500)
    masks = brush.masks()
    assert len(masks) > 1 and not any(np.array_equal(one, two) for one, two in pairwise(masks))


def test_a_region_keeps_the_photo(painted: Any) -> None:
    """The brush begins with the photo itself: what it covers stays as it is."""
    painted.tool("Brush").click()
    stroke(painted, (0.2, 0.5), (0.8, 0.5))
    assert painted.recipe["regions"] == [{"mask": 0, "styles": {"photo": 1}}]


def test_a_stroke_goes_on_beyond_the_border(brush: Any) -> None:
    """A stroke that begins and ends outside the picture covers it from border to border."""
    stroke(brush, (-0.02, 0.5), (1.02, 0.5))
    mask = brush.mask()
    assert mask[160].min() > 100


def test_a_quick_stroke_has_no_corners(brush: Any) -> None:
    """A hand that is quick gives few places: the edge of the stroke through them is round, to a hundredth."""
    box = brush.page.locator("#picture").bounding_box()
    turns = np.radians(np.arange(0, 320, 45))
    x = box["x"] + box["width"] / 2 + 0.3 * box["height"] * np.cos(turns)
    y = box["y"] + box["height"] / 2 + 0.3 * box["height"] * np.sin(turns)
    brush.page.mouse.move(x[0], y[0])
    brush.page.mouse.down()
    for place in zip(x[1:], y[1:], strict=True):
        brush.page.mouse.move(*place)
    brush.page.mouse.up()
    mask = brush.painted().mask()
    along = np.arange(60, 150, 0.5)
    looks = np.radians(np.arange(70, 250, 5))[:, None]
    seen = mask[(160 + along * np.sin(looks)).round().astype(int), (240 + along * np.cos(looks)).round().astype(int)]
    edge = along[along.size - 1 - (seen[:, ::-1] > 127).argmax(1)]
    assert edge.std() < 0.01 * edge.mean()


def choose(page: Any, name: str) -> None:
    """Take a network, and wait until its styles are there: until then the other one is shown."""
    page.get_by_role("radio", name=name).click()
    expect(page.get_by_role("radio", name=name)).to_be_checked()


def test_what_a_network_lacks_comes_back_with_the_other(painted: Any) -> None:
    """Styles and regions that a network lacks are named and go, the photo's stay; back in the other, all are there."""
    page = painted.page

    def fewer(route: Any) -> None:
        found = route.fetch().json()
        found["styles"] = [each for each in found["styles"] if each["name"] not in (OTHER, THIRD)]
        route.fulfill(json=found)

    page.route("**/styles?network=full", fewer)
    painted.style(OTHER).click()
    painted.painted().tool("Brush").click()
    stroke(painted, (0.1, 0.2), (0.9, 0.2))
    painted.style(THIRD).click()
    stroke(painted, (0.1, 0.8), (0.9, 0.8))
    before = painted.recipe
    assert [each["styles"] for each in before["regions"]] == [{"photo": 1}, {THIRD: 1}]
    choose(page, "Fine")
    note = page.locator("#note-text")
    expect(note).to_contain_text("Not among the styles of “Fine”: The Great Wave")
    expect(note).to_contain_text("and The Scream")
    painted.painted()
    assert painted.recipe["network"] == "full" and painted.recipe["styles"] == {STYLE: 1}
    assert [each["styles"] for each in painted.recipe["regions"]] == [{"photo": 1}]
    choose(page, "Fast")
    painted.painted()
    assert painted.recipe == before
    painted.tool("Undo").click()
    painted.painted()
    assert painted.recipe["network"] == "full"
    expect(painted.style(OTHER)).to_have_count(0)
    painted.tool("Undo").click()
    painted.painted()
    assert painted.recipe == before
    expect(painted.style(OTHER)).to_have_count(1)


def test_erasing_and_undoing(brush: Any) -> None:
    """The eraser takes a region away where it goes; undo brings it back, undo again takes all of it."""
    stroke(brush, (0.1, 0.5), (0.9, 0.5))
    first = brush.mask()
    brush.tool("Eraser").click()
    stroke(brush, (0.5, 0.1), (0.5, 0.9))
    second = brush.mask()
    assert first[160, 240] > 200 and second[160, 240] < 50 and second[160, 100] == first[160, 100]
    brush.tool("Undo").click()
    brush.painted()
    assert np.array_equal(brush.mask(), first)
    brush.tool("Undo").click()
    brush.painted()
    assert brush.recipe["regions"] == []
    brush.tool("Redo").click()
    brush.painted()
    assert len(brush.recipe["regions"]) == 1


def test_one_style_takes_the_place_of_another(brush: Any) -> None:
    """Where a second style is painted over the first, it has the place alone."""
    stroke(brush, (0.1, 0.5), (0.9, 0.5))
    brush.style("munch-the-scream").click()
    stroke(brush, (0.5, 0.1), (0.5, 0.9))
    masks = brush.mask(0), brush.mask(1)
    assert [each["mask"] for each in brush.recipe["regions"]] == [0, 1]
    assert masks[0][160, 240] < 50 < 200 < masks[1][160, 240]


def test_a_face_is_protected(brush: Any) -> None:
    """What is protected has a mask of its own, over the styles; the eraser takes both, undo brings both back."""
    stroke(brush, (0.1, 0.5), (0.9, 0.5))
    brush.tool("Protect a face").click()
    expect(brush.tool("Protect a face")).to_have_attribute("aria-pressed", "true")
    expect(brush.tool("Protect a face")).to_have_accessible_description(
        "What is protected keeps the features of the photo, in the colours of the painting"
    )
    expect(brush.page.locator("#brush-hint")).to_contain_text("The brush protects")
    before = brush.pixels()
    stroke(brush, (0.49, 0.5), (0.51, 0.5))
    recipe = brush.recipe
    assert recipe["regions"] == [{"mask": 0, "styles": {OTHER: 1}}] and recipe["protect"] == 1
    style, face = brush.mask(0), brush.mask(1)
    assert style[160, 240] > 200 and face[160, 240] > 200 and not face[:80].any()
    changed = np.abs(brush.pixels().astype(int) - before).max(-1)
    assert changed[changed.shape[0] // 2, changed.shape[1] // 2 - 9 :][:18].mean() > 4 * changed[:20].mean()
    brush.tool("Eraser").click()
    stroke(brush, (0.5, 0.1), (0.5, 0.9))
    style, face = brush.mask(0), brush.mask(1)
    assert style[160, 240] < 50 and face[160, 240] < 50
    brush.tool("Undo").click()
    brush.tool("Undo").click()
    brush.painted()
    assert brush.recipe["protect"] is None and len(brush.recipe["regions"]) == 1
    brush.tool("Redo").click()
    brush.painted()
    assert brush.recipe == recipe


def test_a_protected_face_is_kept(painted: Any) -> None:
    """A reload brings it back, the other network protects it too, and the command names its mask."""
    painted.tool("Brush").click()
    painted.tool("Protect a face").click()
    painted.page.get_by_role("application").press(" ")
    before = painted.painted().recipe
    assert before["protect"] == 0 and before["regions"] == []
    painted.page.reload()
    painted.painted()
    assert painted.recipe == before
    choose(painted.page, "Fine")
    painted.painted()
    assert painted.recipe["protect"] == 0
    painted.tool("Copy the recipe").click()
    assert "--protect mask-1.png" in painted.page.locator("#share-command").inner_text()
    assert "--mask" not in painted.page.locator("#share-command").inner_text()
    assert 'protect="mask-1.png"' in painted.page.locator("#share-python").inner_text()


def test_keys_paint(painted: Any) -> None:
    """The brush moves by arrows and paints by Space."""
    painted.tool("Brush").click()
    area = painted.page.get_by_role("application")
    area.press("ArrowRight")
    area.press(" ")
    area.press("Shift+ArrowRight")
    painted.painted()
    mask = painted.mask()
    assert mask[160, 260] > 200 and mask[20].max() == 0


def test_masks_of_large_photos_are_small(make_studio: Any, tmp_path: Any) -> None:
    """A mask has at most 1,024 px a side: the brush has as much to do for 24 megapixels as for one."""
    path = tmp_path / "large.jpg"
    drawn(600, 400).resize((6000, 4000)).save(path)
    studio = make_studio().open().add(path)
    studio.tool("Brush").click()
    stroke(studio, (0.1, 0.2), (0.9, 0.8))
    assert studio.mask().shape == (683, 1024)


def test_the_divider_shows_the_photo(painted: Any) -> None:
    """The divider, a range, uncovers the photo from the left, by mouse and by keys."""
    divider = painted.page.get_by_role("slider", name="Before and after")
    original = painted.page.locator("#original")
    expect(original).to_be_hidden()
    painted.tool("Compare").click()
    expect(divider).to_have_value("50")
    expect(original).to_be_visible()
    divider.press("ArrowRight")
    expect(divider).to_have_value("51")
    box = painted.page.locator("#picture").bounding_box()
    grip = painted.page.locator(".grip").bounding_box()
    painted.page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    painted.page.mouse.down()
    painted.page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 10, steps=4)
    painted.page.mouse.up()
    expect(divider).to_have_value("25")
    assert divider.get_attribute("aria-valuetext") == "25% photo"


def test_space_shows_the_photo(painted: Any) -> None:
    """While Space is held the photo is shown whole."""
    painted.page.locator("body").click(position={"x": 5, "y": 200})
    painted.page.keyboard.down("Space")
    expect(painted.tool("Show photo")).to_have_attribute("aria-pressed", "true")
    painted.page.keyboard.up("Space")
    expect(painted.page.locator("#original")).to_be_hidden()


def test_the_loupe_shows_a_place_at_full_size(painted: Any) -> None:
    """The loupe asks for whole pixels of the painting, and keys move it."""
    painted.tool("Loupe").click()
    lens = painted.page.locator("#lens")
    expect(lens).to_have_attribute("data-state", "painted")
    lens.press("ArrowLeft")
    expect(lens).to_have_attribute("data-state", "painting")
    expect(lens).to_have_attribute("data-state", "painted")

    asked = [json.loads(each.post_data) for each in painted.asked if each.url.endswith("/window")]
    assert asked[-1]["x"] < asked[0]["x"]
    assert 0 <= asked[-1]["y"] and asked[-1]["y"] + asked[-1]["height"] <= 320
