"""Move the network and every row: a folder of photos and a folder of paintings in, a stream of ``Step`` records out.

Everything random is a function of (seed, step) and everything else is in the checkpoint, so a run that is killed at
any moment and started again ends with the same bits as one that was not (on the CPU; GPUs sum in any order).

On the CPU every step is looked at before it changes a weight. An accelerator would idle while one waits for its
numbers, so there ``STRIDE`` steps are asked for at a time, and what they measured is read together behind the last.
"""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.distributed as dist
from PIL import Image
from torch import Tensor, nn

from impasto.errors import ImpastoError, LearnError
from impasto.learn.devices import best_dtype, chosen_convolutions, default_workers, pays_to_compile
from impasto.learn.loss.features import LossNetwork, load_loss_network
from impasto.learn.loss.losses import StyleTargets, content_distance, gram, psnr, style_units
from impasto.learn.network.fast import build
from impasto.learn.network.layers import StyleNetwork
from impasto.learn.paintings import Style
from impasto.learn.photos import PhotoFolder, load_painting
from impasto.learn.pieces import STATE, on_gpu
from impasto.learn.train.checkpoint import CHECKPOINT, Checkpoint
from impasto.learn.train.model import Model, optimizers_for, paint
from impasto.learn.train.muon import Muon
from impasto.learn.train.settings import Settings, learning_rate, style_weight
from impasto.styles.bank import PHOTO, Bank

METRICS = "metrics.jsonl"
SHEET = "sheet.jpg"
UNIT_PHOTOS = 40  # photo crops whose Gram matrices define the photos' own distance
STRIDE = 10  # steps after which an accelerator's losses are read
PARTS = ("content", "style", "error", "distance", "saturated", "total")  # what a step measures of each picture


@dataclass(frozen=True)
class Step:
    """What one training step measured, over the whole batch. ``psnr`` (dB) is there when the photo row had a turn.

    ``distance`` is the mean squared difference from what the teacher paints, 0 without one. Where several steps are
    read together (on an accelerator), ``pictures_per_second`` is their mean.
    """

    step: int
    steps: int
    content: float
    style: float
    total: float
    psnr: float | None
    learning_rate: float
    seconds: float
    pictures_per_second: float
    styles: tuple[str, ...]
    style_losses: tuple[float, ...]
    distance: float = 0.0
    warning: str = ""


class Run:
    """A training run on disk: opened (or resumed) once, then iterated."""

    def __init__(
        self,
        run_dir: str | Path,
        photos: PhotoFolder,
        styles: Sequence[Style],
        settings: Settings,
        *,
        loss_network: LossNetwork | None = None,
        teacher: tuple[StyleNetwork, Bank] | None = None,
        start_from: tuple[StyleNetwork, Bank] | None = None,
        precision: Literal["auto", "float32", "bfloat16"] = "auto",
        compile: bool | None = None,
        device: str = "cpu",
        workers: int | None = None,
    ) -> None:
        self.dir = Path(run_dir)
        self.photos = photos
        self.styles = list(styles)
        self.settings = settings
        self.device = torch.device(device)
        self.dtype = best_dtype(precision, self.device)
        self.stride = 1 if self.device.type == "cpu" else STRIDE
        self.workers = default_workers(self.device) if workers is None else workers
        self.names = [*(style.name for style in styles), PHOTO]
        if settings.batch % self.world:
            raise LearnError(
                f"a batch of {settings.batch} cannot be shared among {self.world} processes; make it a multiple"
            )
        self.teacher = self._teacher(teacher)
        held = Checkpoint.read(self.dir / CHECKPOINT) if (self.dir / CHECKPOINT).exists() else None
        if held is not None:  # a run goes on with the design it was begun with
            self.settings = settings = replace(settings, design=held.settings["design"])
        with torch.random.fork_rng(devices=[]):  # the caller's own random numbers go on as they were
            torch.manual_seed(settings.seed)
            self.model = Model(build(asdict(settings)), len(self.names)).to(self.device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if start_from is not None:
            self._start_from(*start_from)
        self.optimizers = optimizers_for(self.model, settings.optimizer)
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.behind = torch.ones(len(self.names))  # running mean of each style's loss: who gets the next turns
        self.step = 0
        self.seconds = 0.0
        self.stopped = False
        self.changes: dict[str, tuple[Any, Any]] = {}  # settings that a resumed run had and has now
        self.dir.mkdir(parents=True, exist_ok=True)
        if held is not None:
            self._load_checkpoint(held)
        self.loss_network = (copy.deepcopy(loss_network) or load_loss_network()).to(self.device, self.dtype)
        self.loss_network.borders = settings.loss_borders
        self.loss_network.surround = settings.loss_surround
        self.targets, self.content_energy = self._targets()
        self.compiled = pays_to_compile(compile, self.device)
        self._failed = len(STATE.failed)  # pieces that no compiler takes, as far as was reported
        self.in_pieces = self.device.type == "cuda"  # what is compiled there; elsewhere it is the whole step
        self._forward = self._compiled() if self.compiled and not self.in_pieces else self._plain()

    # -- the loop ---------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End ``train`` behind the step that it is at, with a checkpoint; for another thread or a signal to call."""
        self.stopped = True

    def train(
        self,
        *,
        max_minutes: float | None = None,
        since: float | None = None,
        checkpoint_every: int = 500,
        checkpoint_minutes: float = 1.0,
        sheet_minutes: float = 10.0,
    ) -> Iterator[Step]:
        """Train up to ``settings.steps`` or for ``max_minutes``: yields each ``Step``, saves checkpoints.

        The minutes count from ``since``, a moment of ``time.monotonic()``; by default from now.
        """
        if self.is_main:
            _trim_metrics(self.dir / METRICS, self.step)
        last_sheet = last_checkpoint = time.monotonic()
        start = last_sheet if since is None else since
        batches = self._batches()
        while self.step < self.settings.steps:
            before = self.step
            records = self._stride(batches)
            now = time.monotonic()
            stop = self._agree(self.stopped or (max_minutes is not None and now - start > 60 * max_minutes))
            if self.is_main and now - last_sheet > 60 * sheet_minutes:
                warning = self.sheet()
                records[-1] = replace(records[-1], warning=records[-1].warning or warning)
                last_sheet = time.monotonic()
            if self.is_main:
                with open(self.dir / METRICS, "a") as file:
                    file.writelines(json.dumps(asdict(record)) + "\n" for record in records)
            due = (
                self.step // checkpoint_every > before // checkpoint_every
                or now - last_checkpoint > 60 * checkpoint_minutes
            )
            if due or stop or self.step == self.settings.steps:
                self.save_checkpoint()
                last_checkpoint = time.monotonic()
            yield from records
            if stop:
                return

    def _batches(self) -> Iterator[Tensor]:
        """This process's share of every batch from the next on, on the device."""
        settings, pin = self.settings, self.device.type == "cuda"
        batches = self.photos.batches(
            settings.seed, self.step, settings.batch, settings.size, workers=self.workers, pin=pin
        )
        for pictures in batches:
            there = self._given(pictures[self._share])
            yield there if there.is_floating_point() else there.float() / 255

    @property
    def _share(self) -> slice:
        each = self.settings.batch // self.world
        return slice(self.rank * each, (self.rank + 1) * each)

    def _given(self, values: Tensor) -> Tensor:
        """``values`` on the device, which need not have them before it computes with them."""
        if self.device.type == "cuda" and not values.is_pinned():
            values = values.pin_memory()
        return values.to(self.device, non_blocking=True)

    def _stride(self, batches: Iterator[Tensor]) -> list[Step]:
        """The steps up to the next that is read: done again without a compiler if it fails or they are no numbers."""
        begin, first, warning = time.monotonic(), self.step, ""
        kept = self._copy() if self.stride > 1 else None
        given: list[tuple[Tensor, Tensor]] = []
        while True:
            values = torch.full((1, 1), torch.nan)
            too_large = False
            try:
                values = self._steps(batches, given).cpu()
            except torch.OutOfMemoryError:
                too_large = True  # what the step holds is free behind this block
            except ImpastoError:
                raise
            except Exception as error:  # compilers raise what they like
                if not self.compiled:
                    raise
                warning = f"the compiler fails ({_first_line(error)}); training goes on without it"
            if too_large:
                raise LearnError(self._too_large(*given[-1]))
            broken = (~torch.isfinite(values).flatten(1).all(1)).nonzero().flatten().tolist()
            if not broken:
                return self._records(first, values, [ids for _, ids in given], begin, warning)
            if not self.compiled:
                raise LearnError(
                    f"training broke down at step {first + broken[0] + 1}: the loss or its gradient is not a number; "
                    "lower the learning rate or the style weight and start again from the last checkpoint"
                )
            # Compilers err, too: inductor's gradients were 1e24 at some sizes (torch 2.13).
            warning = warning or (
                "the compiled step gave no gradient that is a number; training goes on without a compiler"
            )
            self.compiled, self._forward = False, self._plain()
            self._restore(kept, first)

    def _steps(self, batches: Iterator[Tensor], given: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Steps as ``_stride`` says, on what is ``given`` (and what that lacks, which it gets).

        Returns what they measured, (steps, parts + 1, B), last how long the gradient was. Nothing waits for it, but
        where single steps are read: there one that is not made of numbers changes nothing.
        """
        measured = []
        with chosen_convolutions(self.device):
            for number in range(min(self.stride - self.step % self.stride, self.settings.steps - self.step)):
                if number == len(given):
                    given.append((next(batches), self._deal()))
                pictures, ids = given[number]
                measured.append(self._gradient(pictures, self._given(ids[self._share])))
                if self.stride == 1 and not bool(torch.isfinite(measured[0]).all()):
                    break
                rate = learning_rate(self.settings, self.step)
                for optimizer in self.optimizers:
                    optimizer.param_groups[0]["lr"] = rate
                    optimizer.step()
                self._update_average()
                self.step += 1
            return torch.stack(measured)

    def _gradient(self, pictures: Tensor, ids: Tensor) -> Tensor:
        """The losses of all processes' pictures and the length of the gradient, which is clipped: (parts + 1, B)."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        with on_gpu(compiled=self.compiled) if self.in_pieces else nullcontext():
            parts = self._losses(pictures, ids)
            parts["total"].mean().backward()  # type: ignore[no-untyped-call]
        steepness = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        values = self._gather(torch.stack([parts[name].detach().float() for name in PARTS]))
        return torch.cat([values, steepness.float().expand(1, values.shape[1])])

    def _copy(self) -> tuple[Any, ...]:
        """Everything that a step changes, to go back to."""
        weights = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        average = {name: value.clone() for name, value in self.average.items()}
        return weights, average, [copy.deepcopy(optimizer.state_dict()) for optimizer in self.optimizers]

    def _restore(self, kept: tuple[Any, ...] | None, step: int) -> None:
        self.step = step
        if kept is None:
            return
        weights, self.average, states = kept
        self.model.load_state_dict(weights)
        for optimizer, state in zip(self.optimizers, states, strict=True):
            optimizer.load_state_dict(state)

    def _too_large(self, pictures: Tensor, ids: Tensor) -> str:
        """What to say where the device has no memory for a step: with the largest batch, by halves, that it has."""
        said = f"{self.device} has no memory for a batch of {self.settings.batch} at {self.settings.size} px"
        if self.world > 1:
            return f"{said}; make it smaller (--batch), or use more processes"
        self.in_pieces = False  # nothing is compiled for this
        count = len(pictures) // 2
        while count:
            with suppress(torch.OutOfMemoryError):
                self._gradient(pictures[:count], self._given(ids[:count]))
                return f"{said}; a batch of {count} fits (--batch {count})"
            count //= 2
        return f"{said}, nor for one picture; make them smaller (--size)"

    def _losses(self, pictures: Tensor, ids: Tensor) -> dict[str, Tensor]:
        """Per picture: content, style, squared error, share of saturated pixels, and the weighted total."""
        settings = self.settings
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        painted, content, style, error, distance = self._forward(pictures, ids)
        is_photo = (ids == len(self.styles)).float()
        weights = self._given(torch.tensor([style.weight for style in self.styles] + [0.0]))[ids]
        total = settings.objective_weight * (content + style_weight(settings, self.step) * weights * style)
        total = total + settings.photo_weight * is_photo * error + settings.teacher_weight * (1 - is_photo) * distance
        saturated = ((painted < 0.004) | (painted > 0.996)).float().flatten(1).mean(1)
        return {
            "content": content,
            "style": style,
            "error": error,
            "distance": distance,
            "saturated": saturated,
            "total": total,
        }

    def measure(
        self, model: Callable[[Tensor, Tensor], Tensor], pictures: Tensor, ids: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What ``model(pictures, ids)`` paints, (B, 3, H, W), and content, style and squared error of each, (B,)."""
        layer = self.settings.content_layer
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            painted = model(pictures, ids)
            with torch.no_grad():
                target = self.loss_network(pictures, [layer])[layer]
            features = self.loss_network(painted, [*self.targets.layers, layer])
            grams = {name: gram(features[name]) for name in self.targets.layers}
        content = content_distance(features[layer], target, energy=self.content_energy)
        safe_ids = ids.clamp_max(len(self.styles) - 1)  # the photo row has no painting; its style weight is 0
        style = self.targets.distance(grams, safe_ids) * (ids < len(self.styles))
        error = (painted.float() - pictures).square().flatten(1).mean(1)
        return painted, content, style, error

    def _judge(
        self, model: Callable[[Tensor, Tensor], Tensor], pictures: Tensor, ids: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """``measure``, and the distance of each picture from the teacher's; without an objective only that."""
        if self.settings.objective_weight > 0:
            painted, content, style, error = self.measure(model, pictures, ids)
        else:
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                painted = model(pictures, ids)
            error = (painted.float() - pictures).square().flatten(1).mean(1)
            content = style = torch.zeros_like(error)
        if self.teacher is None:
            return painted, content, style, error, torch.zeros_like(error)
        network, rows = self.teacher
        with torch.no_grad(), torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            shown = paint(network, rows, pictures, ids)
        return painted, content, style, error, (painted.float() - shown.float()).square().flatten(1).mean(1)

    def _teacher(self, teacher: tuple[StyleNetwork, Bank] | None) -> tuple[StyleNetwork, Tensor] | None:
        """The teacher's network and its rows in the order of this run's; LearnError if it lacks a style."""
        if teacher is None:
            if self.settings.teacher_weight > 0 or self.settings.objective_weight <= 0:
                raise LearnError("to learn from a teacher a run needs one (--teacher)")
            return None
        network, bank = teacher
        missing = [name for name in self.names if name not in bank]
        if missing:
            raise LearnError(f"the teacher's bank has no style {missing[0]!r}; it must have every style of the run")
        rows = torch.from_numpy(np.stack([bank[name] for name in self.names]))
        network = network.requires_grad_(False).to(self.device).eval()
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network, rows.to(self.device)

    @torch.no_grad()
    def _start_from(self, network: StyleNetwork, bank: Bank) -> None:
        """Take over trained weights, and the rows of the styles that are known; LearnError for another architecture."""
        try:
            self.model.network.load_state_dict(network.state_dict())
        except RuntimeError as error:
            raise LearnError(
                f"the network to start from, {network.kind!r}, has other layers than this run's "
                f"{self.settings.network!r} with alpha {self.settings.alpha}; give the run the same network and alpha"
            ) from error
        for i, name in enumerate(self.names):
            if name in bank:
                self.model.rows[i] = torch.tensor(bank[name])

    def _plain(self) -> Any:
        model: nn.Module = self.model
        if self.world > 1:
            model = nn.parallel.DistributedDataParallel(self.model)
        return lambda pictures, ids: self._judge(model, pictures, ids)

    def _compiled(self) -> Any:
        if self.world > 1:
            self.model.network.compile()  # in place: a wrapper would change the names in the checkpoint
            return self._plain()
        return torch.compile(lambda pictures, ids: self._judge(self.model, pictures, ids), dynamic=False)

    # -- who gets a turn --------------------------------------------------------------------------------------------

    def _deal(self) -> Tensor:
        """Ids of the batch's styles: different ones while there are enough, more often those that are behind."""
        generator = np.random.default_rng([self.settings.seed, self.step, 1])
        need = self.behind.clone().double()
        need[:-1] = (need[:-1] / need[:-1].mean()).clamp(0.5, 2.0)
        need[-1] = self.settings.photo_turns
        chances = (need / need.sum()).numpy()
        count = self.settings.batch
        return torch.from_numpy(
            generator.choice(len(chances), count, replace=bool(count > np.count_nonzero(chances)), p=chances)
        )

    def _targets(self) -> tuple[StyleTargets, float]:
        """Gram matrices of the paintings with the units of the distance to each, and the unit of content."""
        layers, content_layer = list(self.settings.style_layers), self.settings.content_layer
        crops = [crop[None] for crop in self.photos.batch(self.settings.seed, 2**31, UNIT_PHOTOS, 256)]
        photos = _grams(self.loss_network, crops, layers)
        energies = [_energy(self.loss_network, crop, content_layer) for crop in crops]
        size = self.settings.style_size
        paintings = [load_painting(style.path, style.size or size, style.crop) for style in self.styles]
        grams = _grams(self.loss_network, paintings, layers)
        units = {layer: style_units(grams[layer], photos[layer], self.settings.unit) for layer in layers}
        return StyleTargets(grams, units, self.settings.style_layer_weights), sum(energies) / len(energies)

    # -- state ------------------------------------------------------------------------------------------------------

    def _update_average(self) -> None:
        decay = min(self.settings.ema, (1 + self.step) / (10 + self.step))
        current = self.model.state_dict()
        names = [name for name, value in current.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.average[name] for name in names], [current[name] for name in names], 1 - decay)

    def save_checkpoint(self) -> None:
        """Write the whole state atomically: a kill at any moment leaves the old checkpoint or the new one."""
        if not self.is_main:
            return
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.items()}
        for name, parameter in self.model.named_parameters():
            for optimizer in self.optimizers:
                for key, value in optimizer.state.get(parameter, {}).items():
                    tensors[f"adam.{name}.{key}"] = value
        tensors["behind"] = self.behind
        styles = [{**asdict(style), "path": style.path.name} for style in self.styles]
        Checkpoint(tensors, self.step, self.seconds, asdict(self.settings), styles).write(self.dir / CHECKPOINT)

    def _load_checkpoint(self, checkpoint: Checkpoint) -> None:
        for name in Settings.FIXED:
            held = checkpoint.settings.get(name, getattr(Settings, name))
            if held != getattr(self.settings, name):
                raise LearnError(
                    f"{self.dir} holds a run with {name} {held}, not {getattr(self.settings, name)}; "
                    "give it the same, or choose another run folder"
                )
        wanted = json.loads(json.dumps(asdict(self.settings)))
        default = json.loads(json.dumps(asdict(Settings())))  # what a checkpoint from before a setting was trained with
        before = {name: checkpoint.settings.get(name, default[name]) for name in wanted}
        self.changes = {name: (before[name], wanted[name]) for name in wanted if before[name] != wanted[name]}
        if checkpoint.names != self.names:
            raise LearnError(
                f"{self.dir} holds a run with other styles; give it the same, or choose another run folder"
            )
        self.model.load_state_dict(checkpoint.part("model."))
        self.average = {name: value.to(self.device) for name, value in checkpoint.part("average.").items()}
        for name, parameter in self.model.named_parameters():
            state = {
                key: value if key == "step" else value.to(self.device)  # Adam counts on the CPU
                for key, value in checkpoint.part(f"adam.{name}.").items()
            }
            for optimizer in self.optimizers:
                mine = any(parameter is other for other in optimizer.param_groups[0]["params"])
                if mine and ("momentum" in state) == isinstance(optimizer, Muon):  # else it changed: begin afresh
                    optimizer.state[parameter] = state
        self.behind = checkpoint.tensors["behind"]
        self.step, self.seconds = checkpoint.step, checkpoint.seconds

    # -- what a person sees -----------------------------------------------------------------------------------------

    @torch.no_grad()
    def sheet(self, *, size: int = 256, columns: int = 8) -> str:
        """Paint one photo in every style with the averaged weights into ``sheet.jpg``; returns a warning, or ""."""
        photo = self.photos.batch(self.settings.seed, 2**31 + 1, 1, size).to(self.device)
        network, rows = self.averaged()
        painted = []
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            for i in range(len(rows)):
                ids = torch.tensor([i], device=self.device)
                painted.append(paint(network, rows, photo, ids)[0].float().cpu())
        _save_sheet(painted, columns, self.dir / SHEET)
        return self._alike(painted) if self.step > 1000 else ""

    def _alike(self, painted: Sequence[Tensor]) -> str:
        flat = torch.stack(list(painted)).flatten(1)
        distance = torch.cdist(flat, flat, p=1) / flat.shape[1]
        distance.fill_diagonal_(1)
        i, j = divmod(int(distance.argmin()), len(flat))
        if distance[i, j] > 0.02:
            return ""
        return (
            f"{self.names[i]} and {self.names[j]} paint nearly the same picture (mean difference {distance[i, j]:.3f})"
        )

    def averaged(self) -> tuple[StyleNetwork, Tensor]:
        """The network and rows (N, row_size) with averaged weights, the photo's row last: what is to be shipped."""
        network = build(asdict(self.settings)).to(self.device).eval()
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        prefix = "network."
        network.load_state_dict({k[len(prefix) :]: v for k, v in self.average.items() if k.startswith(prefix)})
        return network, self.average["rows"]

    def _records(self, first: int, values: Tensor, dealt: Sequence[Tensor], begin: float, warning: str) -> list[Step]:
        """The records of steps behind ``first`` that measured ``values`` (steps, parts + 1, B) since ``begin``."""
        records = []
        loss = "style" if self.settings.objective_weight > 0 else "distance"
        each = (time.monotonic() - begin) / len(values)
        for number, (measured, ids) in enumerate(zip(values, dealt, strict=True)):
            parts = dict(zip(PARTS, measured, strict=False))
            self.behind[ids] = 0.9 * self.behind[ids] + 0.1 * parts[loss]
            self.seconds += each
            records.append(self._record(first + number + 1, parts, ids, each))
        failed, self._failed = STATE.failed[self._failed :], len(STATE.failed)
        if failed:
            warning = f"the compiler fails on {', '.join(failed)}; training goes on without it there"
        records[-1] = replace(records[-1], warning=records[-1].warning or warning)
        return records

    def _record(self, step: int, values: dict[str, Tensor], ids: Tensor, seconds: float) -> Step:
        is_style = ids < len(self.styles)
        shown = is_style if is_style.any() else ~is_style  # in a small batch the photo's row may be alone
        warning = ""
        if values["saturated"].mean() > 0.5 and step > 100:
            warning = "more than half of all painted pixels are black or white: the network is collapsing"
        return Step(
            step=step,
            steps=self.settings.steps,
            content=float(values["content"][shown].mean()),
            style=float(values["style"][shown].mean()),
            total=float(values["total"].mean()),
            psnr=None if is_style.all() else psnr(float(values["error"][~is_style].mean())),
            learning_rate=learning_rate(self.settings, step - 1),
            seconds=self.seconds,
            pictures_per_second=self.settings.batch / seconds,
            styles=tuple(self.names[i] for i in ids),
            style_losses=tuple(round(float(v), 5) for v in values["style"]),
            distance=float(values["distance"][shown].mean()),
            warning=warning,
        )

    # -- several processes ------------------------------------------------------------------------------------------

    @property
    def rank(self) -> int:
        """This process's number among those that train together; 0 if it is alone."""
        return dist.get_rank() if dist.is_initialized() else 0

    @property
    def world(self) -> int:
        """How many processes train together."""
        return dist.get_world_size() if dist.is_initialized() else 1

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes files."""
        return self.rank == 0

    def _agree(self, stop: bool) -> bool:
        """What the main process says: clocks differ, and a process that went on alone would wait for the others."""
        if self.world == 1:
            return stop
        answer = torch.tensor(float(stop), device=self.device)
        dist.broadcast(answer, 0)
        return bool(answer)

    def _gather(self, values: Tensor) -> Tensor:
        """Values (..., B) of all processes' pictures, in the batch's order."""
        if self.world == 1:
            return values
        parts = [torch.empty_like(values) for _ in range(self.world)]
        dist.all_gather(parts, values)
        return torch.cat(parts, -1)


@torch.no_grad()
def _grams(loss_network: LossNetwork, pictures: Sequence[Tensor], layers: list[str]) -> dict[str, Tensor]:
    found: dict[str, list[Tensor]] = {layer: [] for layer in layers}
    for picture in pictures:
        features = loss_network(picture.to(loss_network.get_buffer("mean").device), layers)
        for layer in layers:
            found[layer].append(gram(features[layer])[0])
    return {layer: torch.stack(values) for layer, values in found.items()}


@torch.no_grad()
def _energy(loss_network: LossNetwork, picture: Tensor, layer: str) -> float:
    """Mean square of the activations of one layer."""
    features = loss_network(picture.to(loss_network.get_buffer("mean").device), [layer])[layer]
    return float(features.float().square().mean())


def _save_sheet(painted: Sequence[Tensor], columns: int, path: Path) -> None:
    height, width = painted[0].shape[1:]
    sheet = np.full((-(-len(painted) // columns) * height, columns * width, 3), 255, np.uint8)
    for i, picture in enumerate(painted):
        top, left = i // columns * height, i % columns * width
        sheet[top : top + height, left : left + width] = (picture.permute(1, 2, 0) * 255).round().byte().numpy()
    partial = path.with_name(f".{path.name}.partial")
    Image.fromarray(sheet).save(partial, format="JPEG", quality=90)
    os.replace(partial, path)


def _trim_metrics(path: Path, step: int) -> None:
    """Drop the records of steps that a resumed run will do again."""
    if not path.exists():
        return
    lines = [line for line in path.read_text().splitlines() if line.endswith("}") and json.loads(line)["step"] <= step]
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text("".join(f"{line}\n" for line in lines))
    os.replace(partial, path)


def _first_line(error: Exception) -> str:
    """What an error says, in at most a hundred characters of one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:100]
