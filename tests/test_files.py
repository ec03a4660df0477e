"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from impasto.files import check_writable, hold, identity, write_atomically


def test_the_file_has_the_bytes(tmp_path: Path) -> None:
    """What is written is there, and nothing lies beside it."""
    write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk gives up in the middle, the old bytes are still there and no half file is left."""
    (tmp_path / "a").write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(os.name != "posix", reason="permissions and links as POSIX has them")
def test_permissions_and_links_stay(tmp_path: Path) -> None:
    """A file keeps its mode, and a link stays a link to the file that is written."""
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_atomically(link, b"new")
    assert link.is_symlink() and real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_path_as_long_as_the_system_allows(tmp_path: Path) -> None:
    """A file whose path leaves no room for a longer name beside it is written all the same."""
    limit = os.pathconf(tmp_path, "PC_PATH_MAX") - 1 if os.name == "posix" else 259
    folder = tmp_path
    while len(str(folder)) < limit - 230:
        folder /= "d" * 200
    folder /= "d" * (limit - 7 - len(str(folder)))
    folder.mkdir(parents=True)
    path = folder / "a.png"
    assert len(str(path)) == limit
    check_writable(path)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new" and os.listdir(folder) == ["a.png"]


def test_a_name_as_long_as_the_system_allows(tmp_path: Path) -> None:
    """255 bytes are a name, one more is told to be too long before there are bytes to write."""
    write_atomically(tmp_path / ("ä" * 125 + "a.png"), b"new")
    with pytest.raises(OSError) as caught:
        check_writable(tmp_path / ("ä" * 126 + "a.png"))
    assert caught.value.errno == errno.ENAMETOOLONG


def test_a_try_leaves_nothing(tmp_path: Path) -> None:
    """What was tried is as it was, and nothing new lies beside it."""
    (tmp_path / "a").write_bytes(b"old")
    check_writable(tmp_path / "a")
    check_writable(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == b"old" and os.listdir(tmp_path) == ["a"]


def test_what_cannot_be_written(tmp_path: Path) -> None:
    """A folder, a missing folder and a file in place of a folder are found by trying."""
    (tmp_path / "file").touch()
    for path, error in (
        (tmp_path, IsADirectoryError),
        (tmp_path / "no" / "a", FileNotFoundError),
        (tmp_path / "file" / "a", NotADirectoryError),
    ):
        with pytest.raises(error):
            check_writable(path)


@pytest.mark.skipif(os.name != "posix", reason="links and devices as POSIX has them")
def test_links_and_devices(tmp_path: Path) -> None:
    """A link that leads nowhere yet can be written, one to itself, a pipe and a device cannot."""
    (tmp_path / "dangling").symlink_to(tmp_path / "new")
    check_writable(tmp_path / "dangling")
    write_atomically(tmp_path / "dangling", b"new")
    assert (tmp_path / "dangling").is_symlink() and (tmp_path / "new").read_bytes() == b"new"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "loop", tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(OSError):
            check_writable(path)


def test_a_full_disk_is_found_before_the_work(tmp_path: Path) -> None:
    """Trying writes a block, for which there is no room, and leaves nothing."""
    pytest.importorskip("resource")
    code = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); "
    code += "from impasto.files import check_writable; check_writable(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a"], capture_output=True, text=True)
    assert "File too large" in done.stderr and not os.listdir(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="links as POSIX has them")
def test_one_file_under_several_names(tmp_path: Path) -> None:
    """A file is itself through links, hard links, linked folders and other spellings; a missing file is nothing."""
    file, other = tmp_path / "a", tmp_path / "b"
    file.write_bytes(b"a")
    other.write_bytes(b"a")
    (tmp_path / "soft").symlink_to(file)
    (tmp_path / "hard").hardlink_to(file)
    (tmp_path / "folder").symlink_to(tmp_path)
    for path in (tmp_path / "soft", tmp_path / "hard", tmp_path / "folder" / "a", f"{tmp_path}/folder/././folder/a"):
        assert identity(file) == identity(path) is not None
    assert identity(file) != identity(other)
    assert identity(tmp_path / "no") is None


HOLD = "import sys; from impasto.files import hold; file = open(sys.argv[1], 'wb'); hold(file); print('held')"


def test_a_file_is_held_by_one_process(tmp_path: Path) -> None:
    """While one process holds a file another one cannot; it can once the file is closed."""
    words = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with open(tmp_path / "lock", "wb") as file:
        hold(file)
        assert subprocess.run(words, capture_output=True).returncode == 1
    assert subprocess.run(words, capture_output=True, text=True).stdout == "held\n"


def test_a_file_is_held_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no fcntl: there its own lock of the first byte does it, and refuses as the other one does."""
    held: list[int] = []

    def locking(descriptor: int, mode: int, count: int) -> None:
        if held:
            raise OSError(errno.EACCES, "Permission denied")
        held.append(mode * count)

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=2, locking=locking))
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setattr(sys, "platform", "win32")
    with open(tmp_path / "lock", "wb") as file:
        hold(file)
        with pytest.raises(OSError, match="Permission"):
            hold(file)
    assert held == [2]
