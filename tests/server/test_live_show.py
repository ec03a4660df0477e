"""A show without a page: what comes is painted, the newest first, looked at and recorded."""

from __future__ import annotations

import importlib.util
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.errors import FilmError, OptionError, StyleNameError
from impasto.painting.look import Look
from impasto.painting.painter import Painter
from impasto.server.live.show import Show, Staging
from tests.conftest import until
from tests.server.conftest import TestClient, problem

RED = Look("red")
needs_av = pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="needs impasto[video]")


def drawn(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A soft picture that is another for each number, brighter at its left."""
    x = np.linspace(220, 20, width)[None, :, None]
    return np.broadcast_to((x + number % 20), (height, width, 3)).astype(np.uint8).copy()


def jpeg(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


class Drawn:
    """A source of made-up frames that ends after ``frames`` of them, or goes away."""

    kind, name = "camera", "Drawn"

    def __init__(self, frames: int = 10_000, pause: float = 0.005, fault: Exception | None = None) -> None:
        self.count, self.pause, self.fault, self.given = frames, pause, fault, 0

    def frames(self, over: threading.Event, say: Callable[[str], None]) -> Iterator[np.ndarray]:
        for number in range(self.count):
            if over.wait(self.pause):
                return
            self.given += 1
            yield drawn(number)
        if self.fault:
            raise self.fault


@pytest.fixture(scope="module")
def painter(network_file: Path) -> Painter:
    return Painter(network_file, precision="f32")


@pytest.fixture
def make(painter: Painter) -> Iterator[Any]:
    """Start shows; they are closed at the end."""
    made: list[Show] = []

    def start(source: Any = None, **staging: Any) -> Show:
        said: list[str] = []
        made.append(Show(painter, RED, source, Staging(**staging), said.append))
        made[-1].said = said  # type: ignore[attr-defined]
        made[-1].start()
        return made[-1]

    yield start
    for show in made:
        with suppress(FilmError):
            show.close()


def turned(show: Show) -> Any:
    """What is shown of a frame that was begun after this moment, when one may be on its way."""
    number, _ = show.shown.after(0, 60)
    return show.shown.after(number + 1, 60)[1]


def test_frames_are_painted(make: Any) -> None:
    """Each painting is of its own frame, in the size that the ladder says; numbers go on."""
    show = make(Drawn())
    one, first = show.shown.after(0, 20)
    two, second = show.shown.after(one, 20)
    assert two > one
    assert first.painted.shape == first.photo.shape == (48, 64, 3)
    assert not np.array_equal(first.photo, second.photo) and not np.array_equal(first.painted, second.painted)
    assert first.recorded is None


def test_a_slow_painter_skips_frames(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one frame is painted others pass by: what is painted next is the newest, and nothing waits."""
    source = Drawn(pause=0.002)
    slow = Show._show
    ages: list[int] = []

    def delayed(show: Show, pixels: np.ndarray, moment: float) -> np.ndarray:
        ages.append(source.given - show.seen._number)
        before = source.given
        # A source that waits for the painter never gives so many.
        until(lambda: source.given > before + 3 or show._over.is_set())
        return slow(show, pixels, moment)

    monkeypatch.setattr(Show, "_show", delayed)
    show = make(source)
    until(lambda: len(ages) > 5)
    assert max(ages) <= 1
    assert len(show.seen._items) == 1


def test_mirrored(make: Any) -> None:
    """The mirror turns the frame before it is painted."""
    show = make(Drawn())
    _, plain = show.shown.after(0, 20)
    show.turn({"red": 1.0}, 1.0, True)
    mirrored = turned(show)
    assert plain.photo[:, 0].mean() > plain.photo[:, -1].mean()
    assert mirrored.photo[:, 0].mean() < mirrored.photo[:, -1].mean()


def test_the_look_changes_at_once(make: Any) -> None:
    """Another style or strength holds from the next frame on; strength 0 is the frame itself."""
    show = make(Drawn())
    _, before = show.shown.after(0, 20)
    show.turn({"green": 1.0, "blue": 2.0}, 1.0, False)
    assert show.styles == pytest.approx({"green": 1 / 3, "blue": 2 / 3})
    assert np.abs(turned(show).painted.astype(int) - before.painted).mean() > 3
    show.turn({"green": 1.0}, 0.0, False)
    photo = turned(show)
    assert np.array_equal(photo.photo, photo.painted)


@pytest.mark.parametrize(
    ("styles", "strength", "error"),
    [({"nobody": 1.0}, 1.0, StyleNameError), ({"red": 1.0}, 9.0, OptionError), ({"red": 0.0}, 1.0, OptionError)],
)
def test_a_look_that_cannot_be(make: Any, styles: Any, strength: float, error: type[Exception]) -> None:
    """A look that cannot be painted is refused, and the show goes on in the one before."""
    show = make(Drawn())
    with pytest.raises(error):
        show.turn(styles, strength, False)
    number, _ = show.shown.after(0, 20)
    assert show.shown.after(number, 20) and show.styles == {"red": 1.0}


def test_the_end_of_the_source_is_the_end(make: Any) -> None:
    """When a film is over its last frame was shown, and the show is over."""
    show = make(Drawn(3))
    until(lambda: show.over)
    assert show.shown.closed and np.array_equal(show.shown.after(0)[1].photo, drawn(2))
    show.close()


def test_a_camera_that_goes_away(make: Any) -> None:
    """When the camera is gone the show is over, and its closing says why."""
    show = make(Drawn(3, fault=FilmError("the camera Drawn is gone")))
    until(lambda: show.over)
    with pytest.raises(FilmError, match="the camera Drawn is gone"):
        show.close()


def test_a_page_that_is_closed(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The show is over some seconds after the last look at it; before the first one it waits."""
    monkeypatch.setattr("impasto.server.live.show.ABSENT", -1.0)  # it is over as soon as it may be
    show = make(Drawn())
    show.shown.after(0, 60)
    assert not show.over
    monkeypatch.setattr("impasto.server.live.show.ABSENT", 60.0)
    show.looked()
    assert not show.over
    monkeypatch.setattr("impasto.server.live.show.ABSENT", 0.1)
    until(lambda: show.over)


def test_frames_of_the_page(make: Any) -> None:
    """The page's frames are decoded and painted; one that is damaged costs itself alone."""
    show = make()
    show.sent(jpeg(drawn(0))[:300])
    show.sent(jpeg(drawn(5)))
    _, shown = show.shown.after(0, 20)
    assert np.abs(shown.photo.astype(int) - drawn(5)).max() < 12


def test_another_shape(make: Any) -> None:
    """A camera that is turned gives frames of another shape, which are painted as they are."""
    show = make()
    show.sent(jpeg(drawn(0)))
    number, first = show.shown.after(0, 20)
    show.sent(jpeg(drawn(0, 48, 64)))
    assert first.painted.shape == (48, 64, 3)
    assert show.shown.after(number, 20)[1].painted.shape == (64, 48, 3)


def test_thumbnails(make: Any) -> None:
    """Small pictures of styles are painted between frames."""
    show = make(Drawn())
    painted = [show.thumbnails.ask(name).result(20) for name in ("red", "blue")]
    assert [each.shape for each in painted] == [(192, 192, 3)] * 2
    assert not np.array_equal(*painted)
    with pytest.raises(StyleNameError):
        show.thumbnails.ask("nobody")


@needs_av
def test_recorded(make: Any, tmp_path: Path) -> None:
    """What is shown is recorded; the film is whole once the show is closed."""
    from tests.film.drawn import times_of

    show = make(Drawn(8, pause=0.03), record=tmp_path / "out.mp4")
    until(lambda: show.over)
    assert show.shown.after(0)[1].recorded > 0
    show.close()
    times = times_of(tmp_path / "out.mp4")
    assert len(times) == show.recorder.frames >= 2
    assert times[0] == 0 and float(times[-1]) == pytest.approx(show.recorder.seconds, abs=0.01)


@needs_av
def test_a_recording_that_ends(make: Any, tmp_path: Path) -> None:
    """A recording that cannot be written ends with a sentence, and the show goes on without."""
    show = make(Drawn(), record=tmp_path / "nowhere" / "out.mp4")
    number, shown = show.shown.after(0, 20)
    assert show.shown.after(number, 20) and shown.recorded is None and not show.over


@needs_av
def test_a_disk_that_is_full(make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the recording is closed with what it has, that is said, and the show goes on."""
    from impasto.film.recording import Recorder
    from tests.film.drawn import times_of

    written = Recorder.write

    def full(recorder: Recorder, pixels: np.ndarray, moment: float) -> None:
        if recorder.frames == 3:
            raise FilmError("me.mp4 cannot be written (No space left on device)")
        written(recorder, pixels, moment)

    monkeypatch.setattr(Recorder, "write", full)
    show = make(Drawn(), record=tmp_path / "me.mp4")
    until(lambda: len(times_of(tmp_path / "me.mp4")) == 3 if show.said else False)
    assert show.said == ["the recording has ended: me.mp4 cannot be written (No space left on device)"]
    number, _ = show.shown.after(0, 20)
    assert show.shown.after(number, 20)[1].recorded is None
    show.close()


# ---- the application


@pytest.fixture
def client(make: Any) -> Iterator[TestClient]:
    from impasto.server.live.app import made

    with TestClient(made(make(Drawn()))) as found:
        yield found


def test_what_is_shown(client: TestClient) -> None:
    """The page learns what is shown, and which styles there are."""
    found = client.get("/api/v1/live").json()
    assert (found["source"], found["name"], found["styles"], found["record"]) == ("camera", "Drawn", {"red": 1.0}, None)
    assert [each["name"] for each in found["known"]] == ["red", "green", "blue"]


def test_paintings(client: TestClient) -> None:
    """The newest painting comes as JPEG with its number; with its frame beside it, it is twice as wide."""
    one = client.get("/api/v1/live/painted")
    two = client.get("/api/v1/live/painted", params={"after": one.headers["x-n"], "before": True})
    sizes = [Image.open(io.BytesIO(each.content)).size for each in (one, two)]
    assert sizes == [(64, 48), (128, 48)] and one.headers["x-size"] == two.headers["x-size"] == "64x48"
    assert int(two.headers["x-n"]) > int(one.headers["x-n"]) and float(two.headers["x-rate"]) > 0


def test_looks(client: TestClient) -> None:
    """The page turns style, strength and mirror; what cannot be is a problem."""
    assert (
        client.put("/api/v1/live/look", json={"styles": {"blue": 1}, "strength": 0.7, "mirrored": True}).status_code
        == 204
    )
    found = client.get("/api/v1/live").json()
    assert (found["styles"], found["strength"], found["mirrored"]) == ({"blue": 1.0}, 0.7, True)
    for body, status in (({"styles": {"x": 1}}, 404), ({"styles": {"red": 1}, "strength": 5}, 422), ({}, 422)):
        answer = client.put("/api/v1/live/look", json=body)
        assert answer.status_code == status and problem(answer)


def test_frames_that_are_not_wanted(client: TestClient) -> None:
    """A show with a source of its own takes no frames."""
    assert problem(client.post("/api/v1/live/frame", content=jpeg(drawn(0)))) == (409, "not-done")


def test_frames_that_are_sent(make: Any) -> None:
    """A show of the page's camera takes JPEGs, and nothing else; before the first one there is no painting."""
    from impasto.server.live import app

    with TestClient(app.made(make())) as client:
        assert client.get("/api/v1/live").json()["source"] == "page"
        assert client.get("/api/v1/live/painted").status_code == 204
        assert problem(client.post("/api/v1/live/frame", content=b"GIF89a")) == (415, "unsupported-type")
        assert client.post("/api/v1/live/frame", content=jpeg(drawn(0))).status_code == 204
        assert client.get("/api/v1/live/painted").status_code == 200


def test_the_end(make: Any) -> None:
    """Behind the last painting the page learns that the show is over; so do those who wait for small pictures."""
    from impasto.server.live.app import made

    show = make(Drawn(1))
    until(lambda: show.over)
    with TestClient(made(show)) as client:
        last = client.get("/api/v1/live/painted").headers["x-n"]
        assert problem(client.get("/api/v1/live/painted", params={"after": last})) == (410, "gone")
        assert problem(client.get("/api/v1/live/thumbnails/red")) == (410, "gone")


def test_files(client: TestClient) -> None:
    """The page has its own files and the studio's modules, and no others; parts of its HTML are the studio's."""
    page = client.get("/").text
    assert "live.js" in page and page == client.get("/live.html").text
    assert "<!-- studio" not in page and all(
        f'id="{name}"' in page for name in ("i-theme", "grid", "pad-x", "strength")
    )
    for name in ("live.js", "live.css", "words.js", "camera.js", "studio.css", "pad.js"):
        assert client.get(f"/{name}").status_code == 200
    assert client.get("/app.py").status_code == 404
