"""Move the pixels: a photo and paintings in, a stream of ``OptimizeStep`` records out; the last holds it.

Coarse to fine: each size has its objective and its optimiser, which takes over from the size before.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Unpack

import torch

from impasto import limits, pictures
from impasto.errors import LearnError
from impasto.learn.devices import memory_watched, resolve_device, smaller
from impasto.learn.loss.features import LossNetwork, load_loss_network
from impasto.learn.loss.layers import check_layers
from impasto.learn.optimize import state
from impasto.learn.optimize.descent import LBFGS, Adam, enlarge
from impasto.learn.optimize.fit import fit
from impasto.learn.optimize.objective import Parts
from impasto.learn.optimize.plan import Clock, Plan, checked_plan, plan_for, time_shares
from impasto.learn.optimize.recipes import Changes, OptimizeSettings, check_names, settings_for
from impasto.learn.optimize.scene import Scene
from impasto.learn.optimize.starts import first_picture, painters
from impasto.learn.optimize.tools import Tools
from impasto.learn.tensors import to_planes
from impasto.pictures import Picture
from impasto.styles.bank import Bank


@dataclass(frozen=True, eq=False)
class OptimizeStep:
    """What one step of the optimiser found; content and style are unweighted, in the settings' units.

    ``size`` is the long side in pixels; ``evaluations`` of ``planned`` are done. ``picture`` is there every
    ``picture_every`` steps and in the last record, at full size and in 0..1.
    """

    seconds: float
    step: int
    size: int
    content: float
    style: float
    total: float
    evaluations: int
    planned: int
    picture: Picture | None = None

    def record(self) -> dict[str, Any]:
        """All but the picture, as JSON has it."""
        return {name: value for name, value in vars(self).items() if name != "picture"}

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows of it."""
        return None if self.picture is None else pictures.png(self.picture)


class RunOptions(Changes, total=False):
    """Fields of ``OptimizeSettings``, and keywords of ``Optimization``."""

    loss_network: LossNetwork | None
    network: str | os.PathLike[str]
    bank: Bank | str | os.PathLike[str] | None
    device: str
    max_memory: float | None
    plan: Plan | None


class Options(RunOptions, total=False):
    """All keywords of ``optimize``."""

    recipe: str
    photo_masks: Sequence[pictures.Source]
    painting_masks: Sequence[pictures.Source]
    max_seconds: float | None
    picture_every: int


def optimize(
    photo: pictures.Source,
    paintings: pictures.Source | Sequence[pictures.Source],
    *,
    recipe: str = "default",
    photo_masks: Sequence[pictures.Source] = (),
    painting_masks: Sequence[pictures.Source] = (),
    max_seconds: float | None = None,
    picture_every: int = 0,
    **options: Unpack[RunOptions],
) -> Iterator[OptimizeStep]:
    """Paint ``photo`` like ``paintings`` by moving its pixels (Gatys, Ecker and Bethge 2015).

    ``options`` are fields of ``OptimizeSettings``, in place of the recipe's, and keywords of ``Optimization``.
    The iterator yields an ``OptimizeStep`` per step of the optimiser; the last holds the picture. ``Optimization`` is
    the same thing for stopping, saving and going on, and says what it raises.
    """
    keywords, changes = split(options, sorted(Options.__optional_keys__))
    settings = settings_for(recipe, **changes)
    run = Optimization(photo, paintings, settings, photo_masks=photo_masks, painting_masks=painting_masks, **keywords)
    return run.run(max_seconds=max_seconds, picture_every=picture_every)


KEYWORDS = sorted(RunOptions.__optional_keys__ - Changes.__optional_keys__)


def split(options: Mapping[str, Any], own: Iterable[str] = ()) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options as keywords of ``Optimization`` and changes of settings; OptionError names the nearest known one.

    ``own`` are names that the caller knows besides.
    """
    check_names(options, [*(each.name for each in fields(OptimizeSettings)), *KEYWORDS, *own])
    keywords = {name: value for name, value in options.items() if name in KEYWORDS}
    return keywords, {name: value for name, value in options.items() if name not in KEYWORDS}


class Optimization:
    """An optimisation that can be stopped, saved, gone on with and looked at: opened once, then ``run``.

    Without masks every painting paints everything, by its weight. ``photo_masks`` are regions of the photo, white is
    in; region i takes the style of painting i, or of the only one; ``painting_masks`` say from which part of it. Masks
    have their picture's size. ``network`` and ``bank`` are for starts from the network's painting. ``max_memory`` is in
    bytes; without it, what the device has free. ``plan`` replays stages: (size, evaluations, precision) each.

    Raises OptionError for a setting or a layer that there is not; LearnError for pictures too small for the layers,
    masks of another size, and too little memory; PictureError for what is no picture.
    """

    def __init__(
        self,
        photo: pictures.Source,
        paintings: pictures.Source | Sequence[pictures.Source],
        settings: OptimizeSettings | None = None,
        *,
        photo_masks: Sequence[pictures.Source] = (),
        painting_masks: Sequence[pictures.Source] = (),
        loss_network: LossNetwork | None = None,
        network: str | os.PathLike[str] = "full",
        bank: Bank | str | os.PathLike[str] | None = None,
        device: str = "cpu",
        max_memory: float | None = None,
        plan: Plan | None = None,
    ) -> None:
        self.settings = settings or OptimizeSettings()
        self._network_file, self._bank = network, bank
        self.start = self.settings.start  # with the mix of styles, once it is chosen
        self.painters = self.painted_by()
        self.device = torch.device(resolve_device(device))
        if max_memory is not None:
            limits.MEMORY.check("max_memory, in bytes,", max_memory)
        self.loss_network = loss_network or load_loss_network()
        check_layers([*self.settings.content_layers, *self.settings.style_layers], depth=self.loss_network.depth)
        with memory_watched(lambda: "choose smaller files for photo and paintings"):
            self.scene = Scene(photo, paintings, self.settings, photo_masks=photo_masks, painting_masks=painting_masks)
        given = None if plan is None else checked_plan(plan, largest=self.settings.size)
        self.plan = given or plan_for(self.settings, self.scene, self.device)
        self.fit = fit(
            *self.scene.shape_at(self.settings.size),
            self.settings,
            self.plan[-1][2],
            depth=self.loss_network.depth,
            regions=len(self.scene.photo_masks),
            looked_at=self.scene.painting_pixels(self.settings.size),
            limit=max_memory,
            device=self.device,
        )
        self.tools = Tools(self.settings, self.scene, self.loss_network, self.fit, self.device)
        self.optimizer: LBFGS | Adam | None = None
        self.stage = 0
        self.used = [0] * len(self.plan)  # evaluations, per stage
        self.steps = 0
        self.seconds = 0.0
        self.stopped = False

    # -- the loop

    def stop(self) -> None:
        """End ``run`` behind the step that it is at; for another thread or a signal to call. Stopped, it stays so.

        Picture, counters and the optimiser's memory then belong together, as ``save`` needs them.
        """
        self.stopped = True

    def run(self, *, max_seconds: float | None = None, picture_every: int = 0) -> Iterator[OptimizeStep]:
        """Go on to the end of the plan or for ``max_seconds``; the last ``OptimizeStep`` holds the picture.

        If time is short, every size gets less of it, in proportion, so that the full size is reached all the same.
        There is no ``OptimizeStep`` at all if it was stopped before the first.
        """
        if max_seconds is not None:
            limits.SECONDS.check("max_seconds", max_seconds)
        return self._run(max_seconds, limits.COUNT.check("picture_every", picture_every))

    def _run(self, max_seconds: float | None, picture_every: int) -> Iterator[OptimizeStep]:
        clock = Clock(self.seconds, max_seconds)
        shares = time_shares(self.plan, self.used)
        while self.stage < len(self.plan) and not self.stopped:
            with memory_watched(lambda: smaller(self.plan[self.stage][0])):
                for step in self._run_stage(clock, shares[self.stage]):
                    shown = self.picture() if picture_every and step % picture_every == 0 else None
                    yield self._record(shown)
            last = self.stage == len(self.plan) - 1
            if self.used[self.stage] < self.plan[self.stage][1] and (self.stopped or (last and clock.over(1.0))):
                break  # a later run may go on here
            self.stage += 1
        self.seconds = clock.seconds
        if self.parts is not None:
            yield self._record(self.picture())

    def _run_stage(self, clock: Clock, share: float) -> Iterator[int]:
        """Use up the evaluations of one stage, or its share of the time; yields the number of each step."""
        size, planned, precision = self.plan[self.stage]
        objective = self.tools.objective(size, precision)
        optimizer = self._prepare(size)
        while self.used[self.stage] < planned and not self.stopped:
            used = optimizer.step(objective.gradient)
            self.seconds = clock.seconds
            if not used:
                break  # nothing better can be found
            self.used[self.stage] += used
            self.steps += 1
            yield self.steps
            if clock.over(share):
                break
        if isinstance(optimizer, Adam) and not self.stopped:
            optimizer.finish(objective.gradient)

    def _prepare(self, size: int) -> LBFGS | Adam:
        """The optimiser of this stage: a new one, the same one, or one that takes over from another size."""
        old, shape = self.optimizer, self.scene.shape_at(size)
        if old is not None and tuple(old.picture.shape[2:]) == shape:
            if self.used[self.stage] == 0:
                old.forget()
            return old
        picture = to_planes(self._first(size)).to(self.device) if old is None else old.best
        self.optimizer = self.tools.optimizer(enlarge(picture, shape), old)
        return self.optimizer

    def _first(self, size: int) -> Picture:
        """The first picture, for a stage of ``size`` pixels."""
        eyes = self.tools.network(self.plan[0][2])  # as exact as those of the first steps
        picture, self.start = first_picture(self.scene, size, eyes, network=self._network_file, bank=self._bank)
        return picture

    # -- what came of it

    def picture(self) -> Picture:
        """The best picture so far, at full size, h x w x 3 in 0..1; the start, before the first step."""
        if self.optimizer is None:
            return self.scene.finished(to_planes(self._first(self.plan[0][0])))
        return self.scene.finished(self.optimizer.best)

    @property
    def parts(self) -> Parts | None:
        """The losses of the best picture at the size that was reached."""
        return None if self.optimizer is None else self.optimizer.best_parts

    def _record(self, picture: Picture | None) -> OptimizeStep:
        """What was found last; with a picture, what that is worth, which is the best."""
        parts = self.parts
        if picture is None and self.optimizer is not None:
            parts = self.optimizer.parts
        if parts is None:
            raise LearnError("nothing was painted yet; run it first")
        size = self.plan[min(self.stage, len(self.plan) - 1)][0]
        losses = parts.content, parts.style, parts.total
        planned = sum(count for _, count, _ in self.plan)
        return OptimizeStep(round(self.seconds, 3), self.steps, size, *losses, sum(self.used), planned, picture)

    @property
    def done(self) -> bool:
        """Whether the plan has come to its end."""
        return self.stage >= len(self.plan)

    def painted_by(self) -> dict[str, dict[str, str]]:
        """Network and bank whose painting the start is, as names and fingerprints; empty for other starts."""
        return painters(self.start, self._network_file, self._bank)

    def plan_as_used(self) -> Plan:
        """The stages with the evaluations that they really had: what a replay has to do."""
        return [
            (size, used, precision) for (size, _, precision), used in zip(self.plan, self.used, strict=True) if used
        ]

    # -- stop and go on

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole state to a safetensors file, atomically; ``restore`` goes on from it with the same bits.

        Raises LearnError where it cannot be written. It holds the paths of all files: it is not made to be published.
        """
        if self.optimizer is not None:
            state.write(path, self.optimizer.state(), self._identity(), self._progress())

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Go on from a file that ``save`` wrote; LearnError if it is none, or of other settings or pictures."""
        found, tensors = state.read(path, self._identity(), self.device)
        try:
            plan = checked_plan(found["plan"], largest=self.settings.size, fewest=0)
            used = [int(count) for count, _ in zip(found["used"], plan, strict=True)]
            stage, steps, seconds = int(found["stage"]), int(found["steps"]), float(found["seconds"])
            optimizer = self.tools.optimizer(tensors["picture"])
            optimizer.restore(tensors)
            start = found["start"]
        except state.DAMAGED as error:
            raise state.unreadable(path, error) from error
        self.plan, self.used, self.stage = plan, used, stage
        self.steps, self.seconds, self.start, self.optimizer = steps, seconds, start, optimizer

    def _identity(self) -> dict[str, Any]:
        return {"settings": asdict(self.settings), "scene": self.scene.cards()}

    def _progress(self) -> dict[str, Any]:
        found = {"plan": self.plan, "used": self.used, "stage": self.stage, "steps": self.steps}
        return found | {"seconds": self.seconds, "start": self.start, "kind": type(self.optimizer).__name__}
