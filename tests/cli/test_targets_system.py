"""What only a real process shows: permissions, terminals, pipes and signals while something is written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from system import as_user, needs_linux

pytestmark = pytest.mark.process

IMPASTO = [sys.executable, "-m", "impasto"]
# A disk so slow that a signal meets the writing: says so, then waits.
SLOW = """
import os, sys, time
def slow(file):
    print("writing", file=sys.stderr, flush=True)
    time.sleep(1.5)
os.fsync = slow
from impasto.cli import main
main()
"""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 240, 3), np.uint8)).save(path)
    return path


COMMANDS = {
    "paint": "paint {photo} -s red --network {network} -o",
    "sheet": "sheet {photo} --size 32 --network {network} -o",
    "square": "square {photo} -s red,green,blue,photo --network {network} -o",
    "map": "map --method pca --network {network} -o",
    "optimize": "optimize {photo} {photo} --size 64 --steps 9999 -o",
    "optimize's log": "optimize {photo} {photo} --size 64 --steps 9999 -o {tmp}/new.png --json-log",
    "grid": "grid {photo} {photo} --size 64 -o",
    "teach": "teach {photo} --name new --network {network} -o",
    "teach's preview": "teach {photo} --name new --network {network} -o {tmp}/new.safetensors --preview",
    "styles export": "styles export red --bank {bank} -o",
}


@pytest.mark.parametrize("case", COMMANDS)
def test_rights_are_known_before_the_work(case: str, photo: Path, network_file: Path, tmp_path: Path) -> None:
    """A folder and a file that may not be written to are refused at once, in a sentence, and nothing is left."""
    locked, protected = tmp_path / "locked", tmp_path / "protected.png"
    locked.mkdir()
    protected.touch()
    locked.chmod(0o555)
    protected.chmod(0o444)
    places = {"photo": photo, "network": network_file, "bank": network_file.with_suffix(".safetensors")}
    words = [word.format(**places, tmp=tmp_path) for word in COMMANDS[case].split()]
    before = sorted(tmp_path.rglob("*"))
    force = ["--force"] if case in ("teach", "styles export") else []
    for target, hint in ((locked / "o.png", "its folder is write-protected"), (protected, "it is write-protected")):
        command = as_user([*IMPASTO, *words, str(target), *force])
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
        assert (target.name in done.stderr or "o-cells" in done.stderr) and hint in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_cannot_be_made(photo: Path, network_file: Path, tmp_path: Path) -> None:
    """Folders are tried as files are: for paintings, frames, cells and runs."""
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked").chmod(0o555)
    for words in (
        ["paint", photo, "-s", "red", "--network", network_file, "-o"],
        ["path", photo, "-s", "red,blue", "--network", network_file, "-o"],
        ["grid", photo, photo, "-o", tmp_path / "g.png", "--cells"],
        ["export", tmp_path, "-o"],
    ):
        command = as_user([*IMPASTO, *map(str, words), str(tmp_path / "locked" / "new")])
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
        assert "write-protected" in done.stderr and "new" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=str)
@pytest.mark.parametrize("command", ["sheet", "paint"])
def test_a_signal_while_something_is_written(
    command: str, number: int, photo: Path, network_file: Path, tmp_path: Path
) -> None:
    """Nothing temporary is left, and no half picture: the old bytes are there, or all of the new ones."""
    out = tmp_path / "out" / "o.png"
    out.parent.mkdir()
    words = COMMANDS[command].format(photo=photo, network=network_file).split()
    with subprocess.Popen([sys.executable, "-c", SLOW, *words, out], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "writing\n"
        process.send_signal(number)
        process.wait(timeout=60)
        assert "Traceback" not in process.stderr.read()
    assert [path.name for path in out.parent.iterdir()] in ([], ["o.png"])
    if out.exists():
        Image.open(out).load()


def test_no_picture_on_a_terminal(photo: Path, network_file: Path) -> None:
    """-o - with a terminal behind it is refused: it would show noise, and may ring and lock."""
    needs_linux()
    main, terminal = os.openpty()
    command = [*IMPASTO, "paint", str(photo), "-s", "red", "--network", str(network_file), "-o", "-"]
    done = subprocess.run(command, stdout=terminal, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(terminal)
    os.close(main)
    assert done.returncode == 2 and "terminal" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
def test_a_reader_that_goes_away(photo: Path, network_file: Path) -> None:
    """Who reads only the first bytes of a picture gets them, and no complaint."""
    Image.open(photo).resize((1200, 1000), Image.Resampling.NEAREST).save(photo)  # larger than a pipe
    command = [*IMPASTO, "paint", str(photo), "-s", "red", "--network", str(network_file), "-o", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.read(4) == b"\x89PNG"
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 1 and said == b""


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
def test_standard_streams_that_are_the_same_file(photo: Path, network_file: Path) -> None:
    """A photo that comes through standard input, or goes out through standard output, is one of the inputs too."""
    before = photo.read_bytes()
    words = ["-s", "red", "--network", str(network_file), "-o"]
    with open(photo, "rb") as file:
        command = [*IMPASTO, "paint", "-", *words, str(photo), "--force"]
        first = subprocess.run(command, stdin=file, capture_output=True, text=True, timeout=60)
    with open(photo, "ab") as file:
        command = [*IMPASTO, "paint", str(photo), *words, "-"]
        second = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, text=True, timeout=60)
    for done in (first, second):
        assert done.returncode == 2 and "would be lost" in done.stderr and done.stderr.count("\n") == 1
    assert photo.read_bytes() == before
