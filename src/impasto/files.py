"""Bytes onto the disk: whole or not at all, and tried before they are there. Knows nothing of what the bytes mean."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
from pathlib import Path
from typing import IO, TypeAlias

AnyPath: TypeAlias = str | os.PathLike[str]

STDIO = Path("-")  # what names standard input, and output
BLOCK = 4096  # bytes that ``check_writable`` writes: less may pass on a full disk


def write_atomically(path: AnyPath, data: bytes, *, lasting: bool = True) -> None:
    """Put ``data`` in the place of ``path`` in one step, so that nobody ever finds half a file there.

    Written beside ``path``, flushed to the disk, then moved; a link stays a link, and a file that was there keeps its
    permissions. Raises OSError, and then leaves everything as it was. What is not ``lasting`` is not flushed, which
    takes time: after a power cut half of it may be there.
    """
    path = _followed(path)
    temporary = _sibling(path)
    try:
        with open(temporary, "xb") as file:  # not tempfile, whose files only their owner may read
            if path.exists():
                shutil.copymode(path, temporary)
            file.write(data)
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def keep_newest(folder: Path, pattern: str, *, count: int, size: int | None = None) -> None:
    """Leave at most ``count`` files of this ``pattern`` in a folder, and ``size`` bytes; the oldest go. OSError."""
    found = sorted(((each.stat(), each) for each in folder.glob(pattern)), key=lambda pair: -pair[0].st_mtime)
    total = 0
    for place, (about, each) in enumerate(found):
        total += about.st_size
        if place >= count or (size is not None and total > size):
            each.unlink(missing_ok=True)


def hold(file: IO[bytes]) -> None:
    """Hold an open file until it is closed or this process ends; OSError while another one holds it."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def check_writable(path: AnyPath) -> None:
    """Raise the OSError that ``write_atomically`` would raise here, as far as it can be known before there are bytes.

    A block is written beside ``path`` and removed again. What is there must be a regular file that may be written:
    IsADirectoryError for a folder, PermissionError for a protected file, ENXIO for a device or a pipe.
    """
    path = _followed(path)
    if _exists(path):
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.ENXIO, "not a regular file", str(path))
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    temporary = _sibling(path)
    try:
        with open(temporary, "xb") as file:
            file.write(bytes(BLOCK))
    finally:
        temporary.unlink(missing_ok=True)


def identity(path: AnyPath | int) -> tuple[int, int] | None:
    """What two paths (or open files, by number) have in common if they are one file; None if there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def printable(text: object) -> str:
    """`text` on one line and without control characters, which file names may contain."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def _followed(path: AnyPath) -> Path:
    """Where a link leads, also one to a file that is not there yet; every other path as it is."""
    return Path(os.path.realpath(path)) if os.path.islink(path) else Path(path)


def _exists(path: Path) -> bool:
    """Whether it is there; OSError where that cannot be, as with a name that is too long."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return False
    return True


def _sibling(path: Path) -> Path:
    """A new name in the folder of ``path``: a short one where the path is nearly as long as the system allows."""
    sibling = path.with_name(f".{os.urandom(8).hex()}.impasto")
    try:
        _exists(sibling)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return path.with_name(f".{os.urandom(1).hex()}")
    return sibling
