"""The studio from a double click, from its source: what it shows where nobody sees a terminal, and how it ends."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from impasto.cli.options import STUDIO_PORT
from impasto.errors import OptionError
from impasto.server.run import bound
from tests.conftest import until

CODE = "from impasto.cli import double_click as d, window; d.PATIENCE = window.PATIENCE = {patience}; d.main()"
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="desktops of Linux")


def program(path: Path, lines: str) -> Path:
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return path


def started(folder: Path, *, patience: float = 60, **environment: str) -> subprocess.Popen[str]:
    """The app, with nothing in its environment but what is given."""
    words = {"PATH": str(folder), "HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", CODE.format(patience=patience)]
    return subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=words | environment)


def address(folder: Path) -> str:
    """What the browser was opened with."""
    return until(lambda: opened(folder))[-1]


def opened(folder: Path) -> list[str]:
    """All that it was opened with."""
    return (folder / "opened").read_text().split() if (folder / "opened").exists() else []


@linux
@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "impasto: there is no display to show impasto studio on; start it from a desktop\n"),
        ({"DISPLAY": ":9"}, "impasto: impasto studio is a page, and there is no browser to open it; install one\n"),
    ],
)
def test_bad_surroundings(tmp_path: Path, environment: dict[str, str], says: str) -> None:
    """No display or no browser is one sentence, in a window where the desktop has a program for that."""
    program(tmp_path / "zenity", f'echo "$@" >> {tmp_path}/window')
    with started(tmp_path, **environment) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (2, "", says)
    assert (tmp_path / "window").read_text().endswith(err.removeprefix("impasto: "))


@linux
@pytest.mark.process
def test_the_last_page_ends_it(tmp_path: Path) -> None:
    """It opens its page with a token, stays while a page is open, and ends by itself when none is."""
    browser = program(tmp_path / "browser", f'echo "$1" > {tmp_path}/opened')
    with started(tmp_path, patience=10, BROWSER=str(browser)) as process:
        base, _, token = address(tmp_path).partition("/?token=")
        asked = urllib.request.Request(f"{base}/api/v1/visit", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(asked, timeout=60) as page:
            assert page.readline() == b": ping\n"
            time.sleep(12)
            assert process.poll() is None
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


@linux
@pytest.mark.process
def test_a_second_opens_the_page_of_the_first(tmp_path: Path) -> None:
    """A second double click, and an impatient third at the same time, start no server; a taken port is no matter."""
    browser = program(tmp_path / "browser", f'echo "$1" >> {tmp_path}/opened')
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OptionError):  # it is taken already
            stack.enter_context(bound("127.0.0.1", STUDIO_PORT))
        clicks = [started(tmp_path, BROWSER=str(browser)) for _ in range(3)]
        base, _, token = address(tmp_path).partition("/?token=")
        until(lambda: sum(each.poll() is None for each in clicks) == 1)
        until(lambda: len(opened(tmp_path)) == 3)
        assert set(opened(tmp_path)) == {f"{base}/?token={token}"}
        end = urllib.request.Request(f"{base}/api/v1/end", b"", {"Authorization": f"Bearer {token}"})
        urllib.request.urlopen(end, timeout=60).close()
        for each in clicks:
            assert each.communicate(timeout=60)[1] == "" and each.returncode == 0


@linux
@pytest.mark.process
def test_an_error_is_a_page(tmp_path: Path) -> None:
    """What goes wrong after all stands on a page that the browser gets over HTTP."""
    seen = f'import urllib.request as u, sys; print(u.urlopen(sys.argv[1]).read().decode())\' "$1" > {tmp_path}/page'
    browser = program(tmp_path / "browser", f"{sys.executable} -c '{seen}")
    (tmp_path / f"impasto-studio-{os.getuid()}").write_text("a file")
    with started(tmp_path, BROWSER=str(browser)) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2 and err.count("\n") == 1 and "no folder for temporary files" in err
    assert "<p>there is no folder for temporary files" in (tmp_path / "page").read_text()
