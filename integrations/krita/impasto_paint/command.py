"""The installed impasto, called from inside another program: found, asked for its styles, made to paint, ended.

Knows neither GIMP nor Krita, whose plug-ins have a copy each. Only Python's own library, from 3.8 on: these programs
bring a Python of their own, in which nothing can be installed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

OLDEST = (0, 1, 0)  # whose options and records these are
BRUSHES = ("medium", "small", "large")
STRENGTHS = (0.0, 1.5)
PLACES = ("~/.local/bin", "~/bin", "/usr/local/bin", "/opt/homebrew/bin")  # which a program from a menu may not know
# What a program sets for its own Python and libraries, with which another Python does not start.
THEIRS = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "QT_PLUGIN_PATH", "GI_TYPELIB_PATH")
WAIT = 0.05  # seconds between two looks at a running process
PATIENCE = 60.0  # seconds for what answers at once; the first start on a slow disk takes some


class Trouble(Exception):
    """One sentence for people: what is wrong, and what to do."""


class Choice(NamedTuple):
    """What is to be painted, as the options of ``impasto paint``."""

    style: str
    strength: float = 1.0
    brush: str = "medium"
    keep_color: bool = False

    @property
    def options(self) -> list[str]:
        options = ["--style", self.style, "--strength", f"{self.strength:g}", "--brush", self.brush]
        return options + ["--keep-color"] * self.keep_color


def find() -> str:
    """The command ``impasto``: what IMPASTO names, or the first on PATH or in the usual places; Trouble if none."""
    named = os.environ.get("IMPASTO", "")
    places = os.pathsep.join([os.environ.get("PATH", ""), *map(os.path.expanduser, PLACES)])
    found = shutil.which(named or "impasto", path=places)
    if found is None and named:
        raise Trouble(f"IMPASTO names {named}, which is no program; let it name the command impasto")
    if found is None:
        raise Trouble(
            "impasto was not found; install it (pip install impasto), or let the environment variable IMPASTO name it"
        )
    return found


def styles() -> list[str]:
    """The styles of the installed impasto, which is looked for and checked first; Trouble if it is too old."""
    program = find()
    version = re.search(r"(\d+)\.(\d+)\.(\d+)", _answer([program, "--version"]))
    oldest = ".".join(map(str, OLDEST))
    if version is None:
        raise Trouble(f"{program} is not impasto {oldest} or newer; let the environment variable IMPASTO name that")
    if tuple(map(int, version.groups())) < OLDEST:
        raise Trouble(f"{program} is impasto {version[0]}, and {oldest} is needed; pip install --upgrade impasto")
    try:
        cards = {card["name"]: card for card in json.loads(_answer([program, "styles", "--json"]))["styles"]}
    except (ValueError, KeyError, TypeError) as error:
        raise Trouble(f"{program} lists its styles in a way that is not known here; update the plug-in") from error
    return [name for name, card in cards.items() if name != "photo" and card.get("stroke_of") not in cards]


def paint(photo: Path, choice: Choice, cancelled: Callable[[], bool] = lambda: False) -> Path | None:
    """Paint the picture in a file into another beside it; None once ``cancelled``, which is asked all the time.

    Trouble with impasto's own sentence where it cannot be painted. No process is left behind.
    """
    target = photo.with_name("painting.png")
    command = [find(), "paint", str(photo), "--output", str(target), "--force", *choice.options]
    if _run(command, cancelled) is None:
        return None
    if not target.exists():
        raise Trouble(f"{command[0]} painted nothing; try it in a terminal")
    return target


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for pictures on their way, gone behind a ``with``."""
    return tempfile.TemporaryDirectory(prefix="impasto-")


def _answer(command: list[str]) -> str:
    """What a command prints, if it does within a minute."""
    end = time.monotonic() + PATIENCE
    out = _run(command, lambda: time.monotonic() > end)
    if out is None:
        raise Trouble(f"{command[0]} does not answer; try it in a terminal")
    return out


def _run(command: list[str], cancelled: Callable[[], bool]) -> str | None:
    """What a command prints; None if it was ``cancelled``, Trouble if it fails. It has ended in any case."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:  # pipes fill up while nobody reads
        process = _start(command, out, err)
        try:
            while process.poll() is None:
                if cancelled():
                    return None
                time.sleep(WAIT)
        finally:
            _end(process)
        if process.returncode != 0:
            raise Trouble(_sentence(_text(err)) or f"{command[0]} ended with code {process.returncode} and no word")
        return _text(out)


def _start(command: list[str], out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[bytes]:
    env = {name: value for name, value in os.environ.items() if name not in THEIRS}
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # of Windows, where a console would flash up
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, creationflags=hidden
        )
    except OSError as error:
        raise Trouble(f"{command[0]} cannot be started ({error.strerror}); try it in a terminal") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _sentence(text: str) -> str:
    """impasto's own last word on standard error, or whatever stands there last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    own = [line[len("impasto: ") :] for line in lines if line.startswith("impasto: ")]
    return (own or lines or [""])[-1]
