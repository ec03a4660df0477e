"""How a picture is cut for each pass of a graph: in windows that memory holds. It paints nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from impasto.painting.tiles.parts import Stage, Tensor
from impasto.painting.tiles.stages import Graph
from impasto.painting.tiles.windows import Span, tiles

KEPT_LIMIT = 20.0  # numbers a pixel: fatter tensors are computed again, which is cheaper than a file
SIDE, HALOS = 256, 48  # a window's side, in pixels or in halos: larger ones leave the processor's cache
STRIP_SHARE = 0.6  # of the budget: rows of tiles on their way from and to the files
READ_AHEAD, WRITE_BEHIND = 3, 2  # such rows in memory at once
SMALLEST = 64  # pixels, beyond the halo: below it a tile is nearly all halo


@dataclass(frozen=True)
class Layout:
    """How a picture is cut: ``tiles`` in the pass with most of them, ``passes``, and bytes in memory and in files.

    ``held`` is that part of the memory in which tensors wait for the next pass.
    """

    passes: int
    tiles: int
    memory: int
    held: int
    disk: int
    work: float  # multiplications in all


class Cutting:
    """The passes over a picture of ``size`` (height, width), and their windows, within a ``budget`` of bytes.

    Tensors that are kept from pass to pass are ``held`` in memory as far as ``spare`` bytes go, the others in files.
    """

    def __init__(self, graph: Graph, size: tuple[int, int], budget: int, threads: int, spare: int = 0) -> None:
        self.graph, self.size, self.budget = graph, size, budget
        self.stages = graph.stages(KEPT_LIMIT)
        self.held = set[Tensor]()
        for tensor in sorted({tensor for stage in self.stages[:-1] for tensor in stage.keeps}, key=self._place):
            if self._fullest(self.held | {tensor}) <= spare:
                self.held.add(tensor)
        # How many windows run at once: one in each thread, if the budget lets them be of some size.
        least = (2 * graph.straight.halo + 4 * SMALLEST) ** 2 * self._tile_bytes(graph.straight)
        self.at_once = max(1, min(threads, int(budget / least)))

    def layout(self) -> Layout:
        """What painting will take."""
        cuts = [self._cut(stage) for stage in self.stages]
        counts = [sum(len(across) for _, across in self.windows(stage)) for stage in self.stages]
        held = self._fullest(self.held)
        memory = held + max(self.bytes(stage, *cut) for stage, cut in zip(self.stages, cuts, strict=True))
        work = sum(self.work(stage) for stage in self.stages)
        return Layout(len(self.stages), max(counts), int(memory), int(held), int(self.disk), work)

    def windows(self, stage: Stage) -> list[tuple[Span, list[Span]]]:
        """The windows of a pass: the span of each row, with those of its windows."""
        return list(tiles(self.size, *self._cut(stage), stage.halo, self.graph.multiple))

    def work(self, stage: Stage) -> float:
        """Multiplications of a pass, those in the halos too."""
        rows = self.windows(stage)
        read = sum((down.stop - down.start) * (span.stop - span.start) for down, across in rows for span in across)
        return stage.work * read

    def bytes(self, stage: Stage, height: int, width: int) -> float:
        """Memory of a pass whose windows are so large."""
        return height * (width * self.at_once * self._tile_bytes(stage) + self.size[1] * self._strip_bytes(stage))

    @property
    def disk(self) -> float:
        """Bytes in files at the fullest moment."""
        return self._fullest({tensor for stage in self.stages[:-1] for tensor in stage.keeps} - self.held)

    def _fullest(self, among: set[Tensor]) -> float:
        """Bytes of those tensors that are kept ``among`` these, at the fullest moment."""
        kept: set[Tensor] = set()
        most = 0.0
        for number, stage in enumerate(self.stages[:-1]):
            kept |= among & set(stage.keeps)
            most = max(most, self.graph.kept_bytes(kept))
            kept &= {tensor for later in self.stages[number + 1 :] for tensor in later.reads}
        return math.prod(self.size) * most

    def _place(self, tensor: Tensor) -> tuple[int, Tensor]:
        """The number of the pass that makes it: those that come first are held first."""
        return next(number for number, stage in enumerate(self.stages) if tensor in stage.keeps), tensor

    def _cut(self, stage: Stage) -> tuple[int, int]:
        """Height and width of the windows of a pass."""
        multiple = self.graph.multiple
        least = 2 * stage.halo + max(SMALLEST, multiple)
        strip = self._strip_bytes(stage)
        room = self.budget * ((1 - STRIP_SHARE) if strip else 1) / self.at_once / self._tile_bytes(stage)
        side = min(max(SIDE, HALOS * stage.halo), math.sqrt(room))
        tall = min(side, self.budget * STRIP_SHARE / (strip * self.size[1])) if strip else side
        tall, wide = max(tall, least), max(side, least)
        return _down(min(tall, self.size[0]), multiple), _down(min(wide, self.size[1]), multiple)

    def _tile_bytes(self, stage: Stage) -> float:
        """Bytes for each pixel of a window that runs: the runtime's, and those of its inputs and outputs."""
        kept = self.graph.kept_bytes({*stage.reads, *self.graph.inside(stage)})
        return 1.2 * stage.bytes + 24 + 2 * kept

    def _strip_bytes(self, stage: Stage, reads: int = READ_AHEAD, writes: int = WRITE_BEHIND) -> float:
        """Bytes for each pixel of a row of windows: what is read from files and goes into them."""
        read, made = (set(tensors) - self.held for tensors in (stage.reads, self.graph.inside(stage)))
        return reads * self.graph.kept_bytes(read) + writes * self.graph.kept_bytes(made)


def _down(number: float, multiple: int) -> int:
    return max(multiple, int(number) // multiple * multiple)
