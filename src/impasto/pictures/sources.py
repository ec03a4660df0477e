"""Paths, bytes and file objects -> files to seek in. What can be read only once is read once, whole, within a limit."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import select
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, TypeAlias

from impasto.errors import PictureError
from impasto.files import printable

Stream: TypeAlias = str | os.PathLike[str] | bytes | IO[bytes]
Readable: TypeAlias = str | os.PathLike[str] | bytes
Known: TypeAlias = Callable[[bytes], Any]  # of the first bytes of a file, whether they may be those of a picture

PATIENCE = 20.0  # seconds in which somebody must begin to write into a pipe
_CHUNK = 2**20
HEAD = 64  # bytes that suffice to see what kind of file it is
_DESCRIPTOR = re.compile(r"(?:/dev/fd|/proc/self/fd)/(\d+)|/dev/stdin")


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Whether a path leads to a pipe, a socket or a device: what is there once and not again."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def check_once(paths: Iterable[str | os.PathLike[str]]) -> None:
    """PictureError if one pipe, socket or device is among ``paths`` twice, by whatever name; "-" is standard input."""
    seen = set()
    for path in (os.fspath(each) for each in paths):
        try:
            found = os.fstat(0) if path == "-" else os.stat(path)
        except (OSError, ValueError):  # which reading it will say better
            continue
        if path != "-" and not is_stream(path):
            continue
        if (found.st_dev, found.st_ino) in seen:
            raise PictureError(f"{printable(path)} can be read only once, but is named twice; save it as a file first.")
        seen.add((found.st_dev, found.st_ino))


def once(path: str | os.PathLike[str], name: str, *, limit: int, known: Known) -> Readable:
    """What can be read again: the content of a pipe and the like, and other paths themselves."""
    return bytes(_from_stream(path, name, limit, known)) if is_stream(path) else path


@contextlib.contextmanager
def opened(source: Stream, name: str, *, limit: int, known: Known) -> Iterator[IO[bytes]]:
    """A file to seek in, with what is in ``source``: a path, bytes, or a file object in binary mode.

    Of pipes and the like no more than ``limit`` bytes are taken, and only the first few if ``known`` says of them that
    no picture begins so. Raises PictureError for what is empty, too long or nothing to read from, and OSError.
    """
    if isinstance(source, (str, os.PathLike)):
        if is_stream(source):
            yield io.BytesIO(_from_stream(source, name, limit, known))
            return
        with open(source, "rb") as file:
            if not file.peek(1):
                raise PictureError(f"{name} is empty; copy or export it again.")
            yield file
        return
    data: Any = source
    if hasattr(source, "read"):
        data = _all_of(source.read, name, limit, known)
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise PictureError(
            f"A picture comes from a path, bytes, a file opened in binary mode, a PIL image or an array, "
            f"not from {type(source).__name__}."
        )
    if len(data) == 0:
        raise PictureError(f"{name} is empty; check where it comes from, and rewind a file object first.")
    yield io.BytesIO(data)


def _all_of(read: Callable[[int], Any], name: str, limit: int, known: Known) -> Any:
    """All that ``read`` gives, or the first thing that is no bytes."""
    data = bytearray()
    while True:
        part = read(_CHUNK)
        if not isinstance(part, (bytes, bytearray)):
            return part
        data += part
        if not part:
            return data
        if len(data) >= HEAD and not known(bytes(data[:HEAD])):
            return data  # no picture: whoever looks at it will say so
        if len(data) > limit:
            raise PictureError(
                f"{name} goes on and on: after {len(data) / 1e9:.1f} GB there is still no end; "
                "save the picture as a file first."
            )


def _from_stream(path: str | os.PathLike[str], name: str, limit: int, known: Known) -> bytearray:
    number = _descriptor(path)
    descriptor = _open(path, name) if number is None else os.dup(number)
    with open(descriptor, "rb", buffering=0) as file:
        begin = b"" if number is not None else _first_of_fifo(descriptor, name)

        def read(count: int) -> bytes:
            nonlocal begin
            if begin:
                part, begin = begin, b""
                return part
            while (found := file.read(count)) is None:  # somebody made it non-blocking
                select.select([descriptor], [], [])
            return found

        data: bytearray = _all_of(read, name, limit, known)
    if not data:
        raise PictureError(f"Nothing came out of {name}; check the command that writes into it.")
    return data


def _open(path: str | os.PathLike[str], name: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise PictureError(f"{name} is a socket, which cannot be opened as a file; save the picture first.") from error


def _descriptor(path: str | os.PathLike[str]) -> int | None:
    """The number behind /dev/fd/3 or /dev/stdin, which Linux does not open by this name if it is a socket."""
    found = _DESCRIPTOR.fullmatch(os.path.normpath(os.fspath(path)))
    return None if found is None else int(found[1] or 0)


def _first_of_fifo(descriptor: int, name: str) -> bytes:
    """Wait until somebody writes into a FIFO that was opened without waiting; a byte may have to be taken for that."""
    begin = b""
    deadline = time.monotonic() + PATIENCE
    while stat.S_ISFIFO(os.fstat(descriptor).st_mode) and not select.select([descriptor], [], [], 0.05)[0]:
        try:
            begin = os.read(descriptor, 1)
        except BlockingIOError:  # it is open for writing, and nothing came yet
            break
        if begin:
            break
        if time.monotonic() > deadline:
            raise PictureError(f"Nobody writes into the pipe {name}; start the command that does so first.")
    os.set_blocking(descriptor, True)
    return begin
