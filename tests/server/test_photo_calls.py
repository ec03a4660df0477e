"""Photos that are sent: what is taken, how long it is kept, previews, thumbnails and masks."""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.painting.network import Network
from impasto.painting.painter import Painter
from impasto.server.app import made
from impasto.server.previews import KEPT, encoded
from impasto.server.settings import Settings
from tests.conftest import until
from tests.server.conftest import JPEG, PNG, TestClient, drawn, hub_of, opened, problem, sent

RED: dict[str, Any] = {"styles": {"red": 1}}


@pytest.fixture
def own(settings: Settings) -> Iterator[Callable[..., TestClient]]:
    """A server of the test's own, with other limits."""
    with contextlib.ExitStack() as stack:
        yield lambda **limits: stack.enter_context(TestClient(made(replace(settings, **limits))))


def grey(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def preview(client: TestClient, id: str, recipe: dict[str, Any] = RED, side: int = 64, n: int = 0) -> Any:
    body = {"recipe": recipe, "max_side": side, "n": n}
    return client.post(f"/api/v1/photos/{id}/previews", json=body)


# ---- sent


def test_record(client: TestClient) -> None:
    """A photo that was sent is described: size, transparency, depth, and when it is forgotten."""
    found = sent(client, drawn(mode="RGBA"), name="C:\\photos\\../my\ncat.png")
    id = found.pop("id")
    assert len(id) > 20
    assert found == {
        "name": "my cat.png",
        "width": 96,
        "height": 64,
        "megapixels": 0.01,
        "alpha": True,
        "bits": 8,
        "expires": 1800.0,
    }
    assert client.get(f"/api/v1/photos/{id}").json()["name"] == "my cat.png"


def test_upright(client: TestClient) -> None:
    """A photo that a camera held on its side is upright: in its record, and as it is shown."""
    image, file = Image.new("RGB", (96, 64), "green"), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(file, "JPEG", exif=exif)
    answer = client.post("/api/v1/photos", content=file.getvalue(), headers=JPEG)
    assert (answer.json()["width"], answer.json()["height"]) == (64, 96)
    shown = client.get(f"/api/v1/photos/{answer.json()['id']}/picture")
    assert opened(shown.content).shape == (96, 64, 3)


def test_what_was_sent_is_never_given_back(client: TestClient) -> None:
    """A photo is shown as we encode it: what hides behind its pixels does not come back."""
    data = drawn(kind="JPEG") + b"<script>alert(1)</script>"
    id = client.post("/api/v1/photos", content=data, headers=JPEG).json()["id"]
    assert b"<script>" not in client.get(f"/api/v1/photos/{id}/picture").content


@pytest.mark.parametrize(
    ("data", "kind", "status", "code"),
    [
        (b"PK\x03\x04" + bytes(100), "image/png", 415, "unsupported-format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", 415, "unsupported-format"),
        (b"%PDF-1.7" + bytes(100), "application/octet-stream", 415, "unsupported-format"),
        (b"#!/bin/sh\n", "image/jpeg", 415, "unsupported-format"),
        (b"hello", "text/plain", 415, "unsupported-type"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "unsupported-type"),
        (b"--x\r\n", "multipart/form-data; boundary=x", 415, "unsupported-type"),
        (b"{}", "application/json", 415, "unsupported-type"),
        (drawn(), "", 415, "unsupported-type"),
        (b"", "image/png", 422, "bad-picture"),
        (drawn()[:200], "image/png", 422, "bad-picture"),
        (drawn(400, 300, "JPEG")[:2000], "image/jpeg", 422, "bad-picture"),
    ],
)
def test_refuses(client: TestClient, data: bytes, kind: str, status: int, code: str) -> None:
    """What is no photo, or a broken one, is refused in one sentence."""
    answer = client.post("/api/v1/photos", content=data, headers={"content-type": kind})
    assert problem(answer) == (status, code)


def test_serve_takes_common_formats_only(own: Callable[..., TestClient]) -> None:
    """What the studio opens, such as a GIF, a server for strangers does not even look at."""
    client, data = own(formats=Settings.serve().formats), drawn(kind="GIF")
    answer = client.post("/api/v1/photos", content=data, headers={"content-type": "image/gif"})
    assert problem(answer) == (415, "unsupported-format")
    assert "JPEG" in answer.json()["detail"]


def test_too_many_bytes(own: Callable[..., TestClient]) -> None:
    """A body is given up as soon as it has too many bytes, whatever it says of its length."""
    client = own(body=1000)

    def pieces() -> Iterator[bytes]:
        yield from [drawn()[:600]] * 5

    for body in (drawn(300, 300), pieces()):
        answer = client.post("/api/v1/photos", content=body, headers=PNG)
        assert problem(answer) == (413, "too-large")


# ---- kept


def test_forgotten(client: TestClient) -> None:
    """A photo that is forgotten is gone, and one that never was is not there."""
    id = sent(client)["id"]
    assert client.delete(f"/api/v1/photos/{id}").status_code == 204
    assert problem(preview(client, id)) == (410, "gone")
    assert problem(preview(client, "never")) == (404, "unknown")


def test_expires(own: Callable[..., TestClient]) -> None:
    """A photo that nobody uses is forgotten after its time."""
    client = own(photo_life=0.1)
    id = sent(client)["id"]
    time.sleep(0.2)
    assert problem(client.get(f"/api/v1/photos/{id}")) == (410, "gone")


def test_no_more_than_so_many(own: Callable[..., TestClient]) -> None:
    """The photo that was not used for longest makes room for a new one."""
    client = own(photos=2)
    first, second = sent(client)["id"], sent(client)["id"]
    client.get(f"/api/v1/photos/{first}")
    sent(client)
    assert client.get(f"/api/v1/photos/{first}").status_code == 200
    assert problem(client.get(f"/api/v1/photos/{second}")) == (410, "gone")


def test_nothing_stays_on_the_disk(settings: Settings) -> None:
    """Large bodies lie in a folder for the server's user alone, and with the server all of it is gone."""
    rng = np.random.default_rng(0)
    data = grey(rng.integers(0, 256, (1200, 1200)))
    with TestClient(made(settings)) as client:
        sent(client, data)
        folder = hub_of(client).folder.path
        assert folder.stat().st_mode & 0o777 == 0o700
        large = [path for path in folder.iterdir() if path.stat().st_size == len(data)]
        assert len(large) == 1
        assert large[0].stat().st_mode & 0o777 == 0o600
    assert not folder.exists()


# ---- previewed


def as_jpeg(image: Image.Image) -> np.ndarray:
    """The pixels of a picture after they were a JPEG as previews are."""
    return opened(encoded(np.asarray(image), None)[0]).astype(int)


@pytest.mark.parametrize("dials", [{}, {"strength": 0.5}, {"keep_color": True}, {"size": 48}])
def test_preview_is_the_painting(client: TestClient, settings: Settings, dials: dict[str, Any]) -> None:
    """The preview of a photo that is not larger than it is its painting, but for JPEG."""
    data = drawn()
    answer = preview(client, sent(client, data)["id"], {"styles": {"red": 0.5, "blue": 0.5}, **dials}, 1024, n=7)
    assert (answer.status_code, answer.headers["x-n"]) == (200, "7")
    assert float(answer.headers["x-seconds"]) > 0
    painting = Painter(settings.network).paint(data, {"red": 0.5, "blue": 0.5}, **dials)
    assert np.abs(opened(answer.content) - as_jpeg(painting)).mean() < 1


def test_another_strength_is_not_painted_anew(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a look that only gets another strength the preview is made of what is painted; of another look it is not."""
    data, painted = drawn(), Painter(settings.network)
    id = sent(client, data)["id"]
    network = hub_of(client).previews.painters.get("tiny").network
    paint, calls = network.paint, []
    monkeypatch.setattr(network, "paint", lambda *given: calls.append(given) or paint(*given))
    for number, (style, strength) in enumerate([("red", 1), ("red", 0.3), ("red", 1.4), ("red", 0), ("blue", 0.3)]):
        answer = preview(client, id, {"styles": {style: 1}, "strength": strength}, 1024, n=number)
        expected = as_jpeg(painted.paint(data, style, strength=strength))
        assert np.abs(opened(answer.content) - expected).mean() < 1
    assert len(calls) == 2


def test_sharp_preview_of_fine_strokes(client: TestClient, settings: Settings) -> None:
    """A first pass that is larger than any preview, for the sake of fine strokes, is painted at its size and shrunk."""
    data = drawn(1500, 1000)
    painter = Painter(settings.network)
    answer = preview(client, sent(client, data)["id"], {**RED, "brush": 600, "stroke_size": 256}, 1024)
    fine, plain = (
        as_jpeg(painter.preview(data, "red", brush=600, stroke_size=size).resize((1024, 683), Image.Resampling.LANCZOS))
        for size in (256, 512)
    )
    found = opened(answer.content)  # of noise that was shrunk to 1,024 px when it came
    assert np.abs(found - fine).mean() < 0.75 * np.abs(found - plain).mean()


def test_only_the_last_photos_keep_previews(client: TestClient) -> None:
    """Previews at full strength are kept with their photo, and of a few photos alone."""
    photos = [sent(client, drawn(60 + number, 40))["id"] for number in range(KEPT + 2)]
    for photo in photos:
        assert preview(client, photo).status_code == 200
    kept = [bool(hub_of(client).store.get(photo).previews) for photo in photos]
    assert kept == [False, False, *[True] * KEPT]


def test_preview_of_two_passes(client: TestClient, settings: Settings) -> None:
    """What is painted in two passes is previewed by its first pass, as ``Painter.preview`` has it."""
    data = drawn(300, 200)
    answer = preview(client, sent(client, data)["id"], {**RED, "brush": 96}, 1024)
    expected = as_jpeg(Painter(settings.network).preview(data, "red", brush=96))
    other = as_jpeg(Painter(settings.network).preview(data, "blue", brush=96))
    found = opened(answer.content)
    assert found.shape == expected.shape == (64, 96, 3)
    assert np.abs(found - expected).mean() < 12 < np.abs(found - other).mean()


@pytest.mark.parametrize("dials", [{}, {"brush": 600}])
def test_sharp_preview_is_the_painting_from_afar(client: TestClient, settings: Settings, dials: dict[str, Any]) -> None:
    """A preview above 384 px is painted at the size of the painting, or of its first pass, and shrunk then."""
    data = drawn(1000, 700)
    answer = preview(client, sent(client, data)["id"], {**RED, **dials}, 400)
    image = Painter(settings.network).preview(data, "red", **dials)
    expected = as_jpeg(image.resize((400, 280), Image.Resampling.LANCZOS))
    assert np.abs(opened(answer.content) - expected).mean() < (12 if dials else 3)


def test_preview_is_as_large_as_asked(client: TestClient) -> None:
    """No preview is larger than ``max_side`` says, and none larger than the painting."""
    id = sent(client, drawn(300, 200))["id"]
    assert opened(preview(client, id, side=100).content).shape == (67, 100, 3)
    assert opened(preview(client, id, side=1000).content).shape == (200, 300, 3)
    assert opened(preview(client, id, {**RED, "size": 90}, side=1000).content).shape == (60, 90, 3)


def test_decoded_as_far_as_is_needed(client: TestClient) -> None:
    """Of a JPEG so much is decoded at first as quick previews need, and more where somebody asks for a sharp one."""
    data, store = drawn(900, 600, "JPEG"), hub_of(client).store
    ids = [client.post("/api/v1/photos", content=data, headers=JPEG).json()["id"] for _ in range(3)]
    assert [max(store.get(id).small.pixels.shape) for id in ids] == [384] * 3
    assert opened(preview(client, ids[0], side=384).content).shape == (256, 384, 3)
    assert opened(preview(client, ids[1], side=800).content).shape == (533, 800, 3)
    assert opened(client.get(f"/api/v1/photos/{ids[2]}/picture?side=900").content).shape == (600, 900, 3)
    assert [max(store.get(id).small.pixels.shape) for id in ids] == [384, 900, 900]


def test_preview_with_alpha(client: TestClient) -> None:
    """The preview of a photo with transparency is a PNG with it."""
    answer = preview(client, sent(client, drawn(mode="RGBA"))["id"])
    assert answer.headers["content-type"] == "image/png"
    assert opened(answer.content).shape[2] == 4


def test_preview_of_deep_photos(client: TestClient) -> None:
    """A photo of 16 bits is previewed as others are."""
    file = io.BytesIO()
    Image.fromarray((np.arange(64 * 96).reshape(64, 96) * 10).astype(np.uint16)).save(file, "PNG")
    photo = sent(client, file.getvalue())
    assert photo["bits"] == 16
    assert preview(client, photo["id"]).status_code == 200


@pytest.mark.parametrize("side", [63, 1025, "large", None])
def test_preview_sizes(client: TestClient, side: Any) -> None:
    """A preview is from 64 to 1,024 pixels large."""
    assert problem(preview(client, sent(client)["id"], side=side)) == (422, "bad-request")


def test_the_newest_preview_wins(client: TestClient) -> None:
    """Of previews of a photo that wait all but the newest get 409; those of other photos wait on."""
    one, other = sent(client)["id"], sent(client)["id"]
    answers: dict[str, Any] = {}
    go, hub = threading.Event(), hub_of(client)
    client.portal.call(lambda: hub.previews.bench.submit(0, go.wait) and None)  # type: ignore[union-attr]

    def ask(name: str, id: str) -> None:
        answers[name] = preview(client, id)

    threads = []
    for name, id in [("a", one), ("b", other), ("c", one), ("d", one)]:
        asked = hub.previews.asked
        threads.append(threading.Thread(target=ask, args=(name, id)))
        threads[-1].start()
        until(lambda asked=asked: hub.previews.asked != asked)
    go.set()
    for thread in threads:
        thread.join(60)
    assert {name: answer.status_code for name, answer in answers.items()} == {"a": 409, "b": 200, "c": 409, "d": 200}
    assert problem(answers["a"]) == (409, "overtaken")


@pytest.mark.parametrize(("side", "status"), [(1024, 409), (384, 200)])
def test_a_sharp_preview_gives_way(client: TestClient, monkeypatch: pytest.MonkeyPatch, side: int, status: int) -> None:
    """A large preview that is being painted is ended for a newer one of its photo; a quick one is soon over anyway."""
    photo, answers = sent(client, drawn(1200, 800))["id"], []
    begun, halted, paint = threading.Event(), threading.Event(), Network.paint

    def slow(network: Network, *words: Any) -> Any:
        if not begun.is_set():
            begun.set()
            halted.wait(60 if side > 384 else 0.2)
        return paint(network, *words)

    def halt(network: Network, on: bool) -> None:
        plain(network, on)
        halted.set()

    plain = Network.halt
    monkeypatch.setattr(Network, "paint", slow)
    monkeypatch.setattr(Network, "halt", halt)
    thread = threading.Thread(target=lambda: answers.append(preview(client, photo, side=side)))
    thread.start()
    assert begun.wait(60)
    assert preview(client, photo, {"styles": {"blue": 1}}).status_code == 200
    thread.join(60)
    assert answers[0].status_code == status


@pytest.mark.parametrize(
    ("recipe", "status", "code"),
    [
        ({"styles": {}}, 422, "bad-request"),
        ({"styles": {f"s{i}": 1 for i in range(17)}}, 422, "bad-request"),
        ({"styles": {"rde": 1}}, 404, "unknown-style"),
        ({"styles": {"<img src=x onerror=alert(1)>": 1}}, 404, "unknown-style"),
        ({"styles": {"red": 0}}, 422, "bad-option"),
        ({"styles": {"red": -1}}, 422, "bad-option"),
        ({"styles": {"red": "much"}}, 422, "bad-request"),
        ({**RED, "strength": 1.6}, 422, "bad-option"),
        ({**RED, "brush": 3}, 422, "bad-option"),
        ({**RED, "brush": "broad"}, 422, "bad-option"),
        ({**RED, "network": "../full"}, 404, "unknown-network"),
        ({**RED, "regions": [{"mask": 8, "styles": {"red": 1}}]}, 422, "bad-request"),
        ({**RED, "regions": [{"mask": 7, "styles": {"red": 1}}]}, 422, "no-mask"),
        ({**RED, "path": "/etc/passwd"}, 422, "bad-request"),
    ],
)
def test_recipes(client: TestClient, recipe: dict[str, Any], status: int, code: str) -> None:
    """A recipe that cannot be painted is refused the same by previews, plans and jobs."""
    id = sent(client)["id"]
    answers = [
        preview(client, id, recipe),
        client.post(f"/api/v1/photos/{id}/plan", json={"recipe": recipe}),
        client.post("/api/v1/jobs", json={"photo": id, "recipe": recipe}),
    ]
    assert [problem(answer) for answer in answers] == [(status, code)] * 3


@pytest.mark.parametrize("weight", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_weights_are_finite(client: TestClient, weight: str) -> None:
    """What is no number for JSON is none for a mix."""
    text = f'{{"recipe": {{"styles": {{"red": {weight}}}}}}}'
    id = sent(client)["id"]
    answer = client.post(f"/api/v1/photos/{id}/previews", content=text, headers={"content-type": "application/json"})
    assert problem(answer)[0] == 422


@pytest.mark.parametrize("text", ["{", "[]", "null", '"a"', "{}", '{"recipe": 1}', '{"a":' * 5000])
def test_json_that_is_none(client: TestClient, text: str) -> None:
    """JSON that is broken, or of another shape, is a sentence."""
    id = sent(client)["id"]
    answer = client.post(f"/api/v1/photos/{id}/previews", content=text, headers={"content-type": "application/json"})
    assert problem(answer) in [(422, "bad-request"), (400, "bad-request")]


def test_json_by_its_type(client: TestClient) -> None:
    """JSON that is sent as something else is refused: other pages may send texts."""
    id = sent(client)["id"]
    for kind in ("text/plain", "image/png", "application/x-www-form-urlencoded"):
        answer = client.post(
            f"/api/v1/photos/{id}/previews",
            content=b'{"recipe": {"styles": {"red": 1}}}',
            headers={"content-type": kind},
        )
        assert problem(answer) == (415, "unsupported-type")


def test_thumbnails(client: TestClient) -> None:
    """A thumbnail is the photo in one style, small, painted once."""
    id = sent(client, drawn(300, 200))["id"]
    first = client.get(f"/api/v1/photos/{id}/thumbnails/green?side=64")
    assert opened(first.content).shape == (43, 64, 3)
    assert "private" in first.headers["cache-control"]
    assert client.get(f"/api/v1/photos/{id}/thumbnails/green?side=64").content == first.content
    assert problem(client.get(f"/api/v1/photos/{id}/thumbnails/gren")) == (404, "unknown-style")
    square = client.get(f"/api/v1/photos/{id}/thumbnails/green?side=48&square=true")
    assert opened(square.content).shape == (48, 48, 3)


def test_plan(client: TestClient) -> None:
    """A plan says what the painting will be, and about how long it takes."""
    id = sent(client)["id"]
    found = client.post(f"/api/v1/photos/{id}/plan", json={"recipe": {**RED, "size": 300, "enlarge": True}}).json()
    assert (found["width"], found["height"], found["megapixels"], found["whole"]) == (300, 200, 0.06, True)
    assert 0 < found["seconds"] < 10
    assert found["memory"] > 10**7 < found["free"]


# ---- masked


def test_masks_are_stretched(client: TestClient) -> None:
    """A mask of any size lies over the whole photo: where it is white is its style, elsewhere the other."""
    id = sent(client)["id"]
    mask = np.zeros((4, 6))
    mask[:, 3:] = 255
    assert client.put(f"/api/v1/photos/{id}/masks/0", content=grey(mask), headers=PNG).status_code == 204
    found = opened(
        preview(client, id, {"styles": {"photo": 1}, "regions": [{"mask": 0, "styles": {"red": 1}}]}).content
    )
    plain = opened(client.get(f"/api/v1/photos/{id}/picture?side=64").content).astype(int)
    apart = np.abs(found - plain).mean(axis=2)
    assert apart[:, :20].mean() < 4 < apart[:, 44:].mean()
    assert client.delete(f"/api/v1/photos/{id}/masks/0").status_code == 204
    assert problem(preview(client, id, {**RED, "regions": [{"mask": 0, "styles": {"red": 1}}]})) == (422, "no-mask")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (grey(np.zeros((4, 1025))), 422),
        (drawn(kind="JPEG"), 422),
        (grey(np.zeros((4, 4)))[:40], 422),
        (b"hello", 422),
        (b"", 422),
    ],
)
def test_masks_that_are_none(client: TestClient, data: bytes, status: int) -> None:
    """A mask is a grey PNG of at most 1,024 pixels a side."""
    answer = client.put(f"/api/v1/photos/{sent(client)['id']}/masks/0", content=data, headers=PNG)
    assert problem(answer) == (status, "bad-picture")


@pytest.mark.parametrize("k", ["8", "-1", "a", "1.5"])
def test_mask_numbers(client: TestClient, k: str) -> None:
    """There are eight masks."""
    answer = client.put(f"/api/v1/photos/{sent(client)['id']}/masks/{k}", content=grey(np.zeros((4, 4))), headers=PNG)
    assert problem(answer) == (404, "unknown")


# ---- the addresses


def test_other_methods(client: TestClient) -> None:
    """An address says which methods it takes, all of them."""
    answer = client.patch("/api/v1/photos/abc")
    assert problem(answer) == (405, "wrong-method")
    assert answer.headers["allow"] == "DELETE, GET"


def test_other_addresses(client: TestClient) -> None:
    """Where nothing is, the answer is a problem, too."""
    assert problem(client.get("/api/v1/nothing")) == (404, "unknown")
    assert problem(client.get("/nothing.js")) == (404, "unknown")
