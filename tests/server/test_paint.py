"""``POST /paint``: a photo in, the painting out, in one call."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import pixels, run
from tests.server.conftest import JPEG, PNG, TestClient, drawn, hub_of, opened, problem


def painted(client: TestClient, data: bytes, **query: object) -> bytes:
    answer = client.post("/api/v1/paint", params={"style": "red", **query}, content=data, headers=PNG)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_paints_as_the_command_line(
    client: TestClient, network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The painting is that of ``impasto paint``, to a step of 255 (jobs are to the last bit)."""
    photo, target = tmp_path / "cat.png", tmp_path / "painting.png"
    photo.write_bytes(drawn())
    mix, words = "red:0.6,blue:0.4", ("--strength", "0.6", "--keep-color", "--size", "80")
    code, _, err = run("paint", photo, "-s", mix, "-o", target, "--network", network_file, *words, capsys=capsys)
    assert code == 0, err
    dials = {"style": mix, "strength": 0.6, "keep_color": True, "size": 80, "format": "png"}
    apart = opened(painted(client, photo.read_bytes(), **dials)).astype(int) - pixels(target)
    assert np.abs(apart).max() <= 1


@pytest.mark.parametrize(("format", "kind"), [("jpeg", "JPEG"), ("png", "PNG"), ("webp", "WEBP")])
def test_formats(client: TestClient, format: str, kind: str) -> None:
    """The painting comes in the format that was asked for, and says so."""
    answer = client.post("/api/v1/paint", params={"style": "red", "format": format}, content=drawn(), headers=PNG)
    assert answer.headers["content-type"] == f"image/{format}"
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.format, image.size) == (kind, (96, 64))


def test_is_a_file_to_be_saved(client: TestClient) -> None:
    """What is painted is an attachment with a name, and nobody keeps it on the way."""
    answer = client.post("/api/v1/paint?style=red", content=drawn(), headers=PNG)
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''painting-red.jpg"
    assert answer.headers["cache-control"] == "no-store"


def test_metadata_stays_behind(client: TestClient) -> None:
    """Where a photo was taken is in the painting only if it is asked for."""
    image, file = Image.new("RGB", (64, 64), "green"), io.BytesIO()
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1], exif[0x0110] = "N", "A camera"
    image.save(file, "JPEG", exif=exif)

    def camera(**query: object) -> object:
        data = client.post("/api/v1/paint", params={"style": "red", **query}, content=file.getvalue(), headers=JPEG)
        with Image.open(io.BytesIO(data.content)) as found:
            return found.getexif().get(0x0110)

    assert camera() is None
    assert camera(metadata=True) == "A camera"


def test_alpha_is_carried_over(client: TestClient) -> None:
    """Transparent places of the photo are transparent in a PNG."""
    data = drawn(mode="RGBA")
    found = opened(painted(client, data, format="png"))
    assert found.shape[2] == 4
    assert np.array_equal(found[..., 3], opened(data)[..., 3])


def test_dpi(client: TestClient) -> None:
    """The resolution that was asked for is in the file."""
    with Image.open(io.BytesIO(painted(client, drawn(), dpi=300))) as image:
        assert round(float(image.info["dpi"][0])) == 300


@pytest.mark.parametrize(
    ("query", "status", "code", "says"),
    [
        ({"style": "rde"}, 404, "unknown-style", "'red'"),
        ({"style": "red:0"}, 422, "bad-option", "weight"),
        ({"style": "red:nan"}, 422, "bad-option", "weight"),
        ({"style": ""}, 422, "bad-option", "name is missing"),
        ({"style": ",".join(f"s{i}" for i in range(17))}, 422, "too-many-styles", "16"),
        ({"style": "red", "strength": "nan"}, 422, "bad-option", "strength must be"),
        ({"style": "red", "strength": 2}, 422, "bad-option", "1.5"),
        ({"style": "red", "size": 0}, 422, "bad-option", "size"),
        ({"style": "red", "size": "1e9"}, 422, "bad-request", "size"),
        ({"style": "red", "brush": "broad"}, 422, "bad-option", "brush"),
        ({"style": "red", "stroke_size": 3000}, 422, "bad-option", "from 128 to 2048 pixels"),
        ({"style": "red", "enlarge": True}, 422, "bad-option", "size"),
        ({"style": "red", "quality": 101}, 422, "bad-option", "quality"),
        ({"style": "red", "dpi": "inf"}, 422, "bad-option", "dpi"),
        ({"style": "red", "format": "gif"}, 422, "bad-request", "format"),
        ({"style": "red", "network": "huge"}, 404, "unknown-network", "tiny"),
        ({"style": "red", "url": "http://x"}, 422, "bad-request", "no such field"),
        ({}, 422, "bad-request", "style"),
    ],
)
def test_refuses(client: TestClient, query: dict, status: int, code: str, says: str) -> None:
    """What cannot be painted is refused in one sentence, with a status and a code for programs."""
    answer = client.post("/api/v1/paint", params=query, content=drawn(), headers=PNG)
    assert problem(answer) == (status, code)
    assert says in answer.json()["detail"]


def test_alone_it_has_one_stream(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small picture that nothing else is painted beside gets one stream: several round otherwise in bfloat16."""
    worker, beside = hub_of(client).jobs.crew._members[0], []
    send = worker.send
    monkeypatch.setattr(worker, "send", lambda task: (beside.append(task.beside), send(task)))
    painted(client, drawn())
    painted(client, drawn(80, 60))
    assert beside == [False, False]
