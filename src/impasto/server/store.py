"""What a server keeps for a while: bodies, photos with their masks and thumbnails. Knows no HTTP and no painter.

Bodies above a megabyte are files with random names in a folder that only the server's user may read. A file goes when
nobody holds its ``Blob`` any more, and the folder when the server ends; a folder whose server was killed, when the next
one starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import secrets
import shutil
import tempfile
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from impasto import files, pictures
from impasto.errors import ImpastoError
from impasto.server.looks import Mask

IN_MEMORY = 2**20  # bytes: what is larger goes into a file
PREFIX = "impasto-server-"
TRIES = 5  # to make a folder before another server that starts removes it
REMEMBERED = 10_000  # photos and results that are gone, which are told from those that never were
Clock = Callable[[], float]


class GoneError(ImpastoError):
    """A photo, job or result whose time is over."""


class UnknownError(ImpastoError):
    """A photo, job or result that never was."""


class FullError(ImpastoError):
    """There is no room; ``seconds`` says when to try again."""

    def __init__(self, message: str, seconds: float = 10.0) -> None:
        super().__init__(message)
        self.seconds = seconds


class NoSpaceError(ImpastoError):
    """The disk is full."""


class Blob:
    """Bytes, in memory or in a file, which is removed with this object."""

    def __init__(self, data: bytes | Path) -> None:
        self.data = data
        self.size = len(data) if isinstance(data, bytes) else _size(data)
        if isinstance(data, Path):
            weakref.finalize(self, _unlink, data)

    def read(self) -> bytes:
        """All of it; a file is read, so not in the event loop."""
        return self.data if isinstance(self.data, bytes) else self.data.read_bytes()

    def head(self, count: int) -> bytes:
        """The first ``count`` bytes."""
        with self.open() as file:
            return file.read(count)

    def open(self) -> IO[bytes]:
        """A file to seek in."""
        return io.BytesIO(self.data) if isinstance(self.data, bytes) else self.data.open("rb")


class Folder:
    """The private folder of one server."""

    def __init__(self) -> None:
        _sweep(Path(tempfile.gettempdir()))
        for left in reversed(range(TRIES)):
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX))  # mode 0700
            self._lock = (self.path / "lock").open("wb")
            try:
                files.hold(self._lock)
                break
            except (BlockingIOError, PermissionError):  # another server took it for one that was left, and removes it
                self._lock.close()
                if not left:
                    raise

    def new(self) -> Path:
        """A name for a file, which nobody can guess."""
        return self.path / secrets.token_hex(16)

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        self._lock.close()
        shutil.rmtree(self.path, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove the folders of servers that were killed."""
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            with (folder / "lock").open("rb+") as file:
                files.hold(file)
                shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)  # once it is closed: Windows removes no open file


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


class Spool:
    """A body while it comes: in memory, and beyond a megabyte in a file, which goes where the body is not ``done``.

    ``write`` may wait for the disk.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder, self._parts, self.size = folder, bytearray(), 0
        self._path: Path | None = None

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *error: object) -> None:
        if self._path is not None:
            _unlink(self._path)

    def write(self, part: bytes) -> None:
        self.size += len(part)
        self._parts += part
        if self.size > IN_MEMORY:
            self._flush()

    def _flush(self) -> None:
        with no_space():
            if self._path is None:
                self._path = self._folder.new()
                self._path.touch(0o600, exist_ok=False)
            with self._path.open("ab") as file:
                file.write(self._parts)
        self._parts.clear()

    def done(self) -> Blob:
        path, self._path = self._path, None
        return Blob(bytes(self._parts)) if path is None else Blob(path)


@contextlib.contextmanager
def no_space() -> Iterator[None]:
    """A full disk inside is a NoSpaceError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpaceError("the disk of the server is full; free some space, or send a smaller picture") from error
        raise


@dataclass(eq=False)
class Photo:
    """A photo that somebody works with. ``small`` is as much of it as is decoded, which previews are made of."""

    id: str
    name: str
    body: Blob
    header: pictures.Header
    small: pictures.Photo
    masks: dict[int, Mask] = field(default_factory=dict)
    sizes: dict[Any, pictures.Photo] = field(default_factory=dict)  # ``small`` at other sizes
    thumbnails: dict[Any, bytes] = field(default_factory=dict)
    previews: list[Any] = field(default_factory=list)  # the last ones, at full strength
    decoding: asyncio.Task[None] | None = None  # of more of it
    used: float = 0.0
    changes: int = 0  # of its masks


class Store:
    """Photos by their ids, each for a while since it was last used, and no more than so many."""

    def __init__(self, *, most: int, life: float, disk: int, clock: Clock = time.monotonic) -> None:
        self._most, self.life, self._disk, self._clock = most, life, disk, clock
        self._photos: OrderedDict[str, Photo] = OrderedDict()
        self._gone: OrderedDict[str, None] = OrderedDict()

    def add(self, photo: Photo) -> Photo:
        """Keep a photo; those that were not used for longest make room for it."""
        self.sweep()
        photo.used = self._clock()
        self._photos[photo.id] = photo
        while len(self._photos) > self._most or (self.bytes > self._disk and len(self._photos) > 1):
            self._forget(next(iter(self._photos)))
        return photo

    def get(self, id: str) -> Photo:
        """The photo, which lives on from now; GoneError or UnknownError."""
        self.sweep()
        if id not in self._photos:
            if id in self._gone:
                raise GoneError("the photo is no longer kept; send it again")
            raise UnknownError("there is no such photo; send it first")
        photo = self._photos[id]
        photo.used = self._clock()
        self._photos.move_to_end(id)
        return photo

    def remove(self, id: str) -> None:
        """Forget a photo now."""
        self.get(id)
        self._forget(id)

    def sweep(self) -> None:
        """Forget what was not used for too long."""
        oldest = self._clock() - self.life
        for id in [id for id, photo in self._photos.items() if photo.used < oldest]:
            self._forget(id)

    def clear(self) -> None:
        """Forget all."""
        self._photos.clear()

    @property
    def bytes(self) -> int:
        """Bytes of all bodies that are kept."""
        return sum(photo.body.size for photo in self._photos.values())

    def __len__(self) -> int:
        return len(self._photos)

    def _forget(self, id: str) -> None:
        del self._photos[id]
        self._gone[id] = None
        while len(self._gone) > REMEMBERED:
            self._gone.popitem(last=False)


def new_id() -> str:
    """An id that nobody can guess."""
    return secrets.token_urlsafe(16)
