"""Which precision is quicker here: tried with the network at hand, and remembered by processor and runtime."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from impasto import quiet
from impasto.files import write_atomically

FILE = "precision.json"  # in the cache folder: what was quicker, by what it depends on
GAIN = 0.9  # bfloat16 rounds, so it must take less than this share of float32's time
TURNS = 3  # of which the quickest counts

Timed = Callable[[], float]  # paints once, and gives the seconds


def quicker(key: str, openers: dict[str, Callable[[], Timed]]) -> str:
    """ "f32" or "bf16": what is remembered under ``key``, or else what a trial finds, which is then remembered.

    ``openers`` has a function for each that opens the network and gives one that paints. Where bfloat16 fails it is
    float32. Without a cache folder every call tries.
    """
    folder = quiet.cache_folder()
    known = _known(folder / FILE) if folder else {}
    if known.get(key) in openers:
        return known[key]
    found = _tried(openers)
    if folder:
        with suppress(OSError):  # it is tried again next time
            write_atomically(folder / FILE, json.dumps(_known(folder / FILE) | {key: found}, indent=1).encode())
    return found


def _known(file: Path) -> dict[str, str]:
    """What the file remembers; nothing if it is missing, damaged or something else."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _tried(openers: dict[str, Callable[[], Timed]]) -> str:
    try:
        paint = {name: opener() for name, opener in openers.items()}
        for once in paint.values():
            once()  # the first warms up
        spent = {name: [] for name in paint}  # type: dict[str, list[float]]
        for _ in range(TURNS):  # in turns, as a processor's clock and other programs change
            for name, once in paint.items():
                spent[name].append(once())
    except Exception:  # what is wrong with the network or the runtime is reported when it is opened
        return "f32"
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
