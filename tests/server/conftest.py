"""A server with a tiny network, and what is sent to it."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it would like a newer httpx, which has another name
    from starlette.testclient import TestClient as TestClient

from PIL import Image

from impasto.server.app import made
from impasto.server.hub import Hub
from impasto.server.settings import Settings
from tests.conftest import until

JPEG = {"content-type": "image/jpeg"}
PNG = {"content-type": "image/png"}


def drawn(width: int = 96, height: int = 64, kind: str = "PNG", mode: str = "RGB", seed: int = 0) -> bytes:
    """A made-up photo, soft, as a file's bytes."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 6, len(mode)), np.uint8), mode if mode != "RGB" else None)
    file = io.BytesIO()
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(file, kind)
    return file.getvalue()


def opened(data: bytes) -> np.ndarray:
    """The pixels in a file's bytes."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def hub_of(client: TestClient) -> Hub:
    found: Hub = client.app.state.hub  # type: ignore[attr-defined]
    return found


def sent(client: TestClient, data: bytes | None = None, **query: Any) -> dict[str, Any]:
    """A photo sent: its record."""
    answer = client.post("/api/v1/photos", content=data or drawn(), headers=PNG, params=query)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ended(client: TestClient, id: str, seconds: float = 90.0) -> dict[str, Any]:
    """A job once it is over: its record."""
    found: dict[str, Any] = {}

    def over() -> bool:
        found.update(client.get(f"/api/v1/jobs/{id}").json())
        return found["state"] not in ("waiting", "painting")

    until(over, seconds)
    return found


def worker_pid(client: TestClient, seconds: float = 90.0) -> int:
    """The number of the worker process, once it is ready."""
    until(lambda: hub_of(client).jobs.crew.ready, seconds)
    pid = hub_of(client).jobs.crew.pids[0]
    assert pid is not None
    return pid


def problem(answer: Any) -> tuple[int, str]:
    """Status and code of an answer that is a problem, in one clean sentence."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found = answer.json()
    assert found["status"] == answer.status_code
    assert set(found) == {"type", "title", "status", "detail", "code"}
    assert "Traceback" not in answer.text and "/tmp" not in answer.text and os.getcwd() not in answer.text
    assert "\n" not in found["detail"] and len(found["detail"]) < 400
    return found["status"], found["code"]


@pytest.fixture(scope="session")
def settings(network_file: Path) -> Settings:
    """Those of a studio whose network is ``tiny``."""
    return Settings(network=str(network_file))


@pytest.fixture(scope="session")
def client(settings: Settings) -> Iterator[TestClient]:
    """A studio that all tests share; nobody breaks it."""
    with TestClient(made(settings)) as found:
        worker_pid(found)
        until(lambda: hub_of(found).tried, 90)
        yield found
