"""Paintings that are sent become styles: named, painted with, kept as files, forgotten; strangers see none of them."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.errors import StyleNameError
from impasto.server.app import made
from impasto.server.hub import Hub
from impasto.server.own import OwnStyles
from impasto.server.settings import Settings
from impasto.styles.bank import Bank
from tests.server.conftest import PNG, TestClient, drawn, ended, hub_of, opened, problem, sent

PAINTING = drawn(120, 90, seed=5)


@pytest.fixture(scope="module")
def serve(network_file: Path) -> Iterator[TestClient]:
    """A server for strangers that takes paintings of up to a tenth of a megapixel."""
    settings = Settings.serve(network=str(network_file), pixels=100_000, body=2**20)
    with TestClient(made(settings)) as found:
        yield found


def made_of(client: TestClient, data: bytes = PAINTING, name: str = "My Aunt.png", **query: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/styles", content=data, headers=PNG, params={"name": name, **query})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def grey(plane: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(plane).save(file, "PNG")
    return file.getvalue()


def names(client: TestClient) -> list[str]:
    return [style["name"] for style in client.get("/api/v1/styles").json()["styles"]]


def test_a_painting_is_a_style_of_the_studio(client: TestClient) -> None:
    """It is listed as one's own, painted alone, in mixes and regions, and its file paints the same elsewhere."""
    found = made_of(client)
    name = found["name"]
    assert (name, found["title"], found["expires"]) == ("my-aunt", "My Aunt", None)
    listed = {style["name"]: style for style in client.get("/api/v1/styles").json()["styles"]}
    assert [each for each, style in listed.items() if style["own"]] == [name] and listed[name]["title"] == "My Aunt"
    photo = sent(client)["id"]
    mask = grey(np.indices((32, 32)).sum(0).astype(np.uint8) * 4)
    assert client.put(f"/api/v1/photos/{photo}/masks/0", content=mask, headers=PNG).status_code == 204
    looks = [{"styles": {name: 1}}, {"styles": {name: 1, "red": 1}}, {"styles": {"red": 1}}]
    looks.append({"styles": {"red": 1}, "regions": [{"mask": 0, "styles": {name: 1}}]})
    shown = set()
    for look in looks:
        answer = client.post(f"/api/v1/photos/{photo}/previews", json={"recipe": look})
        assert answer.status_code == 200, answer.text
        shown.add(answer.content)
        job = client.post("/api/v1/jobs", json={"photo": photo, "recipe": look, "format": "png"}).json()
        assert ended(client, job["id"])["state"] == "done"
        shown.add(client.get(f"/api/v1/jobs/{job['id']}/result").content)
    assert len(shown) == 8
    assert client.get(f"/api/v1/photos/{photo}/thumbnails/{name}").status_code == 200
    window = {"recipe": looks[0], "x": 0, "y": 0, "width": 32, "height": 32}
    assert client.post(f"/api/v1/photos/{photo}/window", json=window).status_code == 200
    bank = Bank.load(client.get(f"/api/v1/banks/{name}").content)
    assert bank.names == (name,) and bank.cards[0].title == "My Aunt"


def test_no_name_is_given_twice(client: TestClient) -> None:
    """The same name again gets a number, and so does that of a style that is forgotten, or of one that came along."""
    first = made_of(client, name="twice.png")["name"]
    assert client.delete(f"/api/v1/styles/{first}").status_code == 204
    assert first not in names(client)
    assert made_of(client, name="twice.png")["name"] == "twice-2"
    assert [made_of(client, name=name)["name"] for name in ("red.png", "photo.jpg")] == ["red-2", "painting"]
    gone = client.post("/api/v1/paint?style=twice", content=drawn(), headers=PNG)
    assert problem(gone) == (404, "unknown-style") and "no longer kept" in gone.json()["detail"]
    lesson = client.post("/api/v1/lessons", params={"name": first}, content=drawn(), headers=PNG)
    assert lesson.status_code in (422, 501)  # taken, or there is no torch


def test_what_came_along_stays(client: TestClient) -> None:
    """Nobody can have a style forgotten that came with the network, or that is not there."""
    for name in ("red", "nothing", "photo"):
        assert problem(client.delete(f"/api/v1/styles/{name}")) == (404, "unknown-style")
    assert "red" in names(client)


def test_strangers_see_nothing_of_it(serve: TestClient) -> None:
    """A server for strangers lists no such style, hints at none, and gives a name that nobody can guess."""
    found = made_of(serve)
    name = found["name"]
    assert name.startswith("my-aunt-") and len(name) == len("my-aunt-") + 24 and found["expires"] == 600
    assert name not in names(serve)
    painted = serve.post("/api/v1/paint", params={"style": name}, content=drawn(), headers=PNG)
    assert opened(painted.content).shape == (64, 96, 3)
    for wrong in (name[:-1] + "_", name[:-4], "my-aunt"):
        for answer in (
            serve.post("/api/v1/paint", params={"style": wrong}, content=drawn(), headers=PNG),
            serve.delete(f"/api/v1/styles/{wrong}"),
            serve.get(f"/api/v1/banks/{wrong}"),
        ):
            assert problem(answer) == (404, "unknown-style")
            assert name not in answer.text
    assert Bank.load(serve.get(f"/api/v1/banks/{name}").content).names == (name,)
    assert serve.delete(f"/api/v1/styles/{name}").status_code == 204
    gone = serve.post("/api/v1/paint", params={"style": name}, content=drawn(), headers=PNG)
    assert problem(gone) == (404, "unknown-style")


@pytest.mark.parametrize(
    ("data", "headers", "query", "found"),
    [
        (b"", PNG, {}, (422, "bad-picture")),
        (b"no picture at all", PNG, {}, (415, "unsupported-format")),
        (PAINTING[:200], PNG, {}, (422, "bad-picture")),
        (PAINTING, {"content-type": "text/plain"}, {}, (415, "unsupported-type")),
        (b"\x89PNG\r\n\x1a\n" + bytes(2**20), PNG, {}, (413, "too-large")),
        (drawn(400, 300), PNG, {}, (422, "too-many-pixels")),
        (drawn(16, 16), PNG, {}, (422, "bad-picture")),
        (drawn(2000, 30), PNG, {}, (422, "bad-picture")),
        (PAINTING, PNG, {"network": "../tiny"}, (404, "unknown-network")),
        (PAINTING, PNG, {"name": "x" * 401}, (422, "bad-request")),
    ],
)
def test_what_is_no_painting(
    serve: TestClient, data: bytes, headers: dict[str, str], query: dict[str, str], found: tuple[int, str]
) -> None:
    """What is no picture, too large, too small or of another kind is refused in one sentence, and nothing is kept."""
    before = len(hub_of(serve).own)
    assert problem(serve.post("/api/v1/styles", content=data, headers=headers, params=query)) == found
    assert len(hub_of(serve).own) == before


@pytest.mark.parametrize(
    ("label", "word"),
    [("../../etc/passwd", "passwd"), ("a\nb\x00<script>.png", "a-b-script"), ("", "painting"), ("…", "painting")],
)
def test_names_are_words(serve: TestClient, label: str, word: str) -> None:
    """Whatever a painting is called, its style's name is a plain word, and its title one line without folders."""
    found = made_of(serve, name=label)
    assert found["name"].rpartition("-")[0] == word
    assert not set("/\\\n\x00") & set(found["title"])


def test_one_colour_shows_no_style(serve: TestClient) -> None:
    """A picture of one colour is refused by the process that searches, which goes on."""
    answer = serve.post("/api/v1/styles", content=grey(np.full((80, 80), 90, np.uint8)), headers=PNG)
    assert problem(answer) == (422, "bad-picture") and "one colour" in answer.json()["detail"]


def test_where_openvino_is_missing(serve: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session says that paintings are not taken, and so does the answer to one."""
    assert serve.get("/api/v1/session").json()["own_styles"] is True
    monkeypatch.setattr(Hub, "takes_paintings", property(lambda hub: False))
    assert serve.get("/api/v1/session").json()["own_styles"] is False
    answer = serve.post("/api/v1/styles", content=PAINTING, headers=PNG)
    assert problem(answer) == (501, "missing-extra")


def test_styles_are_kept_for_a_while(network_file: Path) -> None:
    """One that is used lives on; others are forgotten, in time or for want of room, and told from a typo."""
    now = [0.0]
    bank = Bank.load(network_file.with_suffix(".safetensors")).select(["red"])
    own = OwnStyles(most=2, life=10.0, clock=lambda: now[0])
    for name in "abc":
        own.add("tiny", bank.rename("red", name))
    assert listed(own) == ["b", "c"] and own.all("other") is None and len(own) == 2
    now[0] = 8.0
    kept = own.bank("tiny", ["b", "unknown"])
    assert kept is not None and kept.names == ("b",)
    now[0] = 12.0
    own.sweep()
    assert listed(own) == ["b"] and own.taken("tiny", "c") and not own.taken("other", "c")
    for name in "ac":
        with pytest.raises(StyleNameError, match="no longer kept; send its painting again"):
            own.bank("tiny", [name])
    assert own.bank("tiny", ["unknown"]) is None
    with pytest.raises(StyleNameError, match="that was made here"):
        own.remove("tiny", "unknown")
    forever = OwnStyles(most=2, life=None, clock=lambda: now[0])
    forever.add("tiny", bank)
    now[0] = 1e9
    assert listed(forever) == ["red"]


def listed(own: OwnStyles) -> list[str]:
    bank = own.all("tiny")
    return [] if bank is None else list(bank.names)


def test_a_list_is_no_use(network_file: Path) -> None:
    """Styles that are but listed do not live on: the one that was not painted with for longest makes room."""
    bank = Bank.load(network_file.with_suffix(".safetensors")).select(["red"])
    own = OwnStyles(most=2, life=None)
    for name in "zab":
        own.add("tiny", bank.rename("red", name))
        assert own.all("tiny") is not None
    assert listed(own) == ["a", "b"]


def test_painters_with_more_styles_are_open_just_once(client: TestClient) -> None:
    """A painter that knows one's own styles is the same open network, and the one without them does not know them."""
    name = made_of(client, name="once.png")["name"]
    painters = hub_of(client).painters
    own = hub_of(client).own.bank("tiny", [name])
    knowing, plain = painters.get("tiny", own=own), painters.get("tiny")
    assert name in knowing.styles and name not in plain.styles
    assert knowing.network is plain.network and knowing.planner is plain.planner
    assert knowing.first is plain.first


def test_settings_of_both_commands() -> None:
    """The studio keeps styles as long as it runs, a server as long as photos."""
    assert Settings().own_life is None
    assert Settings.serve().own_life == Settings.serve().photo_life
    assert dataclasses.replace(Settings(), own_styles=3).own_styles == 3
