"""What can be read only once: pipes, FIFOs, sockets, devices, standard input."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto import pictures
from impasto.errors import PictureError
from impasto.pictures import sources

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has none of these as paths")
VALUES = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


@pytest.fixture
def png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(VALUES).save(buffer, "PNG")
    return buffer.getvalue()


def write(path: Path, data: bytes, *, after: float = 0.0) -> threading.Thread:
    """Somebody who writes into a FIFO."""

    def work() -> None:
        time.sleep(after)
        try:
            path.write_bytes(data)
        except BrokenPipeError:  # who read it had enough
            pass

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


@pytest.mark.parametrize("after", [0.0, 0.3])
def test_a_fifo_is_read_once(fifo: Path, png: bytes, after: float) -> None:
    """A FIFO gives its picture, also where the writer comes late or writes in parts."""
    write(fifo, png, after=after)
    np.testing.assert_array_equal(pictures.load(fifo).pixels, VALUES)


def test_a_slow_writer_is_waited_for(fifo: Path, png: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has opened a FIFO may take longer than the patience with those who have not."""
    monkeypatch.setattr(sources, "PATIENCE", 0.2)

    def slowly() -> None:
        with fifo.open("wb") as file:
            for part in (png[:10], png[10:]):
                time.sleep(0.5)
                file.write(part)
                file.flush()

    threading.Thread(target=slowly, daemon=True).start()
    np.testing.assert_array_equal(pictures.load(fifo).pixels, VALUES)


def test_nobody_writes(fifo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A FIFO into which nobody writes is given up, by name."""
    monkeypatch.setattr(sources, "PATIENCE", 0.2)
    with pytest.raises(PictureError, match=r"Nobody writes into the pipe .*fifo"):
        pictures.load(fifo)


def test_asking_for_the_size_takes_nothing_away(fifo: Path, png: bytes) -> None:
    """size_of refuses a FIFO without opening it; the picture is still there."""
    with pytest.raises(PictureError, match="no file"):
        pictures.size_of(fifo)
    write(fifo, png)
    assert pictures.load(fifo).pixels.shape == (20, 30, 3)


def test_descriptors(png: bytes) -> None:
    """/dev/fd/N is read, of a pipe as of a socket, which no system opens by its name."""
    reader, writer = os.pipe()
    os.write(writer, png)
    os.close(writer)
    here, there = socket.socketpair()
    here.sendall(png)
    here.close()
    for number in (reader, there.fileno()):
        np.testing.assert_array_equal(pictures.load(f"/dev/fd/{number}").pixels, VALUES)
    os.close(reader)
    there.close()


def test_a_socket_of_the_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket's path is refused in a sentence."""
    monkeypatch.chdir(tmp_path)  # their names may not be long
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("here")
        with pytest.raises(PictureError, match="here is a socket"):
            pictures.load("here")


def test_endless_things_end() -> None:
    """What begins like no picture is left at once; what never ends is left at a limit; empty devices are named."""
    with pytest.raises(PictureError, match="/dev/zero is not a picture"):
        pictures.load("/dev/zero")
    with pytest.raises(PictureError, match="/dev/null"):
        pictures.load("/dev/null")

    class Endless:
        def read(self, count: int) -> bytes:
            return b"\x89PNG\r\n\x1a\n".ljust(count, b"\0")

    with pytest.raises(PictureError, match="goes on and on"):
        pictures.load(Endless(), max_pixels=100)  # type: ignore[arg-type]


def test_what_is_named_twice(fifo: Path, tmp_path: Path, png: bytes) -> None:
    """A pipe named twice is refused by name, through a link too; a file may be named as often as one likes."""
    (tmp_path / "link").symlink_to(fifo)
    (tmp_path / "a.png").write_bytes(png)
    sources.check_once([tmp_path / "a.png", tmp_path / "a.png", fifo, "missing.png", "missing.png"])
    with pytest.raises(PictureError, match="link can be read only once"):
        sources.check_once([fifo, tmp_path / "link"])


def test_once(fifo: Path, png: bytes) -> None:
    """``once`` gives the bytes of a pipe and leaves other paths alone."""
    write(fifo, png)
    assert pictures.once(fifo) == png
    assert pictures.once("a.png") == "a.png"


def impasto(*arguments: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "impasto", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=100, **options)  # type: ignore[call-overload, no-any-return]


def test_the_command_reads_pipes(network_file: Path, fifo: Path, tmp_path: Path, png: bytes) -> None:
    """``paint`` reads standard input by its path, a FIFO as photo and another one as mask of two photos."""
    common = ["--network", network_file, "--runtime", "onnxruntime"]
    done = impasto("paint", "/dev/stdin", "-s", "red", "-o", tmp_path / "a.png", *common, input=png)
    assert done.returncode == 0, done.stderr
    (tmp_path / "b.png").write_bytes(png)
    mask = io.BytesIO()
    Image.fromarray(VALUES[..., 0]).save(mask, "PNG")
    writer = write(fifo, mask.getvalue())
    photos = [tmp_path / "b.png", tmp_path / "a.png"]
    done = impasto("paint", *photos, "-s", "red", "--mask", f"green={fifo}", "-o", tmp_path / "out", *common)
    writer.join(1)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").iterdir())) == 2
    done = impasto("paint", "-", "/dev/stdin", "-s", "red", "-o", tmp_path / "two", *common, input=png)
    assert done.returncode == 2 and b"is read once" in done.stderr and not done.stderr.count(b"Traceback")
