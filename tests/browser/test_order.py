"""People go on while something is on its way: what comes late changes nothing that came after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from driven import OTHER, SLOW, drawn
from playwright.sync_api import Route, expect

pytestmark = pytest.mark.browser

# What is kept in the browser is busy for so many ms: other transactions wait.
SLOW_DISK = """(ms) => new Promise((done) => {
  const opened = indexedDB.open("impasto"), end = performance.now() + ms;
  opened.onsuccess = () => {
    const store = opened.result.transaction(["photos", "look"], "readwrite").objectStore("photos");
    const again = () => (performance.now() < end ? (store.count().onsuccess = again) : null);
    again();
    done();
  };
})"""


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Two photos, first.png and second.png."""
    files = [tmp_path / "first.png", tmp_path / "second.png"]
    for seed, file in enumerate(files):
        drawn(240 + 60 * seed, 180, seed).save(file)
    return files


def test_the_photo_that_was_asked_for_last_is_shown(studio: Any, photos: list[Path]) -> None:
    """A photo whose upload takes long does not take the place of one that was dropped after it."""
    studio.page.evaluate(SLOW, ["name=first", 1500])
    for photo in photos:
        studio.page.locator("input[type=file]").set_input_files(photo)
    expect(studio.page.locator("#strip [data-key]")).to_have_count(2)
    studio.painted()
    expect(studio.page.locator("#photo-name")).to_contain_text("second")


def test_a_late_photo_is_shown_where_none_came_after_it(studio: Any, photos: list[Path]) -> None:
    """Of two photos the one dropped last is shown, also where it is the one that takes long."""
    studio.page.evaluate(SLOW, ["name=second", 1500])
    for photo in photos:
        studio.page.locator("input[type=file]").set_input_files(photo)
    expect(studio.page.locator("#photo-name")).to_contain_text("second")


def test_each_photo_is_saved_with_its_own_regions(studio: Any, photos: list[Path]) -> None:
    """The photo that is chosen while all are saved does not get the regions of the one that was shown."""
    studio.add(*photos)
    studio.tool("Brush").click()
    studio.page.get_by_role("application").press(" ")
    studio.painted().page.evaluate(SLOW, ["/jobs", 700])
    with studio.page.expect_download() as download:
        studio.page.locator("#download-all").click()
        studio.page.locator("#strip [data-key]").nth(1).click()
    assert download.value.suggested_filename == "impasto.zip"
    sent = [json.loads(each.post_data) for each in studio.asked if each.url.endswith("/jobs") and each.method == "POST"]
    assert [len(each["recipe"]["regions"]) for each in sent] == [1, 0]


def test_a_plan_that_fails_is_not_asked_for_again(painted: Any) -> None:
    """Where the server has no plan for a recipe it is asked once, not several times a second."""
    painted.forgive("status of 422")
    painted.page.route("**/plan", lambda route: route.fulfill(status=422, json={"code": "x", "detail": "no."}))
    before = len(painted.asked)
    painted.page.get_by_role("radio", name="Large", exact=True).check()
    painted.painted().page.wait_for_timeout(1500)
    assert sum(each.url.endswith("/plan") for each in painted.asked[before:]) == 1


def test_a_forgotten_photo_is_not_sent_again(studio: Any, photos: list[Path]) -> None:
    """Forgetting everything while the tiles are painted: the photo goes to the server no more."""
    studio.page.evaluate(SLOW, ["/thumbnails/", 400])
    studio.add(photos[0]).page.locator("#help").click()
    studio.page.evaluate(SLOW_DISK, 2000)
    before = len(studio.asked)
    studio.page.locator("#forget").click()
    expect(studio.page.locator("#note-text")).to_contain_text("forgotten")
    assert not [each.url for each in studio.asked[before:] if "photos?name=first" in each.url]


def test_nothing_is_busy_on_an_empty_page(studio: Any, photos: list[Path]) -> None:
    """A photo that is put away while it is painted leaves no sign of work behind."""
    studio.page.evaluate(SLOW, ["/previews", 1500])
    studio.page.locator("input[type=file]").set_input_files(photos[0])
    expect(studio.page.locator("#photo-name")).to_contain_text("first")
    studio.page.locator("#help").click()
    studio.page.locator("#forget").click()
    studio.page.wait_for_timeout(800)
    expect(studio.page.locator("#stage")).not_to_have_attribute("data-busy", "")


def test_a_style_of_another_network_is_not_painted_with(painted: Any) -> None:
    """A painting that becomes a style while the other network is chosen is a style of the former."""
    held: list[Route] = []
    painted.page.route("**/api/v1/styles?name*", lambda route: held.append(route))
    painted.tool("Your own painting").click()
    with painted.page.expect_file_chooser() as chooser:
        painted.tool("Choose a painting").click()
    chooser.value.set_files({"name": "mine.png", "mimeType": "image/png", "buffer": b"x"})
    painted.page.locator("#teach-dialog button.primary").click()
    painted.page.get_by_role("radio", name="Fine").click()
    expect(painted.style("matisse-red-room")).to_have_count(1)  # which the former lacks
    held[0].fulfill(status=201, json={"name": OTHER})
    expect(painted.page.locator("#note-text")).to_contain_text("in “Fast”")
    assert OTHER not in painted.recipe["styles"]
