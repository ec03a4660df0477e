"""The document of the API against the server: requests drawn from it, right and wrong ones, meet what it promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.serve import TOKEN, served
from impasto.server.app import made
from impasto.server.settings import Settings


def test_every_call_may_be_a_problem() -> None:
    """Every call in the document says what problems look like, and none has FastAPI's own answer to bad requests."""
    document = made(Settings.serve()).openapi()
    calls = [call for path in document["paths"].values() for call in path.values()]
    assert len(calls) > 20
    for call in calls:
        assert {"4XX", "5XX"} < call["responses"].keys() and "422" not in call["responses"]
        assert call["responses"]["4XX"]["content"].keys() == {"application/problem+json"}


@pytest.mark.load
def test_the_document_is_kept(tmp_path: Path) -> None:
    """Whatever is sent, the answer is one of those in the document: its status, its kind, its fields; never a 500."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", "--header", f"Authorization: Bearer {TOKEN}"]
    command += ["--checks", "all", "--exclude-checks", "positive_data_acceptance"]  # no schema says what is a picture
    command += ["--phases", "examples,coverage,fuzzing", "--max-examples", "6", "--seed", "1", "--no-shrink"]
    command += ["--request-timeout", "30", "--warnings", "off"]
    with served("--rate", "0", "--network", "fast") as server:
        address = f"http://127.0.0.1:{server.port}/openapi.json"
        done = subprocess.run([*command, address], cwd=tmp_path, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert [line for line in server.said if "fault" in line] == []
