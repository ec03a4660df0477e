"""The process that decodes what is previewed."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest

from impasto.server.app import made
from impasto.server.settings import Settings
from tests.conftest import until
from tests.server.conftest import PNG, TestClient, drawn, hub_of, problem, sent

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="the system cannot stop a process")


def asked(client: TestClient, answers: list[Any]) -> threading.Thread:
    """A photo is sent, and its process has it."""
    hub = hub_of(client)
    thread = threading.Thread(
        target=lambda: answers.append(client.post("/api/v1/photos", content=drawn(), headers=PNG))
    )
    thread.start()
    until(lambda: hub.intake.shrinking.busy or not thread.is_alive())
    return thread


def test_a_photo_that_breaks_its_reader(settings: Settings) -> None:
    """A photo that ends the process that reads it is refused in one sentence, and the next one is taken."""
    answers: list[Any] = []
    with TestClient(made(settings)) as client:
        sent(client)
        (pid,) = hub_of(client).intake.shrinking.pids
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        thread = asked(client, answers)
        os.kill(pid, signal.SIGKILL)
        thread.join(60)
        assert problem(answers[0]) == (422, "bad-picture")
        sent(client)


def test_a_reader_that_dies_while_it_is_free(settings: Settings) -> None:
    """A process that was ended while it had nothing to do costs no photo."""
    with TestClient(made(settings)) as client:
        sent(client)
        (pid,) = hub_of(client).intake.shrinking.pids
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: pid not in hub_of(client).intake.shrinking.pids)
        sent(client)


def test_a_photo_that_takes_for_ever(settings: Settings) -> None:
    """A photo whose decoding takes too long is refused in one sentence, and the next one is taken."""
    answers: list[Any] = []
    with TestClient(made(settings)) as client:
        sent(client)
        hub_of(client).intake.shrinking.patience = 0.3
        (pid,) = hub_of(client).intake.shrinking.pids
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        asked(client, answers).join(60)
        assert problem(answers[0]) == (422, "bad-picture")
        assert "too long" in answers[0].json()["detail"]
        hub_of(client).intake.shrinking.patience = 30
        sent(client)
