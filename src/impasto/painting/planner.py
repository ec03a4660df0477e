"""How a picture will be painted in the memory that there is: whole or in tiles, and how long that takes."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from impasto import limits, pictures
from impasto.errors import PictureError
from impasto.painting import memory, passes
from impasto.painting.grain import Grained
from impasto.painting.network import Network

if TYPE_CHECKING:
    from impasto.painting.tiles.large import Large
    from impasto.painting.tiles.windows import Floats

SHARE = 0.7  # of the free memory that a painting may take
WHOLE_BYTES = 5_000_000_000  # what a picture may take to be painted whole, if no limit is given
TILES_BYTES = 1_800_000_000  # and what photo, painting and tiles may take together; the program takes 200 MB
TILE_BYTES = 320 * 2**20  # for each thread: what tiles that run take where there is more
LEAST_BYTES = 40 * 2**20  # and where there is less than that
AT_MOST = 4000  # bytes a pixel: no network needs more; most machines have them free
TRIALS = (512, 1024)  # pixels: what is painted to estimate how long a picture will take


@dataclass(frozen=True)
class Plan:
    """How a picture of ``width`` x ``height`` pixels will be painted: whole, or in tiles, in several passes over them.

    ``memory`` is what the process will take at its peak, ``disk`` what temporary files will take, in bytes. ``work``
    counts the multiplications in tiles, where they overlap too; 0 for whole pictures. ``first`` is the longer side of
    the first, small painting of a large picture, in pixels, or of the only one, larger and then shrunk, where strokes
    are to be finer; 0 where there is neither. ``paintings`` are made one after the other, each as said, where masks
    blend several.
    """

    width: int
    height: int
    whole: bool
    tiles: int
    passes: int
    memory: int
    disk: int
    work: float
    first: int = 0
    paintings: int = 1


class Planner:
    """Plans for one open network; ``max_memory`` (bytes, of the whole process) limits them, None is what is free."""

    def __init__(self, network: Network, max_memory: float | None = None) -> None:
        self.network, self.max_memory = network, max_memory
        self._trials: dict[bool, list[tuple[float, float]]] = {}

    def plan(
        self,
        size: passes.Size,
        masks: int = 0,
        *,
        floats: bool = False,
        begun: passes.Size | None = None,
        first: Planner | None = None,
    ) -> Plan:
        """How a picture of ``size`` (height, width) will be painted now.

        ``floats``: more than 8 bits go through the network. ``begun``: the size of the first of two passes, which
        ``first`` plans, if that is another network; or of the only one, if that is larger.
        """
        only = passes.larger(begun, size)
        planned = self._pass(begun if begun and only else size, floats, begun is not None and not only)
        if masks:  # the painting in which they are blended, and the masks as bytes
            more = (masks + (12 if floats else 3)) * math.prod(size)
            planned = replace(planned, memory=planned.memory + more, paintings=masks + 1)
        if begun is None:
            return planned
        if only:  # photo and painting at their own size, and the painting while it is shrunk
            more = (6 + 12) * math.prod(size)
            return replace(planned, width=size[1], height=size[0], memory=planned.memory + more, first=max(begun))
        small = (first or self)._pass(begun, True, False)
        kept = 4 * 6 * math.prod(begun)  # photo and painting of the first pass
        return replace(
            planned,
            memory=max(planned.memory + kept, small.memory + 3 * math.prod(size)),
            disk=max(planned.disk, small.disk),
            first=max(begun),
        )

    def _pass(self, size: passes.Size, floats: bool, second: bool) -> Plan:
        height, width = size
        whole = self.network.bytes_for(height, width, floats=floats)
        whole += second * (12 if floats else 3) * height * width  # what the second pass paints
        files = 3 * 3 * height * width  # photo, the same with grain, and painting, in 8 bits
        if whole <= self._most():
            return Plan(width, height, True, 1, 1, memory.used() + whole + files, 0, 0.0)
        blank: Any = np.broadcast_to(np.uint8(0), (height, width, 3))  # takes no memory
        layout = self.large(blank, self._any_row()).layout()
        total = memory.used() + layout.memory + files
        total += (second and floats) * 9 * height * width  # the painting is not rounded before the first is in it
        return Plan(width, height, False, layout.tiles, layout.passes, total, layout.disk, layout.work)

    def whole_bytes(self, size: passes.Size, *, floats: bool, second: bool) -> int:
        """About how many bytes it takes to paint a picture of this size whole, as planned; 0 if it needs tiles."""
        height, width = size
        surely = AT_MOST * self.network.pixels(height, width)
        if surely <= self._most():  # reading the graph to know better takes as long as a small painting
            return surely // 4
        planned = self._pass(size, floats, second)
        return max(1, planned.memory - memory.used()) if planned.whole else 0

    def large(self, pixels: pictures.Pixels | passes.Second | Grained, row: Floats) -> Large:
        """A picture on its way through the network in tiles; NetworkError where the runtime knows none."""
        from impasto.painting.tiles.large import Large
        from impasto.painting.tiles.windows import Mirrored

        graph = self.network.graph()
        source = Mirrored(pixels, graph.multiple, self.network.smallest, graph.margin)
        scale, shift = np.split(row, 2)
        style = {"scale": np.ascontiguousarray(scale), "shift": np.ascontiguousarray(shift)}
        room = self._budget(math.prod(pixels.shape))
        # On many cores tiles would take all of it, and gain less than what waits in memory does.
        budget = min(room, TILE_BYTES * self.network.threads, max(2 * TILE_BYTES, room // 2))
        return Large(graph, source, style, budget=budget, spare=room - budget, threads=self.network.threads)

    def _any_row(self) -> Floats:
        return np.ones(self.network.row_size, np.float32)

    # ---- memory

    def _most(self) -> float:
        """Bytes that a picture may take to be painted whole."""
        most = SHARE * self._room()
        if self.max_memory is None and self.network.runtime == "openvino":  # the other runtime knows no tiles
            most = min(most, WHOLE_BYTES)
        return most

    def _room(self) -> float:
        """Bytes that a painting may take beside what the process holds already."""
        free = float(memory.available())
        return (free if self.max_memory is None else min(free, self.max_memory - memory.used())) - memory.claims.open()

    def _budget(self, painted: int) -> int:
        """Bytes that tiles may take beside the painting (in bytes), which is never so little that nothing goes."""
        room = SHARE * (self._room() - painted)
        if self.max_memory is None:
            room = min(room, TILES_BYTES - 2 * painted)
        return int(max(LEAST_BYTES, room))

    # ---- time

    def seconds(self, plan: Plan, first: Planner | None = None) -> float:
        """How long painting as planned will take here, from two small paintings made and timed, once for a planner.

        ``first`` plans the first of two passes, if that is another network.
        """
        if plan.whole not in self._trials:
            self._trials[plan.whole] = [self._trial(side, plan.whole) for side in TRIALS]
        (small, little), (second, more) = self._trials[plan.whole]
        size = plan.height, plan.width
        begun = passes.at_side(size, plan.first) if plan.first else None
        only = passes.larger(begun, size)
        work = self.network.pixels(*(begun if begun and only else size)) if plan.whole else plan.work
        beyond = max(0.0, second - small) / (more - little) * (work - little)
        before = 0.0 if begun is None or only else (first or self)._seconds_first(plan, begun)
        return plan.paintings * (before + (small * work / little if work <= little else small + beyond))

    def _seconds_first(self, plan: Plan, begun: passes.Size) -> float:
        """How long the first pass and what lies between the two will take."""
        noise = _noise(max(TRIALS))
        begin = time.perf_counter()
        small = passes.shrunk(noise, (min(TRIALS), min(TRIALS)))
        passes.crossed(small, passes.Second(small, noise, small).whole())(slice(None))
        between = (time.perf_counter() - begin) * plan.width * plan.height / max(TRIALS) ** 2
        return between + self.seconds(self._pass(begun, False, False))

    def _trial(self, side: int, whole: bool) -> tuple[float, float]:
        """Seconds and work of painting noise, ``side`` x ``side`` pixels."""
        noise, row = _noise(side), self._any_row()
        if whole:
            self.network.prepare(side, side)
        begin = time.perf_counter()
        if whole:
            self.network.paint(noise, row)
            return time.perf_counter() - begin, float(self.network.pixels(side, side))
        large = self.large(noise, row)
        for _ in large.paint():
            pass
        return time.perf_counter() - begin, large.layout().work


def check_memory(most: float | None) -> None:
    """OptionError for what is no limit of memory, in bytes, or None for none."""
    if most is not None:
        limits.MEMORY.check("max_memory, in bytes,", most)


def check_room(width: int, height: int, floats: bool) -> None:
    """PictureError where photo and painting themselves do not fit into memory."""
    need, free = (24 if floats else 6) * width * height, memory.available() - memory.claims.open()
    if need > free:
        raise PictureError(
            f"a painting of {width} x {height} pixels takes {need / 1e9:.1f} GB of memory, and "
            f"{max(0, free) / 1e9:.1f} GB are free; give a smaller size"
        )


def _noise(side: int) -> Any:
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
