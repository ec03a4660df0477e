"""A real server under attack: what is sent to it costs little memory, is answered, and harms nobody who comes after."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from bombs import BOMBS, HTML, POLYGLOTS, saved

from benchmarks.serve import STYLE, Served, picture, resident, served

PAINT = f"/api/v1/paint?style={STYLE}"
MOST = 100 * 2**20  # bytes by which the process that listens may grow
JSON = "application/json"


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    """``impasto serve`` with the quick network, warm."""
    with served("--rate", "0", "--network", "fast") as found:
        assert found.ask("POST", PAINT, picture(64))[0] == 200
        yield found


@pytest.fixture
def photo(server: Served) -> str:
    """A photo that the server keeps: its id."""
    status, _, body = server.ask("POST", "/api/v1/photos", picture(64))
    assert status == 201
    return str(json.loads(body)["id"])


def problem(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    """Status and code of a problem: one sentence, without a path, a traceback or a word of the inside."""
    status, headers, body = answer
    record = json.loads(body)
    assert headers["content-type"] == "application/problem+json"
    assert record.keys() == {"type", "title", "status", "detail", "code"} and record["status"] == status
    text = body.decode()
    assert "\n" not in record["detail"] and not [word for word in ("Traceback", "/root", "/tmp", ".py") if word in text]
    return status, record["code"]


class Watch:
    """The most memory that the listening process had, beyond what it had before."""

    def __init__(self, pid: int) -> None:
        self.pid, self.first = pid, resident(pid)
        self.most, self.over = self.first, threading.Event()
        self.thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self.over.wait(0.005):
            self.most = max(self.most, resident(self.pid))

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self.thread.join()

    @property
    def growth(self) -> int:
        return self.most - self.first


def kind_of(data: bytes) -> str:
    """What a sender would say that it is."""
    return "image/jpeg" if data[:2] == b"\xff\xd8" else "image/webp" if data[8:12] == b"WEBP" else "image/png"


# Pictures


@pytest.mark.load  # each takes a decoder seconds
@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("path", ["/api/v1/photos", f"{PAINT}&size=64"])
def test_bombs(server: Served, name: str, path: str) -> None:
    """A bomb is refused with one sentence or survived, costs little memory and time, and the next is served."""
    data, before = BOMBS[name](), server.seconds()
    with Watch(server.process.pid) as watch:
        answer = server.ask("POST", path, data, kind_of(data))
        if answer[0] not in (200, 201):
            assert problem(answer)[0] in (413, 415, 422, 504)
        assert server.ask("GET", "/healthz")[0] == 200
    assert watch.growth < MOST
    assert server.seconds() - before < 30
    assert server.ask("POST", PAINT, picture(64))[0] == 200
    assert server.process.poll() is None


@pytest.mark.load
def test_health_while_bombs_are_opened(server: Served) -> None:
    """While a picture of many scans is being opened, health is answered at once."""
    data, times = BOMBS["JPEG of 2,000 scans"](), []
    senders = [threading.Thread(target=server.ask, args=("POST", "/api/v1/photos", data)) for _ in range(3)]
    for sender in senders:
        sender.start()
    while any(sender.is_alive() for sender in senders):
        start = time.monotonic()
        assert server.ask("GET", "/healthz")[0] == 200
        times.append(time.monotonic() - start)
        time.sleep(0.02)
    assert sorted(times)[len(times) * 95 // 100] < 1  # a machine may be busy; a blocked loop would take all of it


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5, 0.99])
def test_truncated_uploads(server: Served, kind: str, share: float) -> None:
    """A picture that ends too early is painted as far as it goes, or refused with one sentence."""
    data = saved(kind)
    answer = server.ask("POST", PAINT, data[: int(len(data) * share)], f"image/{kind.lower()}")
    assert answer[0] == 200 or problem(answer)[0] in (415, 422)


@pytest.mark.parametrize("name", POLYGLOTS)
def test_uploads_never_come_back_as_they_were(server: Served, name: str) -> None:
    """What is shown is what we encoded: of a picture that is a page as well, only the picture comes back."""
    data = POLYGLOTS[name]()
    status, _, body = server.ask("POST", "/api/v1/photos?name=%3Cscript%3E", data, kind_of(data))
    assert status == 201
    found = json.loads(body)["id"]
    for answer in (
        server.ask("GET", f"/api/v1/photos/{found}/picture"),
        server.ask("GET", f"/api/v1/photos/{found}/thumbnails/{STYLE}"),
        server.ask("POST", f"{PAINT}&metadata=true", data, kind_of(data)),
    ):
        assert answer[0] == 200 and answer[1]["content-type"].startswith("image/")
        assert answer[1]["x-content-type-options"] == "nosniff"
        assert HTML not in answer[2] and b"data.pkl" not in answer[2]


@pytest.mark.parametrize("name", ["pickle", "zip", "SVG", "PNG of 60,000 x 60,000 in 440 KB", "GIF of 10,000 frames"])
def test_masks_that_are_none(server: Served, photo: str, name: str) -> None:
    """What is no grey PNG is no mask."""
    answer = server.ask("PUT", f"/api/v1/photos/{photo}/masks/0", BOMBS[name]())
    assert problem(answer)[0] in (413, 415, 422)


def test_style_files_are_not_taken(server: Served) -> None:
    """There is no route by which a file of styles, a pickle or a zip could be loaded."""
    for name in ("pickle", "zip", "safetensors", "numpy"):
        for method, path in (("POST", "/api/v1/banks"), ("PUT", "/api/v1/banks/x"), ("POST", "/api/v1/lessons")):
            answer = server.ask(method, path, BOMBS[name](), "application/octet-stream")
            assert problem(answer)[0] in (404, 405, 415, 422)


# Paths

TRICKS = [
    "..", ".", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%2e%2e%2f", "..%5c..%5cwindows", "..\\..", "%00", "a%00.png",
    "%252e%252e%252f", "%c0%ae%c0%ae", "C:%5c", "C:", "%2fetc%2fpasswd", "etc/passwd", "~", "~root", "file:%2f%2f",
    "%0d%0aX:1", "con", "nul", "-rf", "*", "$HOME", "`id`", "a'b", 'a"b', "%7b%7d", "%e2%80%ae", "x" * 4000, "%",
    "%zz", "..;", "None", "NaN", "-1", "0x1", "1e9", "__proto__", "%ef%bc%8e%ef%bc%8e", "a//b", "./x",
]  # fmt: skip


def operations(server: Served) -> list[tuple[str, str]]:
    """Methods and paths of the document, those with a place for an id or a name."""
    paths = json.loads(server.ask("GET", "/openapi.json")[2])["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods if "{" in path]


@pytest.mark.parametrize("trick", TRICKS)
def test_path_tricks_on_every_route(server: Served, photo: str, trick: str) -> None:
    """In place of any id, number or name, tricks with paths are 404 at best: nothing outside is ever opened."""
    trick = trick.encode("ascii").decode().replace('"', "%22").replace("`", "%60")
    for method, path in operations(server):
        for place in [part for part in path.split("/") if part.startswith("{")]:
            others = {"{id}": photo, "{k}": "0", "{style}": STYLE}
            words = [trick if part == place else others.get(part, part) for part in path.split("/")]
            body = picture(64) if method in ("POST", "PUT") else None
            answer = server.ask(method, "/".join(words), body)
            assert problem(answer)[0] in (404, 405, 414, 415), (method, path)  # 415: a picture where JSON is due


def test_names_are_only_labels(server: Served) -> None:
    """The name of a photo may be anything; it is one line without folders when it comes back."""
    for name in (
        "..%2f..%2fetc%2fpasswd",
        "C%3A%5Ca%5Cb.jpg",
        "%00",
        "%0d%0aSet-Cookie:x",
        "x" * 300,
        "%ed%a0%80",
        "%E2%80%AE",
    ):
        status, _, body = server.ask("POST", f"/api/v1/photos?name={name}", picture(64))
        label = json.loads(body)["name"]
        assert status == 201 and len(label) <= 100 and label.isprintable() and not {"/", "\\"} & set(label)


# JSON

MANY = "[" * 20_000 + "]" * 20_000
WEIGHTS = ["NaN", "Infinity", "-Infinity", "-1", "0", "1e999", "null", "[1]", "{}", '"x"', "1" + "0" * 5000]
DIALS = [
    '"strength": NaN', '"strength": 9', '"strength": -1', '"strength": {}', '"size": -1', '"size": 0', '"size": 10.5',
    '"size": 100000000, "enlarge": true', '"brush": -1', '"brush": "../x"', '"brush": {}', '"stroke_size": NaN',
    '"stroke_size": 1e400', '"keep_color": 7', '"unknown": 1', '"network": "../../x"', '"network": "\\u0000"',
    '"network": 5', '"regions": {}', '"regions": [{"mask": 7, "styles": {"STYLE": 1}}]',
    '"regions": [{"mask": -1, "styles": {"STYLE": 1}}]', '"regions": [{"mask": 0, "styles": {"STYLE": NaN}}]',
]  # fmt: skip
RECIPES = [
    "{}", "[]", "null", "1", '"x"', "", "{", "\xff", "NaN", MANY, '{"styles": null}', '{"styles": {}}',
    '{"styles": []}', '{"styles": {"\\ud800": 1}}', '{"styles": {"": 1}}', '{"styles": {"../../x": 1}}',
    '{"styles": {"nobody": 1}}',
    *(f'{{"styles": {{"STYLE": {weight}}}}}' for weight in WEIGHTS),
    *(f'{{"styles": {{"STYLE": 1}}, {dial}}}' for dial in DIALS),
]  # fmt: skip


@pytest.mark.parametrize("recipe", RECIPES, ids=[recipe[:50] for recipe in RECIPES])
def test_wrong_recipes(server: Served, photo: str, recipe: str) -> None:
    """What is no recipe, or one that cannot be, is refused with one sentence wherever recipes are taken."""
    text = recipe.replace("STYLE", STYLE).encode("latin-1")
    for path, body in (
        (f"/api/v1/photos/{photo}/previews", b'{"n": 1, "max_side": 64, "recipe": %s}' % text),
        (f"/api/v1/photos/{photo}/window", b'{"x": 0, "y": 0, "width": 9, "height": 9, "n": 1, "recipe": %s}' % text),
        (f"/api/v1/photos/{photo}/plan", b'{"recipe": %s}' % text),
        ("/api/v1/jobs", b'{"photo": "%s", "recipe": %s}' % (photo.encode(), text)),
    ):
        assert problem(server.ask("POST", path, body, JSON))[0] in (400, 404, 422), path


QUERIES = [
    "", "style=", "style=nobody", "style=STYLE:nan", "style=STYLE:inf", "style=STYLE:-1", "style=STYLE:0", "style=%00",
    "style=%ed%a0%80", "style=" + ",".join(f"STYLE{n}:1" for n in range(200)),
]  # fmt: skip
MORE = [
    "strength=nan", "strength=1e999", "size=-1", "size=1e9", "brush=x", "quality=0", "quality=999", "dpi=nan", "dpi=-1",
    "format=svg", "format=..%2fx", "network=..%2fx", "unknown=1", "keep_color=7", "url=http://169.254.169.254/",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES + [f"style=STYLE&{dial}" for dial in MORE])
def test_wrong_queries(server: Served, query: str) -> None:
    """The same holds for the dials of a painting in one call."""
    answer = server.ask("POST", f"/api/v1/paint?{query.replace('STYLE', STYLE)}", picture(64))
    assert problem(answer)[0] in (400, 404, 422)


def test_a_wrong_shape_of_mask(server: Served, photo: str) -> None:
    """A mask of another shape is stretched, and one beyond the limit is refused."""
    path = f"/api/v1/photos/{photo}/masks/1"
    assert server.ask("PUT", path, saved("PNG", 7))[0] == 204
    assert problem(server.ask("PUT", path, saved("PNG", 1100)))[0] == 422
    recipe: dict[str, Any] = {"styles": {STYLE: 1}, "regions": [{"mask": 1, "styles": {"photo": 1}}]}
    body = json.dumps({"recipe": recipe, "n": 1, "max_side": 64}).encode()
    assert server.ask("POST", f"/api/v1/photos/{photo}/previews", body, JSON)[0] == 200


# Whoever leaves, and whoever dies


def test_a_worker_that_dies(server: Served) -> None:
    """A worker that is killed in the middle costs its job one sentence; the next one is served."""
    data = picture(2400)
    body = server.ask("POST", "/api/v1/photos", data)[2]
    job = {"photo": json.loads(body)["id"], "recipe": {"styles": {STYLE: 1}, "network": "full", "brush": "small"}}
    if "full" not in json.loads(server.ask("GET", "/api/v1/session")[2])["networks"]:
        del job["recipe"]["network"]  # type: ignore[attr-defined]
    made = json.loads(server.ask("POST", "/api/v1/jobs", json.dumps(job).encode(), JSON)[2])

    def record() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(server.ask("GET", f"/api/v1/jobs/{made['id']}")[2])
        return found

    end = time.monotonic() + 90
    while record()["state"] == "waiting" and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.2)
    for pid in server.painters():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while record()["state"] == "painting" and time.monotonic() < end:
        time.sleep(0.05)
    found = record()
    assert found["state"] == "failed" and found["error"]["code"] == "worker-died"
    assert "\n" not in found["error"]["detail"]
    assert server.ask("POST", PAINT, picture(64))[0] == 200


def test_nothing_was_a_fault(server: Served) -> None:
    """After all of the above, the server has reported no fault of its own."""
    assert [line for line in server.said if "fault" in line or "Traceback" in line] == []
