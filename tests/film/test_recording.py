"""A recording can be watched whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from impasto.errors import FilmError
from impasto.film import reading
from impasto.film.recording import FRAGMENT, Recorder
from impasto.film.writing import made_by_impasto
from tests.film.drawn import frames_of, picture, times_of

TIMES = [5.0, 5.07, 5.2, 5.21, 5.5]


@pytest.mark.parametrize("name", ["out.mp4", "out.mov"])
def test_frames_and_times(tmp_path: Path, name: str) -> None:
    """Frames are where they were seen, from the first one on; the film says that impasto painted it."""
    recorder = Recorder(tmp_path / name, (64, 48), "in the style red", quality=1)
    for number, moment in enumerate(TIMES):
        recorder.write(picture(number), moment)
    recorder.close()
    assert [float(each) for each in times_of(tmp_path / name)] == pytest.approx([t - 5 for t in TIMES], abs=1e-4)
    for number, frame in enumerate(frames_of(tmp_path / name)):
        assert np.abs(frame.astype(float) - picture(number)).mean() < 8
    assert made_by_impasto(tmp_path / name) and recorder.frames == 5
    assert recorder.seconds == pytest.approx(0.5)


def test_times_go_on(tmp_path: Path) -> None:
    """Two frames of the same moment are two frames all the same."""
    recorder = Recorder(tmp_path / "out.mp4", (64, 48))
    for moment in (1.0, 1.0, 1.0):
        recorder.write(picture(), moment)
    recorder.close()
    assert len(set(times_of(tmp_path / "out.mp4"))) == 3


def test_other_sizes(tmp_path: Path) -> None:
    """Smaller paintings are enlarged to the film's size; an odd size loses its last row and column."""
    recorder = Recorder(tmp_path / "out.mp4", (65, 49))
    recorder.write(picture(0, 65, 49), 0.0)
    recorder.write(picture(0, 32, 24), 0.1)
    recorder.close()
    assert [frame.shape for frame in frames_of(tmp_path / "out.mp4")] == [(48, 64, 3)] * 2


def test_without_a_frame_there_is_no_file(tmp_path: Path) -> None:
    """Where nothing was seen nothing is written, and closing twice is closing once."""
    recorder = Recorder(tmp_path / "out.mp4", (64, 48))
    recorder.close()
    recorder.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.mkv", "out.gif", "out", "out.mp3"])
def test_other_kinds(tmp_path: Path, name: str) -> None:
    """Only films that survive are recorded; others are one sentence."""
    with pytest.raises(FilmError, match="cannot be recorded; name a file that ends in .mp4"):
        Recorder(tmp_path / name, (64, 48))


def test_a_place_that_is_not_there(tmp_path: Path) -> None:
    """What cannot be written is one sentence with the file's name."""
    recorder = Recorder(tmp_path / "nowhere" / "out.mp4", (64, 48))
    with pytest.raises(FilmError, match="out.mp4 cannot be written"):
        recorder.write(picture(), 0.0)
    recorder.close()


RECORDS = """
import sys, time
from pathlib import Path
from impasto.film.recording import Recorder
from tests.film.drawn import picture
recorder = Recorder(Path(sys.argv[1]), (64, 48))
for number in range(10_000):
    recorder.write(picture(number), number / 15)
    print(number + 1, flush=True)
    time.sleep(0.01)
"""


@pytest.mark.film
@pytest.mark.parametrize("frames", [20, 47, 100])
def test_killed(tmp_path: Path, frames: int) -> None:
    """Killed with SIGKILL, a recording has all frames but those of its last fragment, and can be read as a film."""
    target = tmp_path / "out.mp4"
    command = [sys.executable, "-c", RECORDS, target]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if int(line) >= frames:
                break
        os.kill(running.pid, signal.SIGKILL)
    found = 0
    try:
        with av.open(str(target)) as container:
            for _ in container.decode(video=0):
                found += 1
    except av.error.FFmpegError:  # a torn end
        pass
    assert found >= frames - 2 * FRAGMENT
    assert found >= FRAGMENT
    assert sum(1 for _ in reading.opened(target).frames()) == found
