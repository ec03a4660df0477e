"""Jobs: paintings that wait, are made, are cancelled, fail and are forgotten."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.server import crew
from impasto.server.app import made
from impasto.server.settings import Settings
from tests.conftest import pixels, run, until
from tests.server.conftest import (
    PNG,
    TestClient,
    drawn,
    ended,
    hub_of,
    opened,
    problem,
    sent,
    worker_pid,
)

STOP = getattr(signal, "SIGSTOP", None)
needs_stop = pytest.mark.skipif(STOP is None, reason="the system cannot stop a process")
RED: dict[str, Any] = {"styles": {"red": 1}}


def begun(client: TestClient, photo: str, recipe: dict[str, Any] = RED, **more: Any) -> dict[str, Any]:
    """A job: its record."""
    headers = more.pop("headers", {})
    answer = client.post("/api/v1/jobs", json={"photo": photo, "recipe": recipe, **more}, headers=headers)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/jobs/{found['id']}"
    return found


def result(client: TestClient, id: str) -> bytes:
    answer = client.get(f"/api/v1/jobs/{id}/result")
    assert answer.status_code == 200, answer.text
    return answer.content


@contextlib.contextmanager
def stopped(client: TestClient) -> Iterator[int]:
    """The worker process stands still: whatever it gets it is in the middle of."""
    pid = worker_pid(client)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@pytest.fixture
def own(settings: Settings) -> Iterator[Callable[..., TestClient]]:
    """A server of the test's own, with other limits."""
    with contextlib.ExitStack() as stack:
        yield lambda **limits: stack.enter_context(TestClient(made(replace(settings, **limits))))


@pytest.mark.parametrize(
    ("words", "recipe"),
    [
        (["-s", "red"], RED),
        (["-s", "red:0.6,blue:0.4", "--strength", "0.6"], {"styles": {"red": 0.6, "blue": 0.4}, "strength": 0.6}),
        (["-s", "red", "--size", "48", "--keep-color"], {**RED, "size": 48, "keep_color": True}),
        (
            ["-s", "red", "--size", "200", "--enlarge", "--brush", "64"],
            {**RED, "size": 200, "enlarge": True, "brush": 64},
        ),
    ],
)
def test_paints_as_the_command_line(
    client: TestClient,
    network_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list,
    recipe: dict,
) -> None:
    """A painting has the very pixels of ``impasto paint``, whatever was painted before."""
    photo, target = tmp_path / "cat.png", tmp_path / "painting.png"
    photo.write_bytes(drawn())
    code, _, err = run("paint", photo, "-o", target, "--network", network_file, *words, capsys=capsys)
    assert code == 0, err
    job = begun(client, sent(client, photo.read_bytes())["id"], recipe, format="png")
    assert ended(client, job["id"])["state"] == "done"
    assert np.array_equal(opened(result(client, job["id"])), pixels(target))


def test_regions(client: TestClient) -> None:
    """A region has its style where its mask is white, and ``photo`` leaves the photo as it is."""
    data = drawn()
    id = sent(client, data)["id"]
    mask = np.zeros((8, 12), np.uint8)
    mask[:, 6:] = 255
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "PNG")
    assert client.put(f"/api/v1/photos/{id}/masks/3", content=file.getvalue(), headers=PNG).status_code == 204
    job = begun(client, id, {**RED, "regions": [{"mask": 3, "styles": {"photo": 1}}]}, format="png")
    ended(client, job["id"])
    found, photo = opened(result(client, job["id"])).astype(int), opened(data)
    assert np.abs(found - photo)[:, 60:].max() <= 1
    assert np.abs(found - photo)[:, :36].mean() > 5


def test_record(client: TestClient) -> None:
    """A job says what it is, how it is planned, what its file is called and how large that is."""
    job = begun(client, sent(client, name="My cat.PNG")["id"], {"styles": {"red": 1, "blue": 1}}, format="webp")
    assert (job["plan"]["width"], job["plan"]["height"], job["plan"]["whole"]) == (96, 64, True)
    found = ended(client, job["id"])
    assert (found["name"], found["share"], found["width"]) == ("My cat-red-and-more.webp", 1.0, 96)
    assert found["bytes"] == len(result(client, job["id"]))


def test_events(client: TestClient) -> None:
    """Server-sent events say how far a job is, and end with it."""
    job = begun(client, sent(client)["id"])
    answer = client.get(f"/api/v1/jobs/{job['id']}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [part.split("\n") for part in answer.text.strip().split("\n\n")]
    assert events[-1][0] == "event: done"
    assert json.loads(events[-1][1].removeprefix("data: "))["state"] == "done"
    assert {each[0] for each in events[:-1]} <= {"event: progress"}


def test_is_not_there_before_it_is_done(own: Callable[..., TestClient]) -> None:
    """A result that is not there yet is a problem with a code."""
    client = own()
    with stopped(client):
        job = begun(client, sent(client)["id"])
        assert problem(client.get(f"/api/v1/jobs/{job['id']}/result")) == (409, "not-done")


def test_same_key_same_job(client: TestClient) -> None:
    """A request that is sent again with its Idempotency-Key paints nothing again; another one may not have the key."""
    photo, headers = sent(client)["id"], {"Idempotency-Key": "one"}
    first = begun(client, photo, headers=headers)
    assert begun(client, photo, headers=headers)["id"] == first["id"]
    other = client.post("/api/v1/jobs", json={"photo": photo, "recipe": RED, "quality": 50}, headers=headers)
    assert problem(other) == (422, "key-used")


@needs_stop
def test_a_worker_that_is_killed(own: Callable[..., TestClient]) -> None:
    """A worker that is killed in the middle costs its job, with one sentence; the next one is painted."""
    client = own()
    with stopped(client) as pid:
        photo = sent(client)["id"]
        job, next_one = begun(client, photo), begun(client, photo)
        assert client.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "painting"
        os.kill(pid, signal.SIGKILL)
    found = ended(client, job["id"])
    assert (found["state"], found["error"]["code"], found["error"]["status"]) == ("failed", "worker-died", 500)
    assert problem(client.get(f"/api/v1/jobs/{job['id']}/result")) == (500, "worker-died")
    assert ended(client, next_one["id"])["state"] == "done"


@needs_stop
def test_killed_beside_others(own: Callable[..., TestClient]) -> None:
    """Of small pictures that were painted side by side when the worker died each is tried once more, alone."""
    client, answers = own(), []

    def paint() -> None:
        answers.append(client.post("/api/v1/paint?style=red", content=drawn(), headers=PNG))

    with stopped(client) as pid:
        threads = [threading.Thread(target=paint) for _ in range(2)]
        for thread in threads:
            thread.start()
        until(lambda: len(hub_of(client).jobs.crew.running) == 2)
        os.kill(pid, signal.SIGKILL)
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [200, 200]


@needs_stop
def test_cancel(own: Callable[..., TestClient]) -> None:
    """A painting on its way is cancelled at once, whatever it is at: its process hears nothing; the queue goes on."""
    client = own()
    with stopped(client) as pid:
        photo = sent(client)["id"]
        job, next_one = begun(client, photo), begun(client, photo)
        assert client.delete(f"/api/v1/jobs/{job['id']}").status_code == 204
        until(lambda: not alive(pid))
    assert problem(client.get(f"/api/v1/jobs/{job['id']}")) == (410, "gone")
    assert ended(client, next_one["id"])["state"] == "done"


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@needs_stop
def test_a_full_queue(own: Callable[..., TestClient]) -> None:
    """Beyond the limit a job is refused, with the time after which it is worth trying again; all others are painted."""
    client = own(waiting=2)
    with stopped(client):
        photo = sent(client)["id"]
        jobs = [begun(client, photo) for _ in range(3)]
        answer = client.post("/api/v1/jobs", json={"photo": photo, "recipe": RED})
        assert problem(answer) == (503, "busy")
        assert 1 <= int(answer.headers["retry-after"]) <= 120
        assert client.get(f"/api/v1/jobs/{jobs[2]['id']}").json()["position"] == 2
        assert problem(client.post("/api/v1/paint?style=red", content=drawn(), headers=PNG)) == (503, "busy")
        assert problem(client.get("/readyz")) == (503, "not-ready")
    assert {ended(client, job["id"])["state"] for job in jobs} == {"done"}


@needs_stop
def test_too_many_bytes_wait(own: Callable[..., TestClient]) -> None:
    """The photos that wait have no more bytes together than the limit."""
    client = own(waiting_bytes=len(drawn()) + 10)
    with stopped(client):
        photo = sent(client)["id"]
        begun(client, photo), begun(client, photo)
        assert problem(client.post("/api/v1/jobs", json={"photo": photo, "recipe": RED})) == (503, "busy")


@needs_stop
def test_takes_too_long(own: Callable[..., TestClient]) -> None:
    """A painting that takes longer than it may is ended, with a sentence."""
    client = own(job_time=0.5)
    with stopped(client):
        job = begun(client, sent(client)["id"])
        found = ended(client, job["id"])
    assert found["error"]["code"] == "too-slow"


def test_results_are_forgotten(own: Callable[..., TestClient]) -> None:
    """A painting is kept for its time, and then it is gone."""
    client = own()
    job = begun(client, sent(client)["id"])
    ended(client, job["id"])
    hub_of(client).jobs.life = 0.0  # its time is over
    assert problem(client.get(f"/api/v1/jobs/{job['id']}/result")) == (410, "gone")


def test_a_large_result_has_ranges(client: TestClient) -> None:
    """A painting of more than a megabyte is a file, of which a part may be asked for."""
    rng = np.random.default_rng(0)
    file = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (700, 900, 3), np.uint8)).save(file, "PNG")
    job = begun(client, sent(client, file.getvalue())["id"], format="png")
    found = ended(client, job["id"])
    assert found["bytes"] > 2**20
    part = client.get(f"/api/v1/jobs/{job['id']}/result", headers={"range": "bytes=0-99"})
    assert (part.status_code, len(part.content)) == (206, 100)
    assert opened(result(client, job["id"])).shape == (700, 900, 3)


def test_forgotten_results_leave_the_disk(client: TestClient) -> None:
    """The file of a result that is deleted is gone."""
    rng = np.random.default_rng(1)
    file = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (700, 900, 3), np.uint8)).save(file, "PNG")
    photo = sent(client, file.getvalue())["id"]
    job = begun(client, photo, format="png")
    ended(client, job["id"])
    folder = hub_of(client).folder.path
    before = len(list(folder.iterdir()))
    client.delete(f"/api/v1/jobs/{job['id']}")
    client.delete(f"/api/v1/photos/{photo}")
    assert len(list(folder.iterdir())) == before - 2


@pytest.mark.parametrize("id", ["nothing", "..", "%2e%2e", "a.b", "a" * 65, "%00", "c:", "..%5c..%5cx"])
def test_ids_are_no_paths(client: TestClient, id: str) -> None:
    """Whatever an id looks like, it is one that was given or there is no such thing."""
    for address in (f"/api/v1/jobs/{id}", f"/api/v1/jobs/{id}/result", f"/api/v1/photos/{id}"):
        answer = client.get(address)
        assert answer.status_code in (404, 405), address
        problem(answer)


def test_what_the_format_cannot_hold(client: TestClient) -> None:
    """A painting that its format cannot hold is refused before it is painted."""
    photo = sent(client, drawn(64, 16))["id"]
    answer = client.post(
        "/api/v1/jobs",
        json={"photo": photo, "recipe": {**RED, "size": 20_000, "enlarge": True}, "format": "webp"},
    )
    assert problem(answer)[0] == 422
    assert "16383" in answer.json()["detail"]


def test_a_worker_that_has_grown(own: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that holds too much memory is started afresh when it has nothing to do; no job notices."""
    client = own()
    before, photo = worker_pid(client), sent(client)["id"]
    monkeypatch.setattr(crew, "GROWTH", -(2**40))
    assert ended(client, begun(client, photo)["id"])["state"] == "done"
    until(lambda: not alive(before))
    monkeypatch.setattr(crew, "GROWTH", 2**40)
    assert ended(client, begun(client, photo)["id"])["state"] == "done"
    assert (worker_pid(client) != before, hub_of(client).jobs.crew.deaths) == (True, 0)
