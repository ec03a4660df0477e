"""Which precision is quicker here: tried with the network at hand, and remembered by processor and runtime."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Container
from contextlib import suppress
from pathlib import Path

from impasto import quiet
from impasto.errors import attempt
from impasto.files import keep_newest, write_atomically

GAIN = 0.9  # bfloat16 rounds, so it must take less than this share of float32's time
TURNS = 3  # of which the quickest counts
MOST_FILES = 400  # of a kind; beyond it the oldest go

Timed = Callable[[], float]  # paints once, and gives the seconds


def quicker(key: str, openers: dict[str, Callable[[], Timed]]) -> str:
    """ "f32" or "bf16": what is remembered under ``key``, or else what a trial finds, which is then remembered.

    ``openers`` has a function for each that opens the network and gives one that paints. Where bfloat16 fails it is
    float32. Without a cache folder every call tries.
    """
    # what is wrong with it is reported when the network is opened
    return remembered("precision", key, openers, lambda: attempt(lambda: _tried(openers), "f32"))


def remembered(kind: str, key: str, words: Container[str], find: Callable[[], str]) -> str:
    """The one of ``words`` that the cache folder has under ``key``, or what ``find`` finds, which is then in it.

    Each key has a file of its own, kind-….json: of two processes at once none loses its entry.
    """
    folder = quiet.cache_folder()
    file = folder / f"{kind}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json" if folder else None
    known = _known(file, key) if file else ""
    if known in words:
        return known
    found = find()
    if file:
        known = _known(file, key)
        if known in words:  # another process was quicker: all go by its word, and paint the same
            return known
        with suppress(OSError):  # it is tried again next time
            write_atomically(file, json.dumps({key: found}).encode())
            keep_newest(file.parent, f"{kind}-*.json", count=MOST_FILES)
    return found


def _known(file: Path, key: str) -> str:
    """What the file remembers; "" if it is missing, damaged or something else."""
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(file.read_bytes())
        return str(found.get(key)) if isinstance(found, dict) else ""
    return ""


def _tried(openers: dict[str, Callable[[], Timed]]) -> str:
    spent = fastest(openers)
    return "bf16" if spent["bf16"] < GAIN * spent["f32"] else "f32"


def fastest(openers: dict[str, Callable[[], Timed]]) -> dict[str, float]:
    """The least seconds in which each paints, in turns, as a processor's clock and other programs change."""
    paint = {name: opener() for name, opener in openers.items()}
    for once in paint.values():
        once()  # the first warms up
    spent = {name: [] for name in paint}  # type: dict[str, list[float]]
    for _ in range(TURNS):
        for name, once in paint.items():
            spent[name].append(once())
    return {name: min(seconds) for name, seconds in spent.items()}
