"""A picture painted in tiles that equals the picture painted whole, in bounded memory. OpenVINO only.

Instance norms need the moments of the whole picture, which are gathered norm by norm: every pass goes over all tiles,
and small inner tensors wait for the next pass, in memory or in files.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from impasto.errors import PictureError
from impasto.painting.tiles.compiled import Compiled
from impasto.painting.tiles.cutting import Cutting, Layout
from impasto.painting.tiles.parts import PICTURE, Stage, Tensor
from impasto.painting.tiles.stages import Graph
from impasto.painting.tiles.windows import Kept, Moments, Source, Span, Store

Floats = npt.NDArray[np.float32]
Found: TypeAlias = dict[tuple[Tensor, str], npt.NDArray[Any]]


@dataclass(frozen=True)
class Step:
    """How far the work is, 0..1; and if a part is painted: its (h, w, 3), 0..1, and its top left corner."""

    share: float
    top: int = 0
    left: int = 0
    painted: Floats | None = None


class Large:
    """One picture on its way through a network in tiles.

    ``source`` has the graph's margin around it, which is read and not painted. ``style`` are the graph's inputs scale
    and shift. ``budget`` are the bytes that tiles may take, ``spare`` those in which tensors may wait for the
    next pass; what does not fit there is in files in ``folder``, or where the system puts temporary ones.
    """

    def __init__(
        self,
        graph: Graph,
        source: Source,
        style: Mapping[str, Floats],
        *,
        budget: int,
        spare: int = 0,
        threads: int = 1,
        folder: Path | None = None,
    ) -> None:
        self.graph, self.source, self.style = graph, source, style
        self.budget, self.spare, self.threads, self.folder = budget, spare, threads, folder

    @cached_property
    def cutting(self) -> Cutting:
        """How the picture is cut."""
        return Cutting(self.graph, self.source.size, self.budget, self.threads, self.spare)

    def layout(self) -> Layout:
        """What ``paint`` will do."""
        return self.cutting.layout()

    def paint(self) -> Iterator[Step]:
        """Paint; every pixel comes once, in tiles in reading order of their rows."""
        stages = self.cutting.stages
        works = [self.cutting.work(stage) for stage in stages]
        known: dict[str, Moments] = {}
        with self._files() as store, ThreadPoolExecutor(1) as ahead:
            kept: dict[Tensor, Kept] = {}
            compiling = ahead.submit(self._compiled, stages[0])
            for number, stage in enumerate(stages):
                compiled = compiling.result()
                if stage is not stages[-1]:
                    compiling = ahead.submit(self._compiled, stages[number + 1])  # while this one runs
                for step in self._pass(stage, compiled, known, kept, store):
                    share = (sum(works[:number]) + step.share * works[number]) / sum(works)
                    yield Step(share, step.top, step.left, step.painted)
                _forget(kept, stages[number + 1 :], store)

    def _compiled(self, stage: Stage) -> Compiled:
        rows = self.cutting.windows(stage)
        (down, (span, *_)), *_ = rows  # all windows are as large
        size = down.stop - down.start, span.stop - span.start
        return Compiled(self.graph, stage, self.cutting.at_once, size, self.style)

    @contextmanager
    def _files(self) -> Iterator[Store]:
        """The place for kept tensors; what goes wrong with it becomes a PictureError that says what helps."""
        place, need = self.folder or Path(tempfile.gettempdir()), self.cutting.disk
        where = f"{need / 1e9:.1f} GB for temporary files in {place}"
        help = "name another folder in TMPDIR"
        try:
            free = shutil.disk_usage(place).free if need else 0
            if free < need:
                raise PictureError(f"a picture this large needs {where}, {free / 1e9:.1f} GB are free there; {help}")
            with Store(self.folder, self.graph.kept) as store:
                yield store
        except OSError as error:
            raise PictureError(f"a picture this large needs {where}: {error.strerror or error}; {help}") from error

    def _pass(
        self, stage: Stage, compiled: Compiled, known: dict[str, Moments], kept: dict[Tensor, Kept], store: Store
    ) -> Iterator[Step]:
        """Run a stage over all tiles: its norms' moments go into ``known``, what it keeps into ``kept``."""
        gathered = {norm.name: Moments() for norm in stage.norms}
        margin, (height, width) = self.graph.margin, self.source.size
        for tensor in self.graph.inside(stage):
            shape, held = self.graph.shapes[tensor], tensor in self.cutting.held
            kept[tensor] = store.new(height // shape.scale, width // shape.scale, shape.channels, held=held)
        for share, down, span, found in _Pass(self, stage, compiled, known, kept).run():
            for norm in stage.norms:
                count = (down.last - down.first) * (span.last - span.first) // self.graph.shapes[norm.meets].scale ** 2
                gathered[norm.name].add(count, found[norm.meets, "mean"], found[norm.meets, "var"])
            painted = None if stage.norms else found[self.graph.painted, "values"]
            if painted is not None:
                rows, columns = _visible(down, height, margin), _visible(span, width, margin)
                painted = painted[0, rows, columns]
            if painted is None or not painted.size:
                yield Step(share)
            else:
                yield Step(share, max(0, down.first - margin), max(0, span.first - margin), painted)
        known.update(gathered)


@dataclass(frozen=True)
class _Row:
    """A row of windows: where it is, the rows of kept tensors that it reads, and those that it makes."""

    down: Span
    across: list[Span]
    read: list[npt.NDArray[Any]]
    made: list[npt.NDArray[Any]]


class _Pass:
    """A stage over all tiles, several at once, while one more thread reads ahead and writes behind."""

    def __init__(
        self, large: Large, stage: Stage, compiled: Compiled, known: Mapping[str, Moments], kept: dict[Tensor, Kept]
    ) -> None:
        self.large, self.graph, self.stage, self.compiled, self.kept = large, large.graph, stage, compiled, kept
        self.fixed = self._fixed(known)
        self.inside = self.graph.inside(stage)
        self.rows, self.at_once = large.cutting.windows(stage), large.cutting.at_once
        self.local = threading.local()
        self.waiting: deque[tuple[_Row, Span, Future[Found]]] = deque()
        self.written: list[Future[None]] = []

    def run(self) -> Iterator[tuple[float, Span, Span, Found]]:
        """All tiles in reading order: the share done, where the tile is, and what was found that is not in files."""
        total, done = sum(len(across) for _, across in self.rows), 0
        pool, disk = ThreadPoolExecutor(self.at_once), ThreadPoolExecutor(1)
        try:
            for row in self._read_ahead(disk):
                for span in row.across:
                    self.waiting.append((row, span, pool.submit(self._tile, row, span)))
                    while len(self.waiting) > 2 * self.at_once:
                        done += 1
                        yield done / total, *self._finished(disk)
            while self.waiting:
                done += 1
                yield done / total, *self._finished(disk)
            for written in self.written:
                written.result()
        finally:
            pool.shutdown(cancel_futures=True)
            disk.shutdown(cancel_futures=True)

    def _read_ahead(self, disk: ThreadPoolExecutor) -> Iterator[_Row]:
        """Each row of windows with what it reads, while the next one is read."""
        ahead = disk.submit(self._row, *self.rows[0])
        for number in range(len(self.rows)):
            row = ahead.result()
            if number + 1 < len(self.rows):
                ahead = disk.submit(self._row, *self.rows[number + 1])
            yield row

    def _row(self, down: Span, across: list[Span]) -> _Row:
        read = [self.kept[tensor].read(*self._at(tensor, down.start, down.stop)) for tensor in self.stage.reads]
        made = [self.kept[tensor].room(*self._at(tensor, down.first, down.last)) for tensor in self.inside]
        return _Row(down, across, read, made)

    def _at(self, tensor: Tensor, *places: int) -> Iterator[int]:
        return (place // self.graph.shapes[tensor].scale for place in places)

    def _tile(self, row: _Row, span: Span) -> Found:
        """Run one tile: what it keeps goes into the rows that are ``made``, the rest is given."""
        core = (
            (row.down.first - row.down.start, span.first - span.start),
            (row.down.last - row.down.start, span.last - span.start),
        )
        found = self.compiled.run(self._feeds(row, span), *core)
        for tensor, strip in zip(self.inside, row.made, strict=True):
            values = found.pop((tensor, "values"))[0].view(self.graph.kept)
            rows, columns = (slice(*self._at(tensor, *ends)) for ends in zip(*core, strict=True))
            strip[:, slice(*self._at(tensor, span.first, span.last))] = values[rows, columns]
        if (self.graph.painted, "values") in found:
            rows, columns = (slice(*ends) for ends in zip(*core, strict=True))
            found[self.graph.painted, "values"] = found[self.graph.painted, "values"][:, rows, columns]
        return {key: np.array(value) for key, value in found.items()}  # the runtime will use its own again

    def _finished(self, disk: ThreadPoolExecutor) -> tuple[Span, Span, Found]:
        """The oldest tile, once it is done; behind the last of a row that row is written."""
        row, span, task = self.waiting.popleft()
        found = task.result()
        if span is row.across[-1]:
            for tensor, strip in zip(self.stage.reads, row.read, strict=True):
                self.kept[tensor].done(strip)
            for tensor, strip in zip(self.inside, row.made, strict=True):
                (top,) = self._at(tensor, row.down.first)
                self.written.append(disk.submit(self.kept[tensor].write, top, strip))
            while len(self.written) > len(row.made):  # those of the row before
                self.written.pop(0).result()
        return row.down, span, found

    def _fixed(self, known: Mapping[str, Moments]) -> dict[str, Floats]:
        """The inputs that are alike in all tiles: the style, and gain and bias of the norms whose moments are known."""
        feeds = dict(self.large.style)
        for number, norm in enumerate(self.graph.norms):
            if norm.name in known:
                gain = 1 / np.sqrt(known[norm.name].var + norm.epsilon)
                feeds[f"gain_{number}"] = np.float32(gain).reshape(1, -1, 1, 1)
                feeds[f"bias_{number}"] = np.float32(-known[norm.name].mean * gain).reshape(1, -1, 1, 1)
        return feeds

    def _feeds(self, row: _Row, span: Span) -> dict[str, Any]:
        feeds: dict[str, Any] = dict(self.fixed)
        if PICTURE in self.compiled.inputs:
            feeds[PICTURE] = self.large.source(slice(row.down.start, row.down.stop), slice(span.start, span.stop))
        for number, (tensor, strip) in enumerate(zip(self.stage.reads, row.read, strict=True)):
            part = strip[:, slice(*self._at(tensor, span.start, span.stop))]
            feeds[f"kept_{number}"] = self._copied(f"kept_{number}", part)[None]
        return feeds

    def _copied(self, name: str, part: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The part in an array of its own, which is the same for all tiles of a thread: fresh memory takes time."""
        places: dict[str, npt.NDArray[Any]] = vars(self.local)
        if name not in places:
            places[name] = np.empty(part.shape, part.dtype)
        np.copyto(places[name], part)
        return places[name]


def _visible(span: Span, length: int, margin: int) -> slice:
    """The part of a core, counted from where it begins, that is within the margins at both ends of ``length``."""
    return slice(max(0, margin - span.first), max(0, min(span.last, length - margin) - span.first))


def _forget(kept: dict[Tensor, Kept], to_come: list[Stage], store: Store) -> None:
    """Give back the places of tensors that no stage to come reads."""
    read = {tensor for stage in to_come for tensor in stage.reads}
    for tensor in set(kept) - read:
        store.give_back(kept.pop(tensor))
    if not any(stage.keeps for stage in to_come[:-1]):
        store.clear()
