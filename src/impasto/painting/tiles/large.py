"""A picture painted in tiles that equals the picture painted whole, in bounded memory. OpenVINO only.

Instance norms need the moments of the whole picture, which are gathered norm by norm: every pass goes over all tiles,
and small inner tensors wait for the next pass in files.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter, deque
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
from impasto.painting.tiles.parts import MASKS, PICTURE, Stage, Tensor, Window
from impasto.painting.tiles.stages import Graph
from impasto.painting.tiles.windows import Folder, Kept, Moments, Source, Span

Floats = npt.NDArray[np.float32]
Found: TypeAlias = dict[tuple[Tensor, str], npt.NDArray[Any]]

OFTEN = 400  # tiles of one size that are worth a graph compiled for it


@dataclass(frozen=True)
class Step:
    """How far the work is, 0..1; and if a part is painted: its (h, w, 3), 0..1, and its top left corner."""

    share: float
    top: int = 0
    left: int = 0
    painted: Floats | None = None


class Large:
    """One picture (and masks) on its way through a network in tiles.

    ``sources`` have the graph's margin around them, which is read and not painted. ``style`` are the graph's inputs
    scale and shift. ``budget`` are the bytes that tiles may take. Files are in ``folder``, or where the system puts
    temporary ones.
    """

    def __init__(
        self,
        graph: Graph,
        sources: Mapping[str, Source],
        style: Mapping[str, Floats],
        *,
        budget: int,
        threads: int = 1,
        folder: Path | None = None,
    ) -> None:
        self.graph, self.sources, self.style = graph, sources, style
        self.budget, self.threads, self.folder = budget, threads, folder

    @cached_property
    def cutting(self) -> Cutting:
        """How the picture is cut."""
        return Cutting(self.graph, self.sources[PICTURE].size, self.budget, self.threads)

    def layout(self) -> Layout:
        """What ``paint`` will do."""
        return self.cutting.layout()

    def paint(self) -> Iterator[Step]:
        """Paint; every pixel comes once, in tiles in reading order of their rows."""
        stages = self.cutting.stages
        works = [self.cutting.work(stage) for stage in stages]
        known: dict[str, Moments] = {}
        with self._files() as files:
            kept: dict[Tensor, Kept] = {}
            for number, stage in enumerate(stages[:-1]):
                for share in self._pass(stage, known, kept, files):
                    yield Step((sum(works[:number]) + share * works[number]) / sum(works))
                _forget(kept, stages[number + 1 :], files)
            for step in self._last(stages[-1], known, kept):
                share = 1 - (1 - step.share) * works[-1] / sum(works)
                yield Step(share, step.top, step.left, step.painted)

    @contextmanager
    def _files(self) -> Iterator[Folder]:
        """The place for kept tensors; what goes wrong with it becomes a PictureError that says what helps."""
        place, need = self.folder or Path(tempfile.gettempdir()), self.cutting.disk
        where = f"{need / 1e9:.1f} GB for temporary files in {place}"
        help = "name another folder in TMPDIR"
        try:
            free = shutil.disk_usage(place).free
            if free < need:
                raise PictureError(f"a picture this large needs {where}, {free / 1e9:.1f} GB are free there; {help}")
            with Folder(self.folder, self.graph.kept) as files:
                yield files
        except OSError as error:
            raise PictureError(f"a picture this large needs {where}: {error.strerror or error}; {help}") from error

    def _pass(
        self, stage: Stage, known: dict[str, Moments], kept: dict[Tensor, Kept], files: Folder
    ) -> Iterator[float]:
        """Run a stage over all tiles: its norms' moments go into ``known``, what it keeps into ``kept``."""
        gathered = {norm.name: Moments() for norm in stage.norms}
        size = self.sources[PICTURE].size
        for tensor in stage.keeps:
            shape = self.graph.shapes[tensor]
            kept[tensor] = files.new(shape.channels, size[0] // shape.scale, size[1] // shape.scale)
        for share, down, span, found in _Pass(self, stage, known, kept).run():
            for norm in stage.norms:
                count = (down.last - down.first) * (span.last - span.first) // self.graph.shapes[norm.meets].scale ** 2
                gathered[norm.name].add(count, found[norm.meets, "mean"], found[norm.meets, "var"])
            yield share
        known.update(gathered)

    def _last(self, stage: Stage, known: dict[str, Moments], kept: dict[Tensor, Kept]) -> Iterator[Step]:
        """Run the stage that paints."""
        margin, (height, width) = self.graph.margin, self.sources[PICTURE].size
        for share, down, span, found in _Pass(self, stage, known, kept).run():
            (painted,) = found.values()
            rows, columns = _visible(down, height, margin), _visible(span, width, margin)
            part = painted[0, :, rows, columns].transpose(1, 2, 0)
            corner = max(0, down.first - margin), max(0, span.first - margin)
            yield Step(share, *corner, part) if part.size else Step(share)


class _Pass:
    """A stage over all tiles, several at once, while one more thread reads ahead and writes behind."""

    def __init__(self, large: Large, stage: Stage, known: Mapping[str, Moments], kept: dict[Tensor, Kept]) -> None:
        self.large, self.graph, self.stage, self.kept = large, large.graph, stage, kept
        self.cutting, self.width = large.cutting, large.cutting.size[1]
        self.fixed = self._fixed(known)
        self.inside = self.graph.inside(stage)
        self.rows = self.cutting.windows(stage)
        self.compiled = self.special = Compiled(self.graph, stage, self.cutting.at_once)
        windows = Counter(_window(down, span) for down, across in self.rows for span in across)
        self.common, often = windows.most_common(1)[0]
        room = large.budget >= 2 * self.cutting.bytes(stage, self.common.height, self.common.width)
        if often >= OFTEN and room and MASKS not in large.sources:
            self.special = Compiled(self.graph, stage, self.cutting.at_once, self.common)
        self.waiting: deque[tuple[Span, Span, dict[Tensor, Any], bool, Future[Found]]] = deque()
        self.written: list[Future[None]] = []

    def run(self) -> Iterator[tuple[float, Span, Span, Found]]:
        """All tiles in reading order: the share done, where the tile is, and what was found that is not in files."""
        total, done = sum(len(across) for _, across in self.rows), 0
        pool, disk = ThreadPoolExecutor(self.cutting.at_once), ThreadPoolExecutor(1)
        try:
            for down, across, strips in self._read_ahead(disk):
                made = {tensor: self._strip(tensor, down) for tensor in self.inside}
                for span in across:
                    task = pool.submit(self._tile, down, span, strips, made)
                    self.waiting.append((down, span, made, span is across[-1], task))
                    while len(self.waiting) > 2 * self.cutting.at_once:
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

    def _read_ahead(self, disk: ThreadPoolExecutor) -> Iterator[tuple[Span, list[Span], dict[int, Any]]]:
        """Each row of windows with what it reads, while the next one is read."""
        ahead = disk.submit(self._strips, self.rows[0][0])
        for number, (down, across) in enumerate(self.rows):
            strips = ahead.result()
            if number + 1 < len(self.rows):
                ahead = disk.submit(self._strips, self.rows[number + 1][0])
            yield down, across, strips

    def _tile(self, down: Span, span: Span, strips: dict[int, Any], made: dict[Tensor, Any]) -> Found:
        """Run one tile: what it keeps goes into the strips ``made``, the rest is given."""
        window = _window(down, span)
        core, chosen = (window.first, window.last), self.special if window == self.common else self.compiled
        found = chosen.run(self._feeds(strips, down, span, chosen.inputs), *core)
        for tensor, strip in made.items():
            scale = self.graph.shapes[tensor].scale
            values = found.pop((tensor, "values"))[0].view(self.graph.kept)
            rows, columns = (slice(one // scale, last // scale) for one, last in zip(*core, strict=True))
            strip[:, :, span.first // scale : span.last // scale] = values[:, rows, columns].transpose(1, 0, 2)
        if (self.graph.painted, "values") in found:
            rows, columns = (slice(*ends) for ends in zip(*core, strict=True))
            found[self.graph.painted, "values"] = found[self.graph.painted, "values"][:, :, rows, columns]
        return {key: np.array(value) for key, value in found.items()}  # the runtime will use its own again

    def _finished(self, disk: ThreadPoolExecutor) -> tuple[Span, Span, Found]:
        """The oldest tile, once it is done; behind the last of a row that row is written."""
        down, span, made, last, task = self.waiting.popleft()
        found = task.result()
        if last:
            for tensor, strip in made.items():
                top = down.first // self.graph.shapes[tensor].scale
                self.written.append(disk.submit(self.kept[tensor].write, top, strip))
            while len(self.written) > len(made):  # those of the row before
                self.written.pop(0).result()
        return down, span, found

    def _fixed(self, known: Mapping[str, Moments]) -> dict[str, Floats]:
        """The inputs that are alike in all tiles: the style, and gain and bias of the norms whose moments are known."""
        feeds = dict(self.large.style)
        for number, norm in enumerate(self.graph.norms):
            if norm.name in known:
                gain = 1 / np.sqrt(known[norm.name].var + norm.epsilon)
                feeds[f"gain_{number}"] = np.float32(gain).reshape(1, -1, 1, 1)
                feeds[f"bias_{number}"] = np.float32(-known[norm.name].mean * gain).reshape(1, -1, 1, 1)
        return feeds

    def _feeds(self, strips: dict[int, Any], down: Span, span: Span, inputs: set[str]) -> dict[str, Any]:
        feeds: dict[str, Any] = dict(self.fixed)
        for name in (PICTURE, MASKS):
            if name in inputs:
                feeds[name] = self.large.sources[name](slice(down.start, down.stop), slice(span.start, span.stop))
        for number, (scale, strip) in strips.items():
            part = strip[:, :, span.start // scale : span.stop // scale]
            feeds[f"kept_{number}"] = np.ascontiguousarray(part.transpose(1, 0, 2))[None]
        return feeds

    def _strips(self, down: Span) -> dict[int, tuple[int, Any]]:
        """The rows of kept tensors that a row of windows reads, by their numbers in the stage, with their scales."""
        scales = [self.graph.shapes[tensor].scale for tensor in self.stage.reads]
        return {
            number: (scale, self.kept[tensor].read(down.start // scale, down.stop // scale))
            for number, (tensor, scale) in enumerate(zip(self.stage.reads, scales, strict=True))
        }

    def _strip(self, tensor: Tensor, down: Span) -> npt.NDArray[Any]:
        shape = self.graph.shapes[tensor]
        rows, columns = (down.last - down.first) // shape.scale, self.width // shape.scale
        return np.empty((rows, shape.channels, columns), self.graph.kept)


def _visible(span: Span, length: int, margin: int) -> slice:
    """The part of a core, counted from where it begins, that is within the margins at both ends of ``length``."""
    return slice(max(0, margin - span.first), max(0, min(span.last, length - margin) - span.first))


def _window(down: Span, span: Span) -> Window:
    """The tile of these rows and columns."""
    first = down.first - down.start, span.first - span.start
    last = down.last - down.start, span.last - span.start
    return Window(down.stop - down.start, span.stop - span.start, first, last)


def _forget(kept: dict[Tensor, Kept], to_come: list[Stage], files: Folder) -> None:
    """Give back the files of tensors that no stage to come reads."""
    read = {tensor for stage in to_come for tensor in stage.reads}
    for tensor in set(kept) - read:
        files.give_back(kept.pop(tensor))
    if not any(stage.keeps for stage in to_come[:-1]):
        files.clear()
