"""Ctrl-C, whenever it comes, ends the studio without a word of Python's, uvicorn's or C++'s."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect

from impasto.cli.studio import _is_news
from impasto.server import run
from impasto.server.bodies import unless_gone
from impasto.server.previews import OvertakenError
from impasto.server.settings import Settings

SAID = "impasto: interrupted: nothing was written\n"
needs_groups = pytest.mark.skipif(not hasattr(os, "killpg"), reason="the system has no groups of processes")


def interrupted(network_file: Path, folder: Path, delay: float, *, shown: bool) -> tuple[int, str]:
    """Exit code and standard error of a studio that gets Ctrl-C as a terminal sends it: to all its processes."""
    command = [sys.executable, "-m", "impasto", "studio", "--no-browser", "--port", "0", "--network", str(network_file)]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=environment, start_new_session=True) as process:
        try:
            if shown:
                assert process.stdout and process.stdout.readline()
            time.sleep(delay)
            os.killpg(process.pid, signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    return process.returncode, err


@needs_groups
@pytest.mark.process
@pytest.mark.parametrize("delay", [0.0, 0.2, 0.5])
def test_while_its_processes_begin(network_file: Path, tmp_path: Path, delay: float) -> None:
    """Soon after its address is shown, while its processes are still being imported, it ends in silence."""
    assert interrupted(network_file, tmp_path, delay, shown=True) == (0, "")
    assert list(tmp_path.iterdir()) == []


@needs_groups
@pytest.mark.process
@pytest.mark.parametrize("delay", [0.3, 0.7, 1.0, 2.0])
def test_while_it_begins(network_file: Path, tmp_path: Path, delay: float) -> None:
    """Before that it ends with the line that all commands have, or in silence."""
    code, err = interrupted(network_file, tmp_path, delay, shown=False)
    assert (code, err) in [(0, ""), (130, SAID), (-signal.SIGINT, SAID)]


def test_before_uvicorn_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between the address and uvicorn's own handler ends the server as a later one does."""
    settings = Settings()
    monkeypatch.setattr(uvicorn.Config, "get_loop_factory", lambda config: signal.raise_signal(signal.SIGINT))
    with run.bound("127.0.0.1", 0) as listener, warnings.catch_warnings():
        warnings.simplefilter("error")
        rules = run.rules(settings, listener, host="127.0.0.1", token=None)
        run.run(Starlette(), settings, listener, rules, lambda line, error: None)
        gc.collect()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class Gone:
    """A request whose sender hangs up at once."""

    async def receive(self) -> dict[str, Any]:
        return {"type": "http.disconnect"}


def test_an_aborted_preview() -> None:
    """What an aborted call raises in the end is no error that anybody must read."""
    printed = []

    async def overtaken() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            raise OvertakenError("a newer one") from None

    async def ask() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: printed.append(context["message"]))
        with pytest.raises(ClientDisconnect):
            await unless_gone(Gone(), overtaken())  # type: ignore[arg-type]
        await asyncio.sleep(0.01)
        gc.collect()

    asyncio.run(ask())
    assert printed == []


def test_cancelled_requests_are_no_news() -> None:
    """That running requests are cancelled at the end is not printed; what else uvicorn reports is."""
    found = [
        _is_news(logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, message, (1,), None))
        for message in ("Cancel %s running task(s), timeout graceful shutdown exceeded", "Exception in ASGI %s")
    ]
    assert found == [False, True]
