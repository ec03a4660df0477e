"""How much memory there is: the least of what the machine, the container and the process allow."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from impasto.painting import memory
from impasto.painting.network import Network
from impasto.painting.planner import Planner

GB = 2**30


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Files of a Linux system, by their names; empty at first."""
    files: dict[str, str] = {}
    monkeypatch.setattr(memory, "_read", lambda path: files.get(Path(path).as_posix(), ""))
    monkeypatch.setattr(memory, "_process", lambda: iter(()))
    files["/proc/meminfo"] = f"MemTotal: {16 * GB // 1024} kB\nMemAvailable:  {8 * GB // 1024} kB\n"
    return files


def test_the_machine_alone(system: dict[str, str]) -> None:
    """Without limits it is what the machine has free."""
    assert memory.available() == 8 * GB


def test_a_container(system: dict[str, str]) -> None:
    """A control group counts by what it has left, with the cache of files that it can drop."""
    system["/proc/self/cgroup"] = "0::/box/inner\n"
    system["/sys/fs/cgroup/box/inner/memory.max"] = "max\n"
    assert memory.available() == 8 * GB
    system["/sys/fs/cgroup/box/memory.max"] = f"{3 * GB}\n"
    system["/sys/fs/cgroup/box/memory.current"] = f"{2 * GB}\n"
    assert memory.available() == GB
    system["/sys/fs/cgroup/box/memory.stat"] = f"anon 5\ninactive_file {GB // 2}\n"
    assert memory.available() == GB + GB // 2


def test_a_container_that_sees_its_own_top(system: dict[str, str]) -> None:
    """Inside a container the group's path may be the host's; its limit lies at the top."""
    system["/proc/self/cgroup"] = "0::/far/away\n"
    system["/sys/fs/cgroup/memory.max"] = str(GB)
    assert memory.available() == GB


def test_an_old_container(system: dict[str, str]) -> None:
    """The first version of control groups has other names, and a huge number for no limit."""
    system["/proc/self/cgroup"] = "5:cpu:/x\n4:memory:/box\n0::/\n"
    system["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = "9223372036854771712"
    system["/sys/fs/cgroup/memory/box/memory.limit_in_bytes"] = str(2 * GB)
    system["/sys/fs/cgroup/memory/box/memory.usage_in_bytes"] = str(GB)
    assert memory.available() == GB


def test_a_full_container_has_nothing(system: dict[str, str]) -> None:
    """It is never less than nothing."""
    system["/proc/self/cgroup"] = "0::/\n"
    system["/sys/fs/cgroup/memory.max"] = str(GB)
    system["/sys/fs/cgroup/memory.current"] = str(2 * GB)
    assert memory.available() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_this_machine() -> None:
    """Here too there is some memory, and we use some."""
    assert memory.available() > 0
    assert memory.used() >= 0


@pytest.mark.parametrize(("threads", "running"), [(1, 320), (2, 640), (16, 763)])
def test_what_tiles_leave(network_file: Path, monkeypatch: pytest.MonkeyPatch, threads: int, running: int) -> None:
    """Of the memory for tiles those that run take more with more cores, but leave half of it for what waits."""
    pytest.importorskip("openvino")
    planner = Planner(Network(network_file, runtime="openvino", threads=threads))
    monkeypatch.setattr(planner, "_budget", lambda painted: 1_600_000_000)
    blank = np.zeros((64, 64, 3), np.uint8)
    large = planner.large(blank, planner._any_row())
    assert round(large.budget / 2**20) == running and large.budget + large.spare == 1_600_000_000
