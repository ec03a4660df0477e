"""A picture painted in tiles that equals the picture painted whole, in bounded memory. OpenVINO only.

Instance norms need the moments of the whole picture, which are gathered norm by norm: every pass goes over all tiles,
and small inner tensors wait for the next pass in files.
"""

from __future__ import annotations

import math
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
from impasto.painting.tiles.parts import MASKS, PICTURE, Stage, Tensor, Window
from impasto.painting.tiles.stages import Graph
from impasto.painting.tiles.windows import Folder, Kept, Moments, Source, Span, tiles

Floats = npt.NDArray[np.float32]
Found: TypeAlias = dict[tuple[Tensor, str], npt.NDArray[Any]]

KEPT_LIMIT = 20.0  # numbers a pixel: fatter tensors are computed again, which is cheaper than a file
SIDE, HALOS = 256, 48  # a window's side, in pixels or in halos: larger ones leave the processor's cache
STRIP_SHARE = 0.6  # of the budget: rows of tiles on their way from and to the files
READ_AHEAD, WRITE_BEHIND = 3, 2  # such rows in memory at once
OFTEN = 400  # tiles of one size that are worth a graph compiled for it
SMALLEST = 64  # pixels, beyond the halo: below it a tile is nearly all halo


@dataclass(frozen=True)
class Step:
    """How far the work is, 0..1; and if a part is painted: its (h, w, 3), 0..1, and its top left corner."""

    share: float
    top: int = 0
    left: int = 0
    painted: Floats | None = None


@dataclass(frozen=True)
class Layout:
    """How a picture is cut: ``tiles`` in the pass with most of them, ``passes``, and bytes in memory and in files."""

    passes: int
    tiles: int
    memory: int
    disk: int
    work: float  # multiplications in all


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

    # ---- plans

    def layout(self) -> Layout:
        """What ``paint`` will do."""
        size = self.sources[PICTURE].size
        pixels = math.prod(size)
        stages = self._stages
        cuts = [self._cut(stage, size) for stage in stages]
        counts = [
            sum(len(across) for _, across in tiles(size, *cut, stage.halo, self.graph.multiple))
            for stage, cut in zip(stages, cuts, strict=True)
        ]
        memory = max(self._bytes(stage, size, cut) for stage, cut in zip(stages, cuts, strict=True))
        work = sum(self._work(stage, size) for stage in stages)
        disk = pixels * most_kept(self.graph, stages)
        return Layout(len(stages), max(counts), int(memory), int(disk), work)

    def _work(self, stage: Stage, size: tuple[int, int]) -> float:
        """Multiplications of a pass, those in the halos too."""
        read = sum(
            (down.stop - down.start) * (span.stop - span.start)
            for down, across in tiles(size, *self._cut(stage, size), stage.halo, self.graph.multiple)
            for span in across
        )
        return stage.work * read

    def _cut(self, stage: Stage, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the windows of a pass."""
        multiple = self.graph.multiple
        least = 2 * stage.halo + max(SMALLEST, multiple)
        strip = self._strip_bytes(stage)
        room = self.budget * ((1 - STRIP_SHARE) if strip else 1) / self._at_once / self._tile_bytes(stage)
        side = min(max(SIDE, HALOS * stage.halo), math.sqrt(room))
        tall = min(side, self.budget * STRIP_SHARE / (strip * size[1])) if strip else side
        tall, wide = max(tall, least), max(side, least)
        return _down(min(tall, size[0]), multiple), _down(min(wide, size[1]), multiple)

    @cached_property
    def _stages(self) -> list[Stage]:
        return self.graph.stages(KEPT_LIMIT)

    @cached_property
    def _at_once(self) -> int:
        """How many windows run at once: one in each thread, if the budget lets them be of some size."""
        least = (2 * self.graph.straight.halo + 4 * SMALLEST) ** 2 * self._tile_bytes(self.graph.straight)
        return max(1, min(self.threads, int(self.budget / least)))

    def _tile_bytes(self, stage: Stage) -> float:
        """Bytes for each pixel of a window that runs: the runtime's, and those of its inputs and outputs."""
        return 1.2 * stage.bytes + 24 + 2 * self._strip_bytes(stage, 1, 1)

    def _strip_bytes(self, stage: Stage, reads: int = READ_AHEAD, writes: int = WRITE_BEHIND) -> float:
        """Bytes for each pixel of a row of windows: what is read from files and goes into them."""
        inside = [tensor for tensor in stage.keeps if tensor != self.graph.painted]
        return reads * self.graph.kept_bytes(stage.reads) + writes * self.graph.kept_bytes(inside)

    def _bytes(self, stage: Stage, size: tuple[int, int], cut: tuple[int, int]) -> float:
        return cut[0] * (cut[1] * self._at_once * self._tile_bytes(stage) + size[1] * self._strip_bytes(stage))

    # ---- painting

    def paint(self) -> Iterator[Step]:
        """Paint; every pixel comes once, in tiles in reading order of their rows."""
        stages = self._stages
        size = self.sources[PICTURE].size
        works = [self._work(stage, size) for stage in stages]
        known: dict[str, Moments] = {}
        with _files(self, stages) as files:
            kept: dict[Tensor, Kept] = {}
            for number, stage in enumerate(stages[:-1]):
                for share in self._pass(stage, known, kept, files):
                    yield Step((sum(works[:number]) + share * works[number]) / sum(works))
                _forget(kept, stages[number + 1 :], files)
            for step in self._last(stages[-1], known, kept):
                share = 1 - (1 - step.share) * works[-1] / sum(works)
                yield Step(share, step.top, step.left, step.painted)

    def _windows(self, stage: Stage) -> list[tuple[Span, list[Span]]]:
        size = self.sources[PICTURE].size
        return list(tiles(size, *self._cut(stage, size), stage.halo, self.graph.multiple))

    def _pass(
        self, stage: Stage, known: dict[str, Moments], kept: dict[Tensor, Kept], files: Folder
    ) -> Iterator[float]:
        """Run a stage over all tiles: its norms' moments go into ``known``, what it keeps into ``kept``."""
        gathered = {norm.name: Moments() for norm in stage.norms}
        size = self.sources[PICTURE].size
        for tensor in stage.keeps:
            shape = self.graph.shapes[tensor]
            kept[tensor] = files.new(shape.channels, size[0] // shape.scale, size[1] // shape.scale)
        for share, down, span, found in self._run(stage, known, kept):
            for norm in stage.norms:
                count = (down.last - down.first) * (span.last - span.first) // self.graph.shapes[norm.meets].scale ** 2
                gathered[norm.name].add(count, found[norm.meets, "mean"], found[norm.meets, "var"])
            yield share
        known.update(gathered)

    def _last(self, stage: Stage, known: dict[str, Moments], kept: dict[Tensor, Kept]) -> Iterator[Step]:
        """Run the stage that paints."""
        margin, (height, width) = self.graph.margin, self.sources[PICTURE].size
        for share, down, span, found in self._run(stage, known, kept):
            (painted,) = found.values()
            rows, columns = _visible(down, height, margin), _visible(span, width, margin)
            part = painted[0, :, rows, columns].transpose(1, 2, 0)
            corner = max(0, down.first - margin), max(0, span.first - margin)
            yield Step(share, *corner, part) if part.size else Step(share)

    def _run(
        self, stage: Stage, known: Mapping[str, Moments], kept: dict[Tensor, Kept]
    ) -> Iterator[tuple[float, Span, Span, Found]]:
        """All tiles of a stage in reading order, several at once, while one more thread reads ahead and writes behind.

        Yields the share done, where the tile is, and what was found there but for what went into the files.
        """
        fixed = self._fixed(known)
        width = self.sources[PICTURE].size[1]
        inside = [tensor for tensor in stage.keeps if tensor != self.graph.painted]
        rows = self._windows(stage)
        compiled = Compiled(self.graph, stage, self._at_once)
        common, often = Counter(_window(down, span) for down, across in rows for span in across).most_common(1)[0]
        special = compiled
        room = self.budget >= 2 * self._bytes(stage, self.sources[PICTURE].size, (common.height, common.width))
        if often >= OFTEN and room and MASKS not in self.sources:
            special = Compiled(self.graph, stage, self._at_once, common)
        total, done = sum(len(across) for _, across in rows), 0
        pool, disk = ThreadPoolExecutor(self._at_once), ThreadPoolExecutor(1)
        written: list[Future[None]] = []
        waiting: deque[tuple[Span, Span, dict[Tensor, Any], bool, Future[Found]]] = deque()

        def tile(down: Span, span: Span, strips: dict[int, tuple[int, Any]], made: dict[Tensor, Any]) -> Found:
            window = _window(down, span)
            core, chosen = (window.first, window.last), special if window == common else compiled
            found = chosen.run(self._feeds(fixed, strips, down, span, chosen.inputs), *core)
            for tensor, strip in made.items():
                scale = self.graph.shapes[tensor].scale
                values = found.pop((tensor, "values"))[0].view(self.graph.kept)
                rows, columns = (slice(one // scale, last // scale) for one, last in zip(*core, strict=True))
                strip[:, :, span.first // scale : span.last // scale] = values[:, rows, columns].transpose(1, 0, 2)
            if (self.graph.painted, "values") in found:
                rows, columns = (slice(*ends) for ends in zip(*core, strict=True))
                found[self.graph.painted, "values"] = found[self.graph.painted, "values"][:, :, rows, columns]
            return {key: np.array(value) for key, value in found.items()}  # the runtime will use its own again

        def finished() -> tuple[float, Span, Span, Found]:
            nonlocal done
            down, span, made, last, task = waiting.popleft()
            found = task.result()
            if last:
                for tensor, strip in made.items():
                    top = down.first // self.graph.shapes[tensor].scale
                    written.append(disk.submit(kept[tensor].write, top, strip))
                while len(written) > len(made):  # those of the row before
                    written.pop(0).result()
            done += 1
            return done / total, down, span, found

        try:
            ahead = disk.submit(self._strips, stage, kept, rows[0][0])
            for number, (down, across) in enumerate(rows):
                strips = ahead.result()
                if number + 1 < len(rows):
                    ahead = disk.submit(self._strips, stage, kept, rows[number + 1][0])
                made = {tensor: self._strip(tensor, down, width) for tensor in inside}
                for span in across:
                    waiting.append((down, span, made, span is across[-1], pool.submit(tile, down, span, strips, made)))
                    while len(waiting) > 2 * self._at_once:
                        yield finished()
            while waiting:
                yield finished()
            for task in written:
                task.result()
        finally:
            pool.shutdown(cancel_futures=True)
            disk.shutdown(cancel_futures=True)

    def _fixed(self, known: Mapping[str, Moments]) -> dict[str, Floats]:
        """The inputs that are alike in all tiles: the style, and gain and bias of the norms whose moments are known."""
        feeds = dict(self.style)
        for number, norm in enumerate(self.graph.norms):
            if norm.name in known:
                gain = 1 / np.sqrt(known[norm.name].var + norm.epsilon)
                feeds[f"gain_{number}"] = np.float32(gain).reshape(1, -1, 1, 1)
                feeds[f"bias_{number}"] = np.float32(-known[norm.name].mean * gain).reshape(1, -1, 1, 1)
        return feeds

    def _feeds(
        self, fixed: dict[str, Floats], strips: dict[int, Any], down: Span, span: Span, inputs: set[str]
    ) -> dict[str, Any]:
        feeds: dict[str, Any] = dict(fixed)
        for name in (PICTURE, MASKS):
            if name in inputs:
                feeds[name] = self.sources[name](slice(down.start, down.stop), slice(span.start, span.stop))
        for number, (scale, strip) in strips.items():
            part = strip[:, :, span.start // scale : span.stop // scale]
            feeds[f"kept_{number}"] = np.ascontiguousarray(part.transpose(1, 0, 2))[None]
        return feeds

    def _strips(self, stage: Stage, kept: Mapping[Tensor, Kept], down: Span) -> dict[int, tuple[int, Any]]:
        """The rows of kept tensors that a row of windows reads, by their numbers in the stage, with their scales."""
        scales = [self.graph.shapes[tensor].scale for tensor in stage.reads]
        return {
            number: (scale, kept[tensor].read(down.start // scale, down.stop // scale))
            for number, (tensor, scale) in enumerate(zip(stage.reads, scales, strict=True))
        }

    def _strip(self, tensor: Tensor, down: Span, width: int) -> npt.NDArray[Any]:
        shape = self.graph.shapes[tensor]
        rows, columns = (down.last - down.first) // shape.scale, width // shape.scale
        return np.empty((rows, shape.channels, columns), self.graph.kept)


def _visible(span: Span, length: int, margin: int) -> slice:
    """The part of a core, counted from where it begins, that is within the margins at both ends of ``length``."""
    return slice(max(0, margin - span.first), max(0, min(span.last, length - margin) - span.first))


def _window(down: Span, span: Span) -> Window:
    """The tile of these rows and columns."""
    first = down.first - down.start, span.first - span.start
    last = down.last - down.start, span.last - span.start
    return Window(down.stop - down.start, span.stop - span.start, first, last)


@contextmanager
def _files(large: Large, stages: list[Stage]) -> Iterator[Folder]:
    """The place for kept tensors; what goes wrong with it becomes a PictureError that says what helps."""
    place = large.folder or Path(tempfile.gettempdir())
    need = math.prod(large.sources[PICTURE].size) * most_kept(large.graph, stages)
    where = f"{need / 1e9:.1f} GB for temporary files in {place}"
    help = "name another folder in TMPDIR"
    try:
        free = shutil.disk_usage(place).free
        if free < need:
            raise PictureError(f"a picture this large needs {where}, {free / 1e9:.1f} GB are free there; {help}")
        with Folder(large.folder, large.graph.kept) as files:
            yield files
    except OSError as error:
        raise PictureError(f"a picture this large needs {where}: {error.strerror or error}; {help}") from error


def most_kept(graph: Graph, stages: list[Stage]) -> float:
    """Bytes in files for each pixel of the picture, at the fullest moment."""
    kept: set[Tensor] = set()
    most = 0.0
    for number, stage in enumerate(stages[:-1]):
        kept |= set(stage.keeps)
        most = max(most, graph.kept_bytes(kept))
        kept &= {tensor for later in stages[number + 1 :] for tensor in later.reads}
    return most


def _forget(kept: dict[Tensor, Kept], to_come: list[Stage], files: Folder) -> None:
    """Give back the files of tensors that no stage to come reads."""
    read = {tensor for stage in to_come for tensor in stage.reads}
    for tensor in set(kept) - read:
        files.give_back(kept.pop(tensor))
    if not any(stage.keeps for stage in to_come[:-1]):
        files.clear()


def _down(number: float, multiple: int) -> int:
    return max(multiple, int(number) // multiple * multiple)
