"""The store of bodies and photos, without a server."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from impasto import files, pictures
from impasto.server import store
from impasto.server.store import Blob, Folder, Spool, Store


def photo(size: int = 10) -> store.Photo:
    head, small = pictures.Header("PNG", 1, 1), pictures.Photo(np.zeros((1, 1, 3), np.uint8))
    return store.Photo(store.new_id(), "a", Blob(bytes(size)), head, small)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = Folder()
    yield found
    found.remove()
    assert not found.path.exists()


def spooled(folder: Folder, size: int) -> Blob:
    spool = Spool(folder)
    for _ in range(0, size, 1000):
        spool.write(bytes(1000))
    return spool.done()


def test_small_bodies_stay_in_memory(folder: Folder) -> None:
    """Up to a megabyte no file is written."""
    assert spooled(folder, 100_000).data == bytes(100_000)


def test_a_file_goes_with_whoever_holds_it(folder: Folder) -> None:
    """A large body is a file as long as anybody holds it."""
    blob = spooled(folder, 2_000_000)
    assert isinstance(blob.data, Path)
    path, other = blob.data, blob
    assert (blob.size, len(blob.read()), len(blob.head(64))) == (2_000_000, 2_000_000, 64)
    del blob
    assert path.exists()
    del other
    assert not path.exists()


def test_a_body_that_breaks_off_leaves_nothing(folder: Folder) -> None:
    """What came of a body until its sender went away is removed."""
    with Spool(folder) as spool:
        for _ in range(3):
            spool.write(bytes(1_000_000))
        assert len(list(folder.path.iterdir())) == 2
    assert [path.name for path in folder.path.iterdir()] == ["lock"]


def test_a_full_disk(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full is an error in one sentence."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "touch", full)
    with pytest.raises(store.NoSpaceError, match="disk of the server is full"):
        spooled(folder, 2_000_000)


def test_photos_live_on_while_they_are_used() -> None:
    """A photo is forgotten when nobody has used it for its time, and not before."""
    now = 0.0
    found = Store(most=9, life=10, disk=10**6, clock=lambda: now)
    used, unused = found.add(photo()), found.add(photo())
    for _ in range(3):
        now += 4
        assert found.get(used.id) is used
    with pytest.raises(store.GoneError):
        found.get(unused.id)
    with pytest.raises(store.UnknownError):
        found.get("never")


def test_photos_make_room_by_bytes() -> None:
    """Photos together take no more than the disk that they are given; the newest stays in any case."""
    found = Store(most=9, life=100, disk=25)
    first, second, _ = found.add(photo()), found.add(photo()), found.add(photo())
    assert len(found) == 2
    with pytest.raises(store.GoneError):
        found.get(first.id)
    found.add(photo(100))
    with pytest.raises(store.GoneError):
        found.get(second.id)
    assert len(found) == 1


def test_ids_cannot_be_guessed() -> None:
    """Ids are random, and long."""
    assert len({store.new_id() for _ in range(1000)}) == 1000
    assert min(len(store.new_id()) for _ in range(100)) == 22


def test_a_folder_that_another_server_removes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that another server holds, before it is held here, is given up for a new one."""
    swept: list[Path] = []
    hold = files.hold

    def other(file: IO[bytes]) -> None:
        if not swept:
            swept.append(Path(file.name).parent)
            hold(stack.enter_context(open(file.name, "rb+")))
        hold(file)

    with contextlib.ExitStack() as stack:
        monkeypatch.setattr(files, "hold", other)
        found = Folder()
        assert found.path not in swept and (found.path / "lock").exists()
    for path in (found, *swept):
        path.remove() if isinstance(path, Folder) else shutil.rmtree(path)


def test_what_a_killed_server_left(tmp_path: Path) -> None:
    """A server that was killed leaves its folder, and the next one removes that, but not the folder of a living one."""
    code = "import os, signal, sys; from impasto.server.store import Folder; f = Folder(); (f.path / 'photo').touch(); "
    end = "print(f.path, flush=True); sys.stdin.read(); os.kill(os.getpid(), signal.SIGKILL)"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    words = [sys.executable, "-c", code + end]
    with subprocess.Popen(words, stdin=-1, stdout=-1, env=environment, text=True) as killed:
        assert killed.stdin and killed.stdout
        left = Path(killed.stdout.readline().strip())
        other = subprocess.run([*words[:2], code], env=environment, input="", text=True, check=True)
        assert other.returncode == 0
        assert left.exists()
        killed.stdin.close()
    assert left.exists()
    subprocess.run([*words[:2], code], env=environment, check=True)
    assert not left.exists()
