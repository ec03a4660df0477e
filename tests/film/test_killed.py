"""A film whose painting is killed goes on where it was, and ends with the same bytes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from impasto.film.work import folder_of
from tests.conftest import until
from tests.film.drawn import Drawing, film

pytestmark = pytest.mark.film


def command(network: Path, source: Path, target: Path, *more: str) -> list[str]:
    words = ["video", source, "-s", "red", "-o", target, "--network", network, "--precision", "f32", *more]
    return [sys.executable, "-m", "impasto", *map(str, words)]


def finished(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize(("name", "times"), [("out.mp4", 20), ("out.mkv", 4), ("out.gif", 4), ("frames", 4)])
def test_killed(network_file: Path, tmp_path: Path, name: str, times: int) -> None:
    """SIGKILL at so many moments, then once more to its end: the same bytes as without, and nothing is left over."""
    source = film(tmp_path / "in.mp4", Drawing(frames=330))
    before = source.read_bytes()
    begin = time.monotonic()
    (tmp_path / "whole").mkdir()
    whole, target = tmp_path / "whole" / name, tmp_path / name
    finished(command(network_file, source, whole))
    took, expected = time.monotonic() - begin, contents(whole)
    moments, kills = random.Random(name), 0
    for _ in range(4 * times):
        if kills == times:
            break
        running = subprocess.Popen(command(network_file, source, target), stderr=subprocess.DEVNULL)
        try:
            running.wait(moments.uniform(0.2, 0.9) * took)
        except subprocess.TimeoutExpired:
            os.kill(running.pid, signal.SIGKILL)
            running.wait()
            kills += 1
        if running.returncode == 0:  # it was quicker, and begins anew
            took *= 0.8  # the machine was busy when that was measured
            assert contents(target) == expected
            shutil.rmtree(target) if target.is_dir() else target.unlink()
        assert not target.is_file() or contents(target) == expected
    assert kills == times
    finished(command(network_file, source, target))
    assert contents(target) == expected
    assert source.read_bytes() == before
    assert not folder_of(target).exists() and {each.name for each in tmp_path.iterdir()} == {"in.mp4", "whole", name}


def contents(path: Path) -> dict[str, bytes]:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {each.name: each.read_bytes() for each in files}


def painting(running: subprocess.Popen[str], target: Path) -> None:
    """Once a part of it is painted, and others are not."""
    until(lambda: running.poll() is not None or list(folder_of(target).glob("after-*")), 120)
    assert running.poll() is None


def test_interrupted(network_file: Path, tmp_path: Path) -> None:
    """Ctrl-C keeps the parts that are painted, says how to go on, and then it goes on."""
    source, target = film(tmp_path / "in.mp4", Drawing(frames=600)), tmp_path / "out.mp4"
    running = subprocess.Popen(command(network_file, source, target), stderr=subprocess.PIPE, text=True)
    painting(running, target)
    os.kill(running.pid, signal.SIGINT)
    said = running.communicate()[1]
    assert running.returncode == 130
    assert "run the same command again to go on" in said and len(said.strip().splitlines()) == 1
    assert not target.exists() and (folder_of(target) / "state.json").exists()
    assert finished(command(network_file, source, target))
    assert target.exists() and not folder_of(target).exists()


def test_one_at_a_time(network_file: Path, tmp_path: Path) -> None:
    """A second run at the same target is refused while the first is under way."""
    source, target = film(tmp_path / "in.mp4", Drawing(frames=600)), tmp_path / "out.mp4"
    first = subprocess.Popen(command(network_file, source, target), stderr=subprocess.DEVNULL, text=True)
    painting(first, target)
    os.kill(first.pid, signal.SIGSTOP)  # or it might be over before the second looks
    second = subprocess.run(command(network_file, source, target), capture_output=True, text=True)
    os.kill(first.pid, signal.SIGCONT)
    assert second.returncode == 2 and "another process is painting this film" in second.stderr
    assert first.wait() == 0


def _lines(status: Path) -> list[str]:
    try:
        return status.read_text().splitlines()
    except OSError:  # it has just ended
        return []


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_memory(network_file: Path, tmp_path: Path) -> None:
    """A film takes no more memory (10 %) for being six times as long, once its parts follow on each other."""
    most = []
    for frames in (200, 1200):
        source = film(tmp_path / f"in{frames}.mp4", Drawing(frames=frames, size=(160, 120), options=(("crf", "20"),)))
        words = command(network_file, source, tmp_path / f"out{frames}.mp4", "--steady", "0")
        running = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        status, found = Path(f"/proc/{running.pid}/status"), 0
        while running.poll() is None:  # not wait4, which counts what this process had when it forked
            found = max([found, *(int(line.split()[1]) for line in _lines(status) if line.startswith("VmHWM"))])
            time.sleep(0.02)
        assert running.returncode == 0
        most.append(found)
    assert most[1] < 1.1 * most[0]
