"""Move the pixels: a photo and paintings in, a stream of ``Step`` records out, the last of which holds the picture.

Coarse to fine: each size has its objective and its optimiser, which takes over from the size before.
"""

from __future__ import annotations

import copy
import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from impasto import pictures
from impasto.errors import LearnError
from impasto.files import write_atomically
from impasto.learn.devices import resolve_device
from impasto.learn.loss.features import LossNetwork, check_layers, load_loss_network
from impasto.learn.memory import memory_watched, smaller
from impasto.learn.numbers import number
from impasto.learn.optimize.descent import LBFGS, Adam, enlarge
from impasto.learn.optimize.fit import fit
from impasto.learn.optimize.objective import Objective, Parts
from impasto.learn.optimize.plan import Clock, Plan, checked_plan, precisions, smallest_side
from impasto.learn.optimize.recipes import Settings, check_names, ladder, settings_for, used_layers
from impasto.learn.optimize.scene import Scene, to_planes
from impasto.learn.optimize.starts import first_picture, painters
from impasto.pictures import Picture
from impasto.styles.bank import Bank

STATE_VERSION = 1
EXACT = 0.04  # of the evaluations at full size are in float32, at four times the cost; the others in bfloat16
SLOWDOWN = 5  # of float32 against bfloat16
KEYWORDS = ("loss_network", "network", "bank", "device", "max_memory", "plan")
OWN = ("recipe", "photo_masks", "painting_masks", "max_seconds", "picture_every")  # of optimize


@dataclass(frozen=True, eq=False)
class Step:
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


def optimize(
    photo: pictures.Source,
    paintings: pictures.Source | Sequence[pictures.Source],
    *,
    recipe: str = "default",
    photo_masks: Sequence[pictures.Source] = (),
    painting_masks: Sequence[pictures.Source] = (),
    max_seconds: float | None = None,
    picture_every: int = 0,
    **options: Any,
) -> Iterator[Step]:
    """Paint ``photo`` like ``paintings`` by moving its pixels (Gatys, Ecker and Bethge 2015).

    ``options`` are fields of ``Settings``, in place of the recipe's, and keywords of ``Optimization``. The iterator
    yields a ``Step`` per step of the optimiser; the last holds the picture. ``Optimization`` is the same thing for
    stopping, saving and going on. Raises LearnError and PictureError.
    """
    keywords, changes = split(options, OWN)
    settings = settings_for(recipe, **changes)
    run = Optimization(photo, paintings, settings, photo_masks=photo_masks, painting_masks=painting_masks, **keywords)
    return run.run(max_seconds=max_seconds, picture_every=picture_every)


def split(options: dict[str, Any], own: Sequence[str] = ()) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options as keywords of ``Optimization`` and changes of ``Settings``; LearnError names the nearest of the known.

    ``own`` are names that the caller knows besides.
    """
    check_names(options, [*(field.name for field in fields(Settings)), *KEYWORDS, *own])
    keywords = {name: value for name, value in options.items() if name in KEYWORDS}
    return keywords, {name: value for name, value in options.items() if name not in KEYWORDS}


class Optimization:
    """An optimisation that can be stopped, saved, gone on with and looked at: opened once, then ``run``.

    Without masks every painting paints everything, by its weight. ``photo_masks`` are regions of the photo, white is
    in; region i takes the style of painting i, or of the only one; ``painting_masks`` say from which part of it. Masks
    have their picture's size. ``network`` and ``bank`` are for starts from the network's painting. ``max_memory`` is in
    bytes; without it, what the device has free. ``plan`` replays stages: (size, evaluations, precision) each.

    Raises LearnError for layers that do not exist, pictures too small for them, masks of another size, and too little
    memory; PictureError for what is no picture.
    """

    def __init__(
        self,
        photo: pictures.Source,
        paintings: pictures.Source | Sequence[pictures.Source],
        settings: Settings | None = None,
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
        self.settings = settings or Settings()
        self._network_file, self._bank = network, bank
        self.start = self.settings.start  # with the mix of styles, once it is chosen
        self.painters = self.painted_by()
        self.device = torch.device(resolve_device(device))
        if max_memory is not None:
            max_memory = number("max_memory", max_memory, float, within=(math.ulp(0), math.inf))
        self.loss_network = loss_network or load_loss_network()
        check_layers([*self.settings.content_layers, *self.settings.style_layers], depth=self.loss_network.depth)
        with memory_watched(lambda: "choose smaller files for photo and paintings"):
            self.scene = Scene(photo, paintings, self.settings, photo_masks=photo_masks, painting_masks=painting_masks)
        given = None if plan is None else checked_plan(plan, largest=self.settings.size)
        self.plan = given or self._plan(smallest_side(used_layers(self.settings)))
        height, width = self.scene.shape_at(self.settings.size)
        depth, regions = self.loss_network.depth, len(self.scene.photo_masks)
        precision = self.plan[-1][2]
        self.fit = fit(
            height,
            width,
            self.settings,
            precision,
            depth=depth,
            regions=regions,
            looked_at=self.scene.painting_pixels(self.settings.size),
            limit=max_memory,
            device=self.device,
        )
        self._networks: dict[str, LossNetwork] = {}
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

    def run(self, *, max_seconds: float | None = None, picture_every: int = 0) -> Iterator[Step]:
        """Go on to the end of the plan or for ``max_seconds``; the last ``Step`` holds the picture.

        If time is short, every size gets less of it, in proportion, so that the full size is reached all the same.
        There is no ``Step`` at all if it was stopped before the first.
        """
        if max_seconds is not None:
            number("max_seconds", max_seconds, float, within=(math.ulp(0), math.inf))
        return self._run(max_seconds, number("picture_every", picture_every, int, within=(0, math.inf)))

    def _run(self, max_seconds: float | None, picture_every: int) -> Iterator[Step]:
        clock = Clock(self.seconds, max_seconds)
        shares = self._time_shares()
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
        objective = self._objective(size, precision)
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
        new = self.optimizer = self._optimizer(enlarge(picture, shape))
        if isinstance(old, Adam) and isinstance(new, Adam):
            new.carry(old)
        return new

    def _first(self, size: int) -> Picture:
        """The first picture, for a stage of ``size`` pixels."""
        eyes = self._network(self.plan[0][2])  # as exact as those of the first steps
        picture, self.start = first_picture(self.scene, size, eyes, network=self._network_file, bank=self._bank)
        return picture

    def _optimizer(self, picture: torch.Tensor) -> LBFGS | Adam:
        settings = self.settings
        if settings.optimizer == "lbfgs":
            return LBFGS(picture, history=self.fit.history)
        return Adam(picture, learning_rate=settings.learning_rate, average=settings.average)

    def _objective(self, size: int, precision: str) -> Objective:
        return Objective(
            self._network(precision),
            self.scene.photo_at(size, self.device),
            self.scene.regions_at(size, self.device),
            self.settings,
            recompute=self.fit.recompute and size == self.settings.size,
        )

    def _network(self, precision: str) -> LossNetwork:
        if precision not in self._networks:
            dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
            self._networks[precision] = copy.deepcopy(self.loss_network).to(self.device, dtype)
            self._networks[precision].pooling = self.settings.pooling
        return self._networks[precision]

    def _plan(self, smallest: int) -> Plan:
        """The settings' ladder; what is too small for the deepest layer gives its evaluations to the next size."""
        settings, scene = self.settings, self.scene
        for what, short, option in (
            ("picture", min(scene.shape_at(settings.size)), "size"),
            ("painting", scene.painting_side(settings.size), "style_size"),
        ):
            if short < smallest:
                raise LearnError(
                    f"the {what}'s short side would be {short} pixels, but the deepest layer needs {smallest}; "
                    f"choose a larger {option} or layers that are less deep"
                )
        rungs = ladder(settings)
        small = sum(min(*scene.shape_at(size), scene.painting_side(size)) < smallest for size, _ in rungs)
        steps = rungs[small:]
        steps[0] = steps[0][0], steps[0][1] + sum(count for _, count in rungs[:small])
        coarse, fine = precisions(settings.precision, self.device)
        if coarse == fine:
            return [(size, count, fine) for size, count in steps]
        size, count = steps.pop()
        exact = round(count * EXACT)
        plan = [(size, count, coarse) for size, count in [*steps, (size, count - exact)]]
        return [stage for stage in [*plan, (size, exact, fine)] if stage[1]]

    def _time_shares(self) -> list[float]:
        """The share of the time after which each stage should be over, by the evaluations that are left to it."""
        slow = {"bfloat16": 1, "float32": SLOWDOWN}
        stages = zip(self.plan, self.used, strict=True)
        costs = [size**2 * slow[precision] * max(0, count - used) for (size, count, precision), used in stages]
        return [sum(costs[: i + 1]) / max(1, sum(costs)) for i in range(len(costs))]

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

    def _record(self, picture: Picture | None) -> Step:
        parts = self.parts
        if picture is None and self.optimizer is not None:
            parts = self.optimizer.parts
        if parts is None:
            raise LearnError("nothing was painted yet; run it first")
        return Step(
            seconds=round(self.seconds, 3),
            step=self.steps,
            size=self.plan[min(self.stage, len(self.plan) - 1)][0],
            content=parts.content,
            style=parts.style,
            total=parts.total,
            evaluations=sum(self.used),
            planned=sum(count for _, count, _ in self.plan),
            picture=picture,
        )

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
        if self.optimizer is None:
            return
        meta = {"version": STATE_VERSION, "kind": type(self.optimizer).__name__, "scene": self.scene.cards()}
        meta |= {"settings": asdict(self.settings), "plan": self.plan, "used": self.used, "stage": self.stage}
        meta |= {"steps": self.steps, "seconds": self.seconds, "start": self.start}
        tensors = {name: value.cpu().clone() for name, value in self.optimizer.state().items()}
        try:
            write_atomically(path, save(tensors, {"impasto_state": json.dumps(meta)}))
        except OSError as error:
            raise LearnError(f"{path} cannot be written ({error.strerror})") from error

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Go on from a file that ``save`` wrote; LearnError if it is none, or of other settings or pictures."""
        try:
            with safe_open(path, "pt") as file:
                meta = json.loads(file.metadata()["impasto_state"])
                state = {name: self._moved(file.get_tensor(name)) for name in file.keys()}
            mine = json.loads(json.dumps([asdict(self.settings), _hashes(self.scene.cards())]))
            if meta["version"] != STATE_VERSION or [meta["settings"], _hashes(meta["scene"])] != mine:
                raise LearnError(f"{path} belongs to other settings or pictures; give them again, or start without it")
            plan = checked_plan(meta["plan"], largest=self.settings.size, fewest=0)
            used = [int(count) for count, _ in zip(meta["used"], plan, strict=True)]
            stage, steps, seconds, start = int(meta["stage"]), int(meta["steps"]), float(meta["seconds"]), meta["start"]
            optimizer = self._optimizer(state["picture"])
            optimizer.restore(state)
        except (OSError, KeyError, TypeError, ValueError, AttributeError, RuntimeError, SafetensorError) as error:
            raise LearnError(f"{path} is no state of an optimisation that can be read: {error}") from error
        self.plan, self.used, self.stage = plan, used, stage
        self.steps, self.seconds, self.start, self.optimizer = steps, seconds, start, optimizer

    def _moved(self, value: torch.Tensor) -> torch.Tensor:
        """A tensor of a state where it belongs: planes to the device; numbers are float64, which MPS has not."""
        return value if value.dtype == torch.float64 else value.to(self.device)


def is_state(path: str | os.PathLike[str]) -> bool:
    """Whether a file is what ``Optimization.save`` wrote."""
    try:
        with safe_open(path, "pt") as file:
            return "impasto_state" in (file.metadata() or {})
    except (OSError, SafetensorError):
        return False


def _hashes(cards: dict[str, list[dict[str, str]]]) -> dict[str, list[str]]:
    return {kind: [card["sha256"] for card in listed] for kind, listed in cards.items()}
