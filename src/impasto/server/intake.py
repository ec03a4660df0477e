"""Photos that come in: looked at in a process of their own, refused if their kind or their size is not taken."""

from __future__ import annotations

import asyncio
from pathlib import Path

from impasto import pictures
from impasto.server.api import RequestError
from impasto.server.settings import PREVIEW_SIDE, QUICK_SIDE, Settings
from impasto.server.shrinking import Order, Seen, Shrinking
from impasto.server.store import Blob, Photo, new_id


class Intake:
    """What the ``settings`` take of what is sent."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self.shrinking = Shrinking(folder, settings.readers, settings.read_time)

    async def header(self, body: Blob) -> pictures.Header:
        """What the photo's header says, once it is of a kind and a size that are taken."""
        return (await self._seen(body, 0)).header

    async def photo(self, body: Blob, name: str) -> Photo:
        """The photo, with what quick previews are made of; ``enough`` has more of it decoded."""
        seen = await self._seen(body, PREVIEW_SIDE, QUICK_SIDE)
        assert seen.small is not None
        return Photo(new_id(), label(name), body, seen.header, seen.small)

    async def painting(self, body: Blob) -> pictures.Pixels:
        """As much of a painting, in 8 bits, as a style is told from."""
        seen = await self._seen(body, PREVIEW_SIDE)
        assert seen.small is not None
        return seen.small.pixels

    async def enough(self, photo: Photo, side: int) -> None:
        """Have as much of the photo decoded as pictures of ``side`` pixels need, if it has so many."""
        header = photo.header
        have, all_of_it = max(photo.small.pixels.shape), max(header.width, header.height)
        if have >= min(side, all_of_it):
            return
        if photo.decoding is None:
            photo.decoding = asyncio.create_task(self._decode(photo))
        await asyncio.shield(photo.decoding)

    async def _decode(self, photo: Photo) -> None:
        try:
            seen = await self._seen(photo.body, PREVIEW_SIDE)
            assert seen.small is not None
            photo.small = seen.small
        finally:
            photo.decoding = None

    async def _seen(self, body: Blob, side: int, early: int = 0) -> Seen:
        formats, most = self._settings.formats, self._settings.pixels
        head = await asyncio.to_thread(body.head, 64)
        if pictures.kind_of(head) not in formats:
            raise self._unsupported()
        found = await self.shrinking.see(Order(body.data, side, early, formats, most))
        pixels = found.header.width * found.header.height
        if found.header.format not in formats:  # which is not what it began like
            raise self._unsupported()
        if pixels > most:
            message = f"the photo has {pixels:,} pixels, more than the limit of {most:,}; make it smaller first"
            raise RequestError(422, "too-many-pixels", message)
        return found

    def _unsupported(self) -> RequestError:
        message = f"the photo is no {self._settings.read}; save it as one of these"
        return RequestError(415, "unsupported-format", message)


def label(name: str) -> str:
    """What a photo is called, out of whatever was sent: one line, no folders."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return " ".join("".join(each if each.isprintable() else " " for each in last).split())[:100].strip(". ") or "photo"
