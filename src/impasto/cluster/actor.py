"""An actor: a painter that stays open, and batches of pictures, of which it makes records."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from impasto import pictures
from impasto.cluster import places
from impasto.cluster.ledger import DEATHS
from impasto.cluster.records import Record, table
from impasto.cluster.settings import Tools
from impasto.errors import ImpastoError, TargetError, brief, lacks_memory
from impasto.files import printable
from impasto.painting import memory
from impasto.painting.batch import Batch, Painted, Saving
from impasto.painting.job import Progress
from impasto.painting.look import Look
from impasto.painting.painter import Painter
from impasto.painting.planner import WHOLE_BYTES
from impasto.painting.sessions import cores


@dataclass(frozen=True)
class Job:
    """What is the same for all pictures. ``output`` is the place that targets are below."""

    look: Look
    output: str
    tools: Tools = Tools()
    saving: Saving = Saving()
    max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS
    threads: int = 1
    streams: int = 1

    def painter(self) -> Painter:
        """A painter for one of several actors on a machine: it takes no more than its share of the memory."""
        options: dict[str, Any] = {each.name: getattr(self.tools, each.name) for each in dataclasses.fields(Tools)}
        if options["max_memory"] is None:
            share = memory.available() * min(1.0, self.threads / cores())
            options["max_memory"] = share if share < WHOLE_BYTES else None
        return Painter(**options, threads=self.threads, streams=self.streams)


class Counts(Protocol):
    """A ``Ledger``, or one that is asked over the network."""

    def enter(self, pictures: Sequence[str]) -> list[int]: ...

    def begin(self, picture: str) -> None: ...

    def leave(self, pictures: Sequence[str]) -> None: ...


class Actor:
    """What Ray calls with batches, tables of ``source`` and ``target``, and what answers with tables of records."""

    def __init__(self, job: Job, ledger: Counts) -> None:
        self._job, self._ledger, self._painter = job, ledger, job.painter()

    def __call__(self, batch: Any) -> Any:
        output = self._job.output
        rows = [(each["source"], places.resolved(output, each["target"])) for each in batch.to_pylist()]
        return table(list(self.records(rows)))

    def records(self, rows: Sequence[tuple[str, str]]) -> Iterator[Record]:
        """A record for each picture, whatever becomes of it. A painting that is there is left as it is."""
        found = places.there([target for _, target in rows])
        yield from (Record(*row, "there") for row, finished in zip(rows, found, strict=True) if finished)
        left = [row for row, finished in zip(rows, found, strict=True) if not finished]
        targets = [target for _, target in left]
        deaths = dict(zip(targets, self._ledger.enter(targets), strict=True))
        yield from self._painted([row for row in left if not deaths[row[1]]])
        for row in left:
            if deaths[row[1]] >= DEATHS:
                yield Record(*row, "killed", error=f"{printable(row[0])}: {DEATHS} processes ended while painting it")
            elif deaths[row[1]]:
                self._ledger.begin(row[1])
                yield from self._painted([row])
        self._ledger.leave(targets)

    def _painted(self, rows: Sequence[tuple[str, str]]) -> Iterator[Record]:
        batch = _Carried(self._painter, self._job.look, self._job.saving, self._job.max_pixels)
        for row, done in zip(rows, batch.paint(rows), strict=True):
            if done.error is None:
                yield Record(*row, "painted", done.width, done.height, done.seconds, done.notes)
            else:
                yield Record(*row, "failed", notes=done.notes, error=_sentence(row[0], done.error))


class _Named(io.BytesIO):
    """Bytes that messages name by their place."""

    def __init__(self, name: str, data: bytes = b"") -> None:
        super().__init__(data)
        self.name = name


@dataclass(frozen=True)
class _Carried(Batch):
    """A batch whose photos and paintings may be in stores: they are brought here, and taken there."""

    def one(
        self, source: Any, target: Any, *, turn: AbstractContextManager[Any] | None = None
    ) -> Iterator[str | Progress | Painted]:
        photo = _Named(source, places.read(source)) if places.is_address(source) else source
        if not places.is_address(target):
            _make_folder(Path(target).parent)
            yield from super().one(photo, target, turn=turn)
            return
        kind = dataclasses.replace(self.saving, format=Path(places.path_in(target)).suffix)
        here = Batch(self.painter, self.look, kind, self.max_pixels)
        for each in here.one(photo, held := _Named(target), turn=turn):
            if isinstance(each, Painted):
                places.write(target, held.getvalue())
            yield each


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TargetError(f"{printable(folder)} cannot be made a folder ({error.strerror})") from error


def _sentence(source: str, error: Exception) -> str:
    """What is kept of an error."""
    if isinstance(error, ImpastoError):
        return str(error)
    why = "there is not enough memory for it" if lacks_memory(error) else f"{type(error).__name__}: {brief(error)}"
    return f"{printable(source)} was not painted ({why})"
