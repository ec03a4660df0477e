"""Windows: a place of the painting at full size, for a loupe."""

from __future__ import annotations

import io
import os
import signal
import threading
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.painting.painter import Painter
from impasto.server.app import made
from impasto.server.crew import Crew
from impasto.server.previews import encoded
from impasto.server.settings import Settings
from tests.conftest import until
from tests.server.conftest import TestClient, drawn, ended, hub_of, opened, problem, sent, worker_pid

RED: dict[str, Any] = {"styles": {"red": 1}}
needs_stop = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="the system cannot stop a process")


def window(client: TestClient, id: str, place: tuple[int, int, int, int], recipe: dict[str, Any] = RED) -> Any:
    names = ("x", "y", "width", "height")
    body = {"recipe": recipe, "n": 5, **dict(zip(names, place, strict=True))}
    return client.post(f"/api/v1/photos/{id}/window", json=body)


def test_is_a_part_of_the_painting(client: TestClient, settings: Settings) -> None:
    """A window has the pixels of the painting at its place, but for JPEG."""
    data = drawn(200, 150)
    answer = window(client, sent(client, data)["id"], (40, 30, 64, 48))
    assert (answer.status_code, answer.headers["x-n"], answer.headers["x-about"]) == (200, "5", "0")
    painting = np.asarray(Painter(settings.network).paint(data, "red"))[30:78, 40:104]
    expected = opened(encoded(painting, None, 95)[0]).astype(int)
    assert np.abs(opened(answer.content) - expected).mean() < 1


def test_with_regions(client: TestClient) -> None:
    """A mask that was sent anew is seen at once."""
    id = sent(client, drawn(200, 150))["id"]
    recipe = {**RED, "regions": [{"mask": 0, "styles": {"photo": 1}}]}
    seen = []
    for value in (0, 255):
        client.put(
            f"/api/v1/photos/{id}/masks/0",
            content=grey(value),
            headers={"content-type": "image/png"},
        )
        seen.append(opened(window(client, id, (10, 10, 64, 64), recipe).content).astype(int))
    assert np.abs(seen[0] - seen[1]).mean() > 5


def grey(value: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (16, 16), value).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("place", "code"),
    [((96, 0, 10, 10), "bad-picture"), ((0, 64, 10, 10), "bad-picture"), ((0, 0, 1025, 10), "bad-request")],
)
def test_outside(client: TestClient, place: tuple[int, int, int, int], code: str) -> None:
    """A window that is not inside the painting is refused."""
    assert problem(window(client, sent(client)["id"], place)) == (422, code)


def windows(client: TestClient) -> Crew:
    """Who paints windows, once one was painted."""
    assert window(client, sent(client)["id"], (0, 0, 16, 16)).status_code == 200
    return hub_of(client).orders.windows.crew


@needs_stop
def test_the_newest_wins(settings: Settings) -> None:
    """A window that waits is overtaken by a newer one of the same photo."""
    answers: dict[str, Any] = {}
    with TestClient(made(settings)) as client:
        id, queue = sent(client)["id"], hub_of(client).orders.windows
        (pid,) = windows(client).pids
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        threads = []
        for name in ("first", "second"):
            before = queue.asked
            threads.append(
                threading.Thread(target=lambda name=name: answers.update({name: window(client, id, (0, 0, 32, 32))}))
            )
            threads[-1].start()
            until(lambda before=before: queue.asked != before)
        os.kill(pid, signal.SIGCONT)
        for thread in threads:
            thread.join(60)
    assert problem(answers["first"]) == (409, "overtaken")
    assert answers["second"].status_code == 200


@needs_stop
def test_beside_a_painting(settings: Settings) -> None:
    """A window does not wait for a painting that is on its way."""
    with TestClient(made(settings)) as client:
        id, pid = sent(client)["id"], worker_pid(client)
        os.kill(pid, signal.SIGSTOP)
        job = client.post("/api/v1/jobs", json={"photo": id, "recipe": RED}).json()
        assert window(client, id, (0, 0, 32, 32)).status_code == 200
        assert client.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "painting"
        os.kill(pid, signal.SIGCONT)
        assert ended(client, job["id"])["state"] == "done"


def test_their_process_ends(settings: Settings) -> None:
    """The process of windows begins with the first, ends when nobody looks for a while, and begins anew then."""
    with TestClient(made(settings)) as client:
        assert hub_of(client).orders.windows.crew.pids == []
        crew = windows(client)
        crew.idle = 0.0
        until(lambda: not crew.pids)
        crew.idle = 60.0
        assert windows(client).deaths == 0
