"""The quicker precision: found by a trial on the processor at hand, and remembered."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from impasto.painting import precision
from impasto.painting.precision import Timed, quicker


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("IMPASTO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "impasto"


def remembered(folder: Path) -> dict[str, str]:
    """All that the files in the cache folder hold."""
    return {key: found for path in folder.iterdir() for key, found in json.loads(path.read_bytes()).items()}


class Processor:
    """A stand-in for a processor: seconds for each precision, and how often a network was opened on it."""

    def __init__(self, f32: float, bf16: float | Exception) -> None:
        self.seconds = {"f32": f32, "bf16": bf16}
        self.opened = 0

    @property
    def openers(self) -> dict[str, Callable[[], Timed]]:
        return {name: lambda name=name: self._open(name) for name in self.seconds}

    def _open(self, name: str) -> Timed:
        self.opened += 1
        seconds = self.seconds[name]
        if isinstance(seconds, Exception):
            raise seconds
        return lambda: seconds


@pytest.mark.parametrize(
    ("f32", "bf16", "taken"),
    [
        (0.068, 0.031, "bf16"),  # AMD with dot products of bfloat16
        (0.038, 0.058, "f32"),  # Intel with them, but without matrix units: slower by half
        (0.050, 0.047, "f32"),  # not worth the rounding
        (0.050, RuntimeError("no such units"), "f32"),
    ],
)
def test_rule(folder: Path, f32: float, bf16: float | Exception, taken: str) -> None:
    """bfloat16 is taken where the trial finds it clearly quicker, and float32 where it is slower, equal or fails."""
    assert quicker("here", Processor(f32, bf16).openers) == taken


def test_remembered(folder: Path) -> None:
    """A trial is made once; another processor, runtime or kind of network, and so another key, has its own."""
    fast_units, slow_units = Processor(2, 1), Processor(1, 2)
    assert [quicker("a", fast_units.openers) for _ in range(3)] == ["bf16"] * 3
    assert quicker("b", slow_units.openers) == "f32"
    assert fast_units.opened == slow_units.opened == 2
    assert remembered(folder) == {"a": "bf16", "b": "f32"}


def test_remembered_side_by_side(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that end their trials at once both remember what they found."""
    really = precision.write_atomically

    def slow(path: Path, data: bytes) -> None:
        monkeypatch.setattr(precision, "write_atomically", really)
        quicker("b", Processor(1, 2).openers)  # another process, between the making and the writing of the first entry
        really(path, data)

    monkeypatch.setattr(precision, "write_atomically", slow)
    quicker("a", Processor(2, 1).openers)
    assert remembered(folder) == {"a": "bf16", "b": "f32"}


@pytest.mark.parametrize("held", [b"", b"{", b"\xff\xfe", b"[1]", b'{"a": 7}', b'{"a": "f64"}', b"[" * 100_000])
def test_damaged_memory(folder: Path, held: bytes) -> None:
    """A damaged file counts as none, and is written anew."""
    quicker("a", Processor(1, 2).openers)
    (file,) = folder.iterdir()
    file.write_bytes(held)
    assert quicker("a", Processor(2, 1).openers) == "bf16"
    assert remembered(folder) == {"a": "bf16"}


def test_two_processes_at_once(folder: Path) -> None:
    """Of two that try at the same time both go by what is remembered first, for they are to paint the same."""
    other, here = Processor(0.050, 0.020), Processor(0.020, 0.050)

    def late() -> Timed:
        assert quicker("here", other.openers) == "bf16"
        return here.openers["f32"]()

    assert quicker("here", {**here.openers, "f32": late}) == "bf16"
    assert quicker("here", here.openers) == "bf16"


def test_without_a_cache_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be kept every opening tries, and nothing is written."""
    monkeypatch.setenv("IMPASTO_CACHE", "off")
    here = Processor(2, 1)
    assert [quicker("a", here.openers) for _ in range(2)] == ["bf16"] * 2
    assert here.opened == 4 and not folder.exists()


def test_memory_that_cannot_be_written(folder: Path) -> None:
    """A file that cannot be replaced is left, and the trial's answer is taken all the same."""
    quicker("a", Processor(1, 2).openers)
    (file,) = folder.iterdir()
    file.unlink()
    file.mkdir()
    assert quicker("a", Processor(2, 1).openers) == "bf16"


def test_memory_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered longest is forgotten beyond so many files; other kinds of files are left alone."""
    monkeypatch.setattr(precision, "MOST_FILES", 3)
    folder.mkdir()
    (folder / "other-a.json").write_text("{}")
    for at in range(5):
        precision.remembered("word", str(at), ["yes"], lambda: "yes")
        for path in folder.glob("word-*"):
            os.utime(path, (path.stat().st_mtime - 10,) * 2)
    assert sorted(remembered(folder)) == ["2", "3", "4"]
    assert (folder / "other-a.json").exists()
