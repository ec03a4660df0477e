"""Which precision is quicker here: tried with the network at hand, and remembered by processor and runtime."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from impasto import quiet
from impasto.errors import attempt
from impasto.files import write_atomically

FILE = "precision-{}.json"  # in the cache folder, one for each key: of two processes at once none loses its entry
GAIN = 0.9  # bfloat16 rounds, so it must take less than this share of float32's time
TURNS = 3  # of which the quickest counts

Timed = Callable[[], float]  # paints once, and gives the seconds


def quicker(key: str, openers: dict[str, Callable[[], Timed]]) -> str:
    """ "f32" or "bf16": what is remembered under ``key``, or else what a trial finds, which is then remembered.

    ``openers`` has a function for each that opens the network and gives one that paints. Where bfloat16 fails it is
    float32. Without a cache folder every call tries.
    """
    folder = quiet.cache_folder()
    file = folder / FILE.format(hashlib.sha256(key.encode()).hexdigest()[:16]) if folder else None
    known = _known(file, key) if file else ""
    if known in openers:
        return known
    found = attempt(lambda: _tried(openers), "f32")  # what is wrong with it is reported when the network is opened
    if file:
        with suppress(OSError):  # it is tried again next time
            write_atomically(file, json.dumps({key: found}).encode())
    return found


def _known(file: Path, key: str) -> str:
    """What the file remembers; "" if it is missing, damaged or something else."""
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(file.read_bytes())
        return str(found.get(key)) if isinstance(found, dict) else ""
    return ""


def _tried(openers: dict[str, Callable[[], Timed]]) -> str:
    paint = {name: opener() for name, opener in openers.items()}
    for once in paint.values():
        once()  # the first warms up
    spent = {name: [] for name in paint}  # type: dict[str, list[float]]
    for _ in range(TURNS):  # in turns, as a processor's clock and other programs change
        for name, once in paint.items():
            spent[name].append(once())
    return "bf16" if min(spent["bf16"]) < GAIN * min(spent["f32"]) else "f32"


@cache
def processor() -> str:
    """The processor's model, in the words of the system."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def instructions() -> str:
    """The cap on oneDNN's instructions that the user has set, "" for none."""
    return os.environ.get("ONEDNN_MAX_CPU_ISA", "")
