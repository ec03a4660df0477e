"""A painting becomes a style: at once, or by a lesson, which the test plays, for it takes minutes."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

pytestmark = pytest.mark.browser


class Lesson:
    """What a server with ``impasto[learn]`` answers."""

    def __init__(self, studio: Any) -> None:
        self.now: dict[str, Any] = {"state": "teaching", "step": 10, "steps": 100, "seconds_left": 42, "preview": 0}
        self.asked: list[str] = []
        self.studio = studio
        studio.page.route("**/api/v1/session", self.session)
        studio.page.route("**/api/v1/lessons**", self.answer)
        studio.page.route("**/api/v1/lessons/**", self.answer)
        studio.page.route("**/api/v1/styles**", self.styles)

    def session(self, route: Route) -> None:
        route.fulfill(json=route.fetch().json() | {"teach": True})

    def answer(self, route: Route) -> None:
        request = route.request
        self.asked.append(f"{request.method} {request.url.partition('/api/v1')[2]}")
        if "/stop" in request.url:
            self.now |= {"state": "done", "style": "mine"}
        if "/preview" in request.url:
            route.fulfill(status=404, json={"code": "unknown", "detail": "there is none yet", "status": 404})
        elif request.method == "POST" and "?" in request.url:
            route.fulfill(status=202, json={"id": "lesson"})
        else:
            route.fulfill(json={"style": None, "error": None} | self.now)

    def styles(self, route: Route) -> None:
        found = route.fetch().json()
        if self.now["state"] == "done":
            found["styles"].append(dict(found["styles"][0], name="mine", title="mine"))
        route.fulfill(json=found)


def test_a_painting_becomes_a_style(make_studio: Any, photo: Path) -> None:
    """A painting, a name, minutes; then progress; stop keeps the best, and the style is there to paint with."""
    studio = make_studio()
    lesson = Lesson(studio)
    studio.open().add(photo)
    studio.tool("Your own painting").click()
    with studio.page.expect_file_chooser() as chooser:
        studio.tool("Choose a painting").click()
    chooser.value.set_files(photo)
    expect(studio.page.get_by_label("Name", exact=True)).to_have_value("holiday")
    studio.page.get_by_label("Name", exact=True).fill("mine")
    studio.page.get_by_text("Teach it for some minutes instead").click()
    studio.tool("Start").click()
    expect(studio.page.get_by_text("Step 10 of 100, 42 sec left")).to_be_visible()
    assert "name=mine&minutes=3&network=fast" in lesson.asked[0]
    studio.tool("Stop and keep the best").click()
    expect(studio.page.get_by_text("mine is now one of your styles.").first).to_be_visible()
    expect(studio.tool("Save the style's file")).to_be_visible()
    studio.page.route("**/previews", lambda route: route.fulfill(status=422, json={"code": "x", "detail": "not yet."}))
    studio.forgive("status of 4")
    studio.tool("Paint with it").click()
    expect(studio.style("mine")).to_have_attribute("aria-checked", "true")


def test_a_lesson_is_thrown_away(make_studio: Any, photo: Path) -> None:
    """Throwing away ends the lesson on the server, and leaves the styles as they were."""
    studio = make_studio()
    lesson = Lesson(studio)
    studio.open()
    before = studio.page.locator("#grid .tile").count()
    studio.tool("Your own painting").click()
    with studio.page.expect_file_chooser() as chooser:
        studio.tool("Choose a painting").click()
    chooser.value.set_files(photo)
    studio.page.get_by_text("Teach it for some minutes instead").click()
    studio.tool("Start").click()
    studio.tool("Throw away").click()
    expect(studio.page.locator("#teach-dialog")).not_to_be_visible()
    assert "DELETE /lessons/lesson" in lesson.asked
    assert studio.page.locator("#grid .tile").count() == before


DROPPED = """([data, place, name]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)), transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type: "image/png"}));
  const event = new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true});
  document.querySelector(place).dispatchEvent(event);
}"""


def test_a_dropped_painting_is_painted_with(make_studio: Any, photo: Path) -> None:
    """Dropped among the styles, a painting is the chosen style in seconds, mixes, is saved, and removed."""
    studio = make_studio().open().add(photo)
    data = base64.b64encode(photo.read_bytes()).decode()
    studio.page.evaluate(DROPPED, [data, "#grid .tile", "My aunt.png"])
    expect(studio.page.locator("#grid-coming .tile")).to_contain_text("Looking at My aunt.png")
    expect(studio.style("my-aunt")).to_have_attribute("aria-checked", "true", timeout=120_000)
    expect(studio.page.locator("#grid-coming .tile")).to_have_count(0)
    assert studio.painted().recipe["styles"] == {"my-aunt": 1}
    expect(studio.page.locator("#grid .tile").first).to_have_attribute("data-name", "my-aunt")
    with studio.page.expect_download() as saved:
        studio.tool("Save the style's file").click()
    assert saved.value.suggested_filename == "my-aunt.safetensors"
    studio.style("hokusai-great-wave").click(modifiers=["Control"])
    assert studio.painted().recipe["styles"] == {"my-aunt": 0.5, "hokusai-great-wave": 0.5}
    studio.style("my-aunt").click(modifiers=["Control"])
    studio.tool("Mix").click()
    studio.style("my-aunt").click()
    studio.tool("Remove it").click()
    expect(studio.style("my-aunt")).to_have_count(0)
    assert "my-aunt" not in studio.painted().recipe["styles"]


def test_what_is_no_painting(make_studio: Any, photo: Path) -> None:
    """A file that is no picture, dropped among the styles, is one sentence, and no tile waits for it."""
    studio = make_studio().open().add(photo)
    studio.forgive("status of 4")
    studio.page.evaluate(DROPPED, [base64.b64encode(b"nothing").decode(), "#grid", "nothing.png"])
    expect(studio.page.get_by_text("The studio does not read that kind of file.").first).to_be_visible()
    expect(studio.page.locator("#grid-coming .tile")).to_have_count(0)
