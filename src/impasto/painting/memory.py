"""How much memory there is for us: what the machine has free, within the limits of a container and of the process.

Paintings that run at once claim what they are going to take, so that the next one reckons with what is left.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from impasto.errors import foreign, lacks_memory

UNKNOWN = 4 * 2**30  # bytes: the memory we assume where the system does not report it
_UNLIMITED = 2**60  # control groups of the first version write a number like this


def available() -> int:
    """Bytes that this process can still take without swapping, being killed or being refused."""
    return max(0, min([*_machine(), *_groups(), *_process()], default=UNKNOWN))


def used() -> int:
    """Bytes of memory that this process holds now; 0 where the system does not report it."""
    return _statm(1)


class Claims:
    """Bytes that work under way has been promised. Hold ``deciding`` from the look at what is free to the claim."""

    def __init__(self) -> None:
        self.deciding = threading.RLock()
        self._total = self._before = 0

    def take(self, count: int) -> None:
        """Claim ``count`` bytes until ``give_back`` of as many."""
        with self.deciding:
            if not self._total:
                self._before = used()
            self._total += count

    def give_back(self, count: int) -> None:
        with self.deciding:
            self._total -= count

    def open(self) -> int:
        """Bytes that are claimed and not yet taken from the system: no other counter shows them."""
        with self.deciding:
            return max(0, self._total - max(0, used() - self._before)) if self._total else 0


def refusals() -> AbstractContextManager[None]:
    """Where what says that memory was refused becomes a MemoryError; runtimes have errors of their own for that."""
    return foreign(lambda error: MemoryError(str(error)) if lacks_memory(error) else None)


claims = Claims()
if hasattr(os, "register_at_fork"):  # nothing of what the parent does goes on in a child
    os.register_at_fork(after_in_child=claims.__init__)  # type: ignore[misc]


def _statm(field: int) -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[field]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0


def _machine() -> Iterator[int]:
    found = re.search(r"MemAvailable:\s+(\d+) kB", _read(Path("/proc/meminfo")))
    if found:
        yield int(found[1]) * 1024
        return
    names = getattr(os, "sysconf_names", {})
    for pages, share in (("SC_AVPHYS_PAGES", 1.0), ("SC_PHYS_PAGES", 0.5)):
        if pages in names:
            yield int(os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE") * share)
            return


def _groups() -> Iterator[int]:
    """What each control group that we are in has left; page cache of files that it can drop does not count."""
    root = Path("/sys/fs/cgroup")
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        _, controllers, path = line.split(":", 2)
        first = "memory" in controllers.split(",")
        if controllers and not first:
            continue
        top = root / "memory" if first else root
        limit, usage, inactive = (
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            if first
            else ("memory.max", "memory.current", "inactive_file")
        )
        folder = top / path.lstrip("/")
        for place in (folder, *folder.parents):  # in a container the path may be the host's: then only the top is there
            most = _number(_read(place / limit))
            if most is not None and most < _UNLIMITED:
                cached = re.search(rf"^{inactive} (\d+)$", _read(place / "memory.stat"), re.MULTILINE)
                yield most - (_number(_read(place / usage)) or 0) + (int(cached[1]) if cached else 0)
            if place == top:
                break


def _process() -> Iterator[int]:
    if sys.platform == "win32":
        return
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        yield soft - _statm(0)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None
