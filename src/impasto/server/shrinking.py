"""Photos looked at and decoded in a process of their own: whatever a file does to it, the server goes on.

A file may unpack to a gigabyte, take minutes, or break the library that decodes it; then the process is ended, and
that photo is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import tempfile
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from impasto import pictures
from impasto.errors import ImpastoError, PictureError, foreign, lacks_memory
from impasto.server.looks import named
from impasto.server.process import Process

NICE = 5  # behind the server, and before paintings
FRACTIONS = ("JPEG", "MPO")  # formats that are quickly decoded at a fraction of their size


@dataclass(frozen=True)
class Order:
    """A photo whose header is wanted, and what is in it with at most ``side`` pixels a side, unless that is 0.

    Of a JPEG ``early`` pixels will do, if that is not 0: it is decoded at a fraction of its size, in much less time. It
    is not decoded if it is none of ``formats``, or has more than ``max_pixels``.
    """

    photo: bytes | Path
    side: int
    early: int
    formats: tuple[str, ...]
    max_pixels: int


@dataclass(frozen=True)
class Seen:
    """What was seen of a photo; ``small`` is in 8 bits."""

    header: pictures.Header
    small: pictures.Photo | None = None


def main(channel: Connection, folder: Path) -> None:
    """Decode what comes over the channel until that ends; the answers are what was seen, or errors."""
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICE)
    tempfile.tempdir = str(folder)
    with contextlib.suppress(EOFError, OSError):
        while True:
            order: Order = channel.recv()
            channel.send(_seen(order))


def _seen(order: Order) -> Seen | ImpastoError:
    try:
        with (
            foreign(_broken),
            io.BytesIO(order.photo) if isinstance(order.photo, bytes) else order.photo.open("rb") as file,
        ):
            header = pictures.header(file, "the photo")
            if not order.side or header.format not in order.formats or header.width * header.height > order.max_pixels:
                return Seen(header)
            file.seek(0)
            data = file.read()
            side = order.early if order.early and header.format in FRACTIONS else order.side
            found = pictures.load(named(data, "the photo"), max_pixels=order.max_pixels, max_side=side)
    except ImpastoError as error:
        return error
    opacity = None if found.opacity is None else pictures.to_bytes(found.opacity)
    small = pictures.Photo(pictures.to_bytes(found.pixels), opacity, name="the photo", notes=found.notes)
    return Seen(header, small)


def _broken(error: Exception) -> PictureError:
    reason = "it does not fit into memory" if lacks_memory(error) else f"a fault of impasto, {type(error).__name__}"
    return PictureError(f"the photo cannot be read ({reason}); make it smaller, or export it again")


class Shrinking:
    """Looks at photos, one after the other in each of ``count`` processes, for ``patience`` seconds at most."""

    def __init__(self, folder: Path, count: int, patience: float) -> None:
        self._folder, self._count, self.patience = folder, count, patience
        self._free: asyncio.Queue[Process] = asyncio.Queue()
        self._asked: dict[Process, asyncio.Future[Any]] = {}
        self._all: set[Process] = set()
        self._closed = False

    def start(self) -> None:
        """Start the processes; in an event loop."""
        for _ in range(self._count):
            self._begin()

    async def see(self, order: Order) -> Seen:
        """What the order asks for; PictureError if it cannot be had."""
        while (process := await self._free.get()) not in self._all:  # it ended while it was free
            pass
        future = self._asked[process] = asyncio.get_running_loop().create_future()
        try:
            process.send(order)
            async with asyncio.timeout(self.patience):
                found = await future
        except TimeoutError:
            raise PictureError("the photo takes too long to be read; export it again, or make it smaller") from None
        finally:
            if not future.done() or future.cancelled():
                process.end()  # which starts another one
            elif process in self._all:
                self._free.put_nowait(process)
            self._asked.pop(process, None)
        if isinstance(found, ImpastoError):
            raise found
        result: Seen = found
        return result

    @property
    def busy(self) -> bool:
        """Whether a photo is being decoded."""
        return bool(self._asked)

    @property
    def pids(self) -> list[int | None]:
        """The numbers of the processes."""
        return [each.pid for each in self._all]

    async def close(self) -> None:
        """End all processes."""
        self._closed = True
        await asyncio.gather(*(asyncio.to_thread(each.close) for each in self._all))

    def _begin(self) -> None:
        process = Process(main, self._folder, self._received)
        self._all.add(process)
        self._free.put_nowait(process)

    def _received(self, process: Process, answer: Seen | ImpastoError | None) -> None:
        future = self._asked.get(process)
        if answer is not None:
            if future is not None and not future.done():
                future.set_result(answer)
            return
        self._all.discard(process)
        if future is not None and not future.done():
            future.set_result(PictureError("the photo broke what reads it; export it again"))
        if not self._closed:
            threading.Thread(target=process.close, daemon=True).start()
            asyncio.get_running_loop().call_later(0.2, self._begin)
