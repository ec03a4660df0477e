"""What comes out: files, a ZIP, the recipe in three forms; and what a reload brings back."""

from __future__ import annotations

import base64
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driven import OTHER, STYLE, drawn
from PIL import Image
from playwright.sync_api import expect

import impasto

pytestmark = pytest.mark.browser


def downloaded(studio: Any, path: Path, button: str = "Download") -> Path:
    with studio.page.expect_download(timeout=60_000) as coming:
        studio.tool(button).click()
    target = path / coming.value.suggested_filename
    coming.value.save_as(target)
    return target


def as_png(studio: Any) -> None:
    studio.page.locator("#options").click()
    studio.page.get_by_role("radio", name="PNG").check()
    studio.page.keyboard.press("Escape")


def array(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_the_download_is_the_painting(painted: Any, photo: Path, tmp_path: Path, near: int) -> None:
    """The downloaded PNG of a mix with strength and the photo's colours is what ``impasto.paint`` paints."""
    painted.style(OTHER).click(modifiers=["Control"])
    for _ in range(20):
        painted.page.locator("#strength").press("ArrowLeft")
    painted.page.get_by_label("Keep the photo's colours").check()
    as_png(painted)
    path = downloaded(painted.painted(), tmp_path)
    assert path.suffix == ".png" and path.name.startswith("holiday")
    names = list(painted.recipe["styles"])
    mix = dict.fromkeys(names, 0.5)
    expected = impasto.paint(photo, mix, network="fast", strength=0.8, keep_color=True).convert("RGB")
    assert np.abs(array(path) - np.asarray(expected)).max() <= near


def test_a_size_and_dpi_are_kept(painted: Any, tmp_path: Path) -> None:
    """The file has the size and resolution that were asked for, in the format that was."""
    page = painted.page
    page.locator("#options").click()
    page.get_by_label("Painted at").select_option(label="Other size")
    page.get_by_label("Longer side, px").fill("240")
    page.get_by_label("Longer side, px").press("Tab")
    page.get_by_label("Pixels per inch").fill("300")
    page.get_by_label("Pixels per inch").press("Tab")
    expect(page.locator("#print-size")).to_contain_text("2 × 1.4 cm")
    page.get_by_role("radio", name="WebP").check()
    page.keyboard.press("Escape")
    with Image.open(downloaded(painted.painted(), tmp_path)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (240, 160))


def test_a_painting_is_cancelled(painted: Any) -> None:
    """Cancel ends the job at once, nothing is saved, and the next download works."""
    page = painted.page
    page.route(
        "**/api/v1/jobs/*",
        lambda route: route.fulfill(json=dict(WAITING)) if route.request.method == "GET" else route.continue_(),
    )
    page.route("**/events", lambda route: route.abort())
    painted.forgive("ERR_FAILED")
    painted.tool("Download").click()
    expect(page.locator("#progress-text")).to_contain_text("40%")
    expect(painted.tool("Download")).to_be_disabled()
    painted.tool("Cancel").click()
    expect(page.get_by_role("status")).to_contain_text("Cancelled")
    expect(painted.tool("Download")).to_be_enabled()
    assert any(each.method == "DELETE" and "/jobs/" in each.url for each in painted.asked)


@pytest.fixture
def near(painted: Any) -> int:
    """How far, of 255, the same painting may be from itself: several streams round bfloat16 otherwise than one."""
    precision = painted.page.evaluate("fetch('api/v1/session').then((answer) => answer.json())")["precision"]
    return 1 if precision == "f32" else 4


WAITING = {"id": "x", "state": "painting", "share": 0.4, "seconds_left": 12, "position": 0, "name": "", "error": None}


def test_many_photos_become_one_zip(studio: Any, photo: Path, tmp_path: Path) -> None:
    """All photos are painted in one look into one ZIP; one that is no picture is not counted, but named."""
    studio.forgive("status of 4")
    second, broken = tmp_path / "second.png", tmp_path / "broken.png"
    drawn(200, 300, seed=1).save(second)
    broken.write_bytes(b"no picture")
    studio.add(photo, second, broken)
    path = downloaded(studio, tmp_path, "All 2 as ZIP")
    with zipfile.ZipFile(path) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == [f"holiday-{STYLE}.jpg", f"second-{STYLE}.jpg"]
        with packed.open(f"second-{STYLE}.jpg") as file, Image.open(file) as picture:
            assert picture.size == (200, 300)
    expect(studio.page.locator("#note-text")).to_contain_text("2 of 2 photos are in the ZIP. Not painted: broken.png.")


def test_the_command_and_the_line_paint_the_same(painted: Any, photo: Path, tmp_path: Path, near: int) -> None:
    """The shell command and the line of Python, run as they stand, paint the download's pixels."""
    painted.style(OTHER).click(modifiers=["Control"])
    as_png(painted)
    path = downloaded(painted.painted(), tmp_path)
    painted.tool("Copy the recipe").click()
    command = shlex.split(painted.page.locator("#share-command").inner_text())
    line = painted.page.locator("#share-python").inner_text()
    assert command[:3] == ["impasto", "paint", "holiday.png"]
    for folder, run in (("a", ["-m", *command]), ("b", ["-c", line])):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / photo.name).write_bytes(photo.read_bytes())
        subprocess.run([sys.executable, *run], cwd=tmp_path / folder, check=True, capture_output=True)
        assert np.abs(array(tmp_path / folder / path.name) - array(path)).max() <= near


def test_the_link_brings_the_recipe(painted: Any, make_studio: Any, photo: Path) -> None:
    """A link opens the studio with the recipe that it was copied from."""
    painted.style(OTHER).click(modifiers=["Control"])
    painted.page.locator("#strength").press("ArrowLeft")
    painted.painted()
    painted.tool("Copy the recipe").click()
    link = painted.page.locator("#share-link").inner_text()
    other = make_studio().open("#" + link.partition("#")[2]).add(photo)
    assert other.recipe == painted.recipe


def test_masks_are_saved_beside_the_command(painted: Any, tmp_path: Path) -> None:
    """A recipe with a region names its mask, which the page saves."""
    painted.tool("Brush").click()
    painted.style(OTHER).click()
    painted.page.get_by_role("application").press(" ")
    painted.painted()
    painted.tool("Copy the recipe").click()
    assert f"--mask {OTHER}=mask-1.png" in painted.page.locator("#share-command").inner_text()
    with Image.open(downloaded(painted, tmp_path, "Save the masks")) as mask:
        assert (mask.mode, mask.size) == ("L", (480, 320))


def test_a_reload_brings_photo_and_recipe_back(painted: Any) -> None:
    """After a reload the photo, the look and the regions are there and painted."""
    painted.style(OTHER).click()
    painted.tool("Brush").click()
    painted.page.get_by_role("application").press(" ")
    before = painted.painted().recipe
    painted.page.reload()
    painted.painted()
    assert painted.recipe == before
    expect(painted.tool("Undo")).to_be_enabled()
    assert before["styles"] == {OTHER: 1} and before["regions"]
    expect(painted.page.locator("#photo-name")).to_contain_text("holiday.png")


def test_undo_goes_on_after_a_reload(painted: Any) -> None:
    """A reload keeps the steps: undo takes back the stroke and the style that came before it, redo brings them."""
    first = painted.recipe
    painted.style(OTHER).click()
    painted.painted().tool("Brush").click()
    painted.page.get_by_role("application").press(" ")
    last = painted.painted().recipe
    painted.tool("Undo").click()
    painted.painted().tool("Redo").click()
    painted.painted()
    painted.page.reload()
    painted.painted()
    for button, styles, regions in (("Undo", OTHER, 0), ("Undo", STYLE, 0), ("Redo", OTHER, 0), ("Redo", OTHER, 1)):
        painted.tool(button).click()
        painted.painted()
        assert (painted.recipe["styles"], len(painted.recipe["regions"])) == ({styles: 1}, regions)
    assert painted.recipe == last and first["styles"] == {STYLE: 1}
    assert np.array_equal(*[painted.masks()[at] for at in (0, -1)])


def test_a_time_that_does_not_fit_is_not_shown(painted: Any) -> None:
    """A time left that is far from what the share says is left out; one that goes with it is shown."""
    records = [
        {"share": 0.1, "seconds_left": 20},
        {"share": 0.95, "seconds_left": 840},
        {"share": 0.96, "seconds_left": 3},
    ]
    state = {"at": 0}
    record = lambda: dict(WAITING) | records[state["at"]]  # noqa: E731
    painted.page.route("**/api/v1/jobs/*", lambda route: route.fulfill(json=record()))
    painted.page.route("**/events", lambda route: route.abort())
    painted.forgive("ERR_FAILED")
    painted.tool("Download").click()
    words = painted.page.locator("#progress-text")
    for state["at"], said in ((0, "10%, 20 sec left"), (1, "95%"), (2, "96%, 3 sec left")):
        expect(words).to_have_text(said)
    records[2] = {"state": "cancelled"}
    expect(words).to_be_hidden()


def test_the_plan_is_for_everybody(painted: Any) -> None:
    """The plan says how large and how long; the memory is there for those who ask."""
    plan = painted.page.locator("#plan")
    expect(plan).to_contain_text("0.2 megapixels, about")
    expect(plan).not_to_contain_text("B")
    assert "of memory" in plan.locator("p").nth(1).get_attribute("title")


def test_forgetting_leaves_nothing(painted: Any) -> None:
    """Forget empties the page, the browser and the server; a reload finds nothing."""
    painted.tool("Help and privacy").click()
    expect(painted.page.get_by_text("keeps photo and recipe for 24 hours")).to_be_visible()
    with painted.page.expect_request(lambda each: each.method == "DELETE" and "/photos/" in each.url):
        painted.tool("Forget everything now").click()
    expect(painted.page.get_by_test_id("painting")).to_have_attribute("data-state", "empty")
    painted.page.reload()
    expect(painted.page.get_by_role("button", name="Choose a photo")).to_be_visible()
    assert (
        painted.page.evaluate("""new Promise((done) => {
      const asked = indexedDB.open("impasto");
      asked.onsuccess = () => {
        const count = asked.result.transaction("photos").objectStore("photos").count();
        count.onsuccess = () => done(count.result);
      };
    })""")
        == 0
    )


def test_after_a_day_it_is_forgotten(painted: Any) -> None:
    """What is older than 24 hours is not brought back."""
    painted.page.wait_for_timeout(500)  # there is something to forget
    painted.page.clock.install()
    painted.page.add_init_script("const now = Date.now; Date.now = () => now() + 25 * 3600 * 1000;")
    painted.page.evaluate("onpagehide = null; window.stop()")
    painted.page.goto("about:blank")
    painted.page.goto(painted.address)
    expect(painted.page.get_by_role("button", name="Choose a photo")).to_be_visible()
    expect(painted.page.get_by_test_id("painting")).to_have_attribute("data-state", "empty")


def test_a_server_that_goes_and_comes_back(painted: Any) -> None:
    """While nothing answers there is one sentence; when it is back the painting goes on."""
    painted.forgive("ERR_")
    away = [True]  # not ``unroute``, which takes the route from a request that is just being answered
    painted.context.route("**/*", lambda route: route.abort("connectionrefused") if away else route.continue_())
    painted.style(STYLE).click()
    painted.style(OTHER).click()
    expect(painted.page.locator("#note-text")).to_contain_text("The studio does not answer")
    away.clear()
    painted.painted()
    assert painted.recipe["styles"] == {OTHER: 1}
    expect(painted.page.locator("#note-text")).to_contain_text("The studio is back.")


def test_a_photo_that_the_server_forgot_is_sent_again(painted: Any) -> None:
    """Where the server no longer has the photo, the page sends it again and paints."""
    painted.forgive("status of 4")
    photo = next(each.url for each in painted.asked if each.url.endswith("/previews")).rpartition("/")[0]
    painted.page.evaluate("url => fetch(url, {method: 'DELETE'})", photo)
    painted.style(OTHER).click()
    painted.painted()
    assert painted.recipe["styles"] == {OTHER: 1}


def test_a_reload_in_the_middle_of_a_download(painted: Any, tmp_path: Path) -> None:
    """After a reload a download that was under way goes on, and its file is saved."""
    waiting = [WAITING]
    painted.page.route(
        "**/api/v1/jobs/*", lambda route: route.fulfill(json=dict(*waiting)) if waiting else route.continue_()
    )
    painted.page.route("**/events", lambda route: route.abort())
    painted.forgive("ERR_FAILED")
    painted.tool("Download").click()
    expect(painted.page.locator("#progress-text")).to_contain_text("40%")
    waiting.clear()
    with painted.page.expect_download() as coming:
        painted.page.reload()
    coming.value.save_as(tmp_path / "painted.jpg")
    with Image.open(tmp_path / "painted.jpg") as picture:
        assert picture.size == (480, 320)


def test_the_photo_of_the_command_is_there(studio: Any, photo: Path) -> None:
    """A photo that the studio was started with is painted when the page opens."""

    data = base64.b64encode(photo.read_bytes()).decode()
    record = studio.page.evaluate(
        """async (data) => {
      const body = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
      const headers = {"Content-Type": "image/png"};
      return (await fetch("api/v1/photos?name=given.png", {method: "POST", body, headers})).json();
    }""",
        data,
    )
    studio.page.route("**/session", lambda route: route.fulfill(json=route.fetch().json() | {"photo": record}))
    studio.page.reload()
    studio.painted()
    expect(studio.page.locator("#photo-name")).to_contain_text("given.png, 480 × 320")


def test_a_painting_that_memory_does_not_hold(studio: Any, photo: Path) -> None:
    """Where a painting needs more memory than is free, the page says so before it is ordered."""

    def tight(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "free": 1_000_000})

    studio.page.route("**/plan", tight)
    studio.add(photo)
    expect(studio.page.locator("#plan .warning")).to_contain_text("1 MB are free. Close other programs")
