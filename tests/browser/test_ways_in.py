"""How a photo gets into the studio."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from driven import OTHER, drawn
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
GIVEN = """([kind, data, name, type]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type}));
  const how = {bubbles: true, cancelable: true};
  const event = kind === "paste" ? new ClipboardEvent("paste", {clipboardData: transfer, ...how})
    : new DragEvent(kind, {dataTransfer: transfer, ...how});
  document.body.dispatchEvent(event);
}"""


def give(studio: Any, kind: str, path: Path, type: str = "image/png") -> None:
    studio.page.evaluate(GIVEN, [kind, base64.b64encode(path.read_bytes()).decode(), path.name, type])


def test_nothing_is_there_at_first(studio: Any) -> None:
    """Without a photo the painting is empty, and the page says that photos stay here."""
    expect(studio.page.get_by_test_id("painting")).to_have_attribute("data-state", "empty")
    expect(studio.page.get_by_text("Your photo stays on this computer.").first).to_be_visible()


def test_a_chosen_photo_is_painted(studio: Any, photo: Path) -> None:
    """A photo that is chosen is painted at once, in a style."""
    studio.add(photo)
    assert studio.pixels()[..., :3].std() > 10
    assert list(studio.recipe["styles"].values()) == [1]


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_dropped_or_pasted_photo_is_painted(studio: Any, photo: Path, kind: str) -> None:
    """A photo that is dropped or pasted is painted at once."""
    if kind == "drop":
        give(studio, "dragenter", photo)
        expect(studio.page.get_by_text("Drop to paint")).to_be_visible()
    give(studio, kind, photo)
    studio.painted()
    expect(studio.page.locator("#photo-name")).to_contain_text("holiday.png, 480 × 320")


def test_a_sample_is_painted(studio: Any) -> None:
    """A sample that is clicked is painted at once."""
    studio.page.get_by_role("button", name="Coffee").click()
    studio.painted()


def test_a_photo_is_taken(studio: Any) -> None:
    """The camera's picture is painted, and the camera is let go."""
    studio.tool("Take a photo").click()
    studio.page.evaluate("new Promise((done) => (document.querySelector('video').oncanplay = done)).then(() => 1)")
    studio.page.get_by_role("button", name="Take it").click()
    studio.painted()
    assert studio.page.evaluate("document.querySelector('video').srcObject.active") is False


def test_what_is_no_picture_is_refused_in_one_sentence(studio: Any, tmp_path: Path) -> None:
    """A file that is no picture gets the library's sentence, and nothing changes."""
    studio.forgive("status of 4")
    path = tmp_path / "notes.png"
    path.write_bytes(b"no picture")
    studio.page.locator("input[type=file]").set_input_files(path)
    expect(studio.page.locator("#note")).to_be_visible()
    assert "/" not in studio.page.locator("#note-text").inner_text()
    expect(studio.page.get_by_test_id("painting")).to_have_attribute("data-state", "empty")


def test_an_error_goes_when_a_good_photo_comes(studio: Any, photo: Path, tmp_path: Path) -> None:
    """What was said of a file that is no picture does not stand over the next photo's painting."""
    studio.forgive("status of 4")
    path = tmp_path / "notes.png"
    path.write_bytes(b"no picture")
    studio.page.locator("input[type=file]").set_input_files(path)
    expect(studio.page.locator("#note")).to_be_visible()
    studio.page.locator("input[type=file]").set_input_files(photo)
    expect(studio.page.locator("#photo-name")).to_contain_text("holiday.png")
    expect(studio.page.locator("#note")).to_be_hidden(timeout=6000)  # by itself it would after 8 s


def test_a_second_photo_keeps_the_look(painted: Any, photo: Path, tmp_path: Path) -> None:
    """Another photo is painted in the look of the first, which stays in the strip."""
    painted.style(OTHER).click()
    painted.painted()
    second = tmp_path / "second.jpg"
    drawn(300, 400, seed=1).save(second)
    painted.page.locator("input[type=file]").set_input_files(second)
    expect(painted.page.locator("#photo-name")).to_contain_text("second.jpg")
    painted.painted()
    assert painted.recipe["styles"] == {OTHER: 1}
    painted.tool("Show holiday.png").click()
    expect(painted.page.locator("#photo-name")).to_contain_text("holiday.png")
    painted.painted()
