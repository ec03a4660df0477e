"""Move the network and every row: a folder of photos and a folder of paintings in, a stream of ``Step`` records out.

Everything random is a function of (seed, step) and everything else lies in the checkpoint, so a run that is killed at
any moment and started again ends with the same bits as one that was not.
"""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.distributed as dist
from PIL import Image
from torch import Tensor, nn

from impasto.bank import PHOTO, Bank
from impasto.errors import LearnError
from impasto.learn.checkpoint import CHECKPOINT, Checkpoint
from impasto.learn.devices import best_dtype, pays_to_compile
from impasto.learn.fast import build
from impasto.learn.features import LossNetwork, load_loss_network
from impasto.learn.losses import StyleTargets, content_distance, gram, psnr, style_units
from impasto.learn.muon import Muon, takes
from impasto.learn.network import StyleNetwork, with_own_tones
from impasto.learn.paintings import Style
from impasto.learn.photos import PhotoFolder, load_painting
from impasto.learn.settings import Settings, learning_rate, style_weight

METRICS = "metrics.jsonl"
SHEET = "sheet.jpg"
UNIT_PHOTOS = 40  # photo crops whose Gram matrices define the photos' own distance


@dataclass(frozen=True)
class Step:
    """What one training step measured, over the whole batch. ``psnr`` (dB) is there when the photo row had a turn.

    ``distance`` is the mean squared difference from what the teacher paints, 0 without one.
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


class _Model(nn.Module):
    """The network and the matrix of rows as one module, so that DDP sees one call."""

    def __init__(self, network: StyleNetwork, count: int) -> None:
        super().__init__()
        self.network = network
        self.rows = nn.Parameter(network.initial_row().repeat(count, 1))

    def forward(self, pictures: Tensor, ids: Tensor) -> Tensor:
        return _paint(self.network, self.rows, pictures, ids)


def _paint(network: nn.Module, rows: Tensor, pictures: Tensor, ids: Tensor) -> Tensor:
    """Paint each picture in its row of ``rows``, of which the last is the photo's and takes the picture's own tones."""
    chosen = rows[ids]
    is_photo = (ids == len(rows) - 1)[:, None]
    chosen = torch.where(is_photo, with_own_tones(chosen, pictures), chosen)
    painted: Tensor = network(pictures, chosen)
    return painted


def _optimizers(model: nn.Module, name: str) -> list[torch.optim.Optimizer]:
    """Adam for everything, or Muon for the convolutions that it suits and Adam for the rest."""
    chosen = [parameter for parameter in model.parameters() if name == "muon" and takes(parameter)]
    rest = [parameter for parameter in model.parameters() if all(parameter is not other for other in chosen)]
    optimizers: list[torch.optim.Optimizer] = [torch.optim.Adam(rest, lr=0.0, betas=(0.9, 0.99))]
    return [*optimizers, Muon(chosen, lr=0.0)] if chosen else optimizers


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
    ) -> None:
        self.dir = Path(run_dir)
        self.photos = photos
        self.styles = list(styles)
        self.settings = settings
        self.device = torch.device(device)
        self.dtype = best_dtype(precision, self.device)
        self.names = [*(style.name for style in styles), PHOTO]
        if settings.batch % self.world:
            raise LearnError(
                f"a batch of {settings.batch} cannot be shared among {self.world} processes; make it a multiple"
            )
        self.teacher = self._teacher(teacher)
        with torch.random.fork_rng(devices=[]):  # the caller's own random numbers go on as they were
            torch.manual_seed(settings.seed)
            self.model = _Model(build(asdict(settings)), len(self.names)).to(self.device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if start_from is not None:
            self._start_from(*start_from)
        self.optimizers = _optimizers(self.model, settings.optimizer)
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.behind = torch.ones(len(self.names))  # running mean of each style's loss: who gets the next turns
        self.step = 0
        self.seconds = 0.0
        self.stopped = False
        self.changes: dict[str, tuple[Any, Any]] = {}  # settings that a resumed run had and has now
        self.dir.mkdir(parents=True, exist_ok=True)
        if (self.dir / CHECKPOINT).exists():
            self._load_checkpoint()
        self.loss_network = (copy.deepcopy(loss_network) or load_loss_network()).to(self.device, self.dtype)
        self.loss_network.borders = settings.loss_borders
        self.loss_network.surround = settings.loss_surround
        self.targets, self.content_energy = self._targets()
        self.compiled = pays_to_compile(compile, self.device)
        self._forward = self._compiled() if self.compiled else self._plain()

    # -- the loop ---------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End ``train`` behind the step that it is at, with a checkpoint; for another thread or a signal to call."""
        self.stopped = True

    def train(
        self, *, max_minutes: float | None = None, checkpoint_every: int = 500, sheet_minutes: float = 10.0
    ) -> Iterator[Step]:
        """Train up to ``settings.steps`` or for ``max_minutes``: yields each ``Step``, saves checkpoints."""
        if self.is_main:
            _trim_metrics(self.dir / METRICS, self.step)
        start = last_sheet = time.monotonic()
        while self.step < self.settings.steps:
            record = self._one_step()
            late = max_minutes is not None and time.monotonic() - start > 60 * max_minutes
            stop = self._agree(late or self.stopped)
            if self.is_main and time.monotonic() - last_sheet > 60 * sheet_minutes:
                warning = self.sheet()
                record = replace(record, warning=record.warning or warning)
                last_sheet = time.monotonic()
            if self.is_main:
                with open(self.dir / METRICS, "a") as file:
                    file.write(json.dumps(asdict(record)) + "\n")
            if self.step % checkpoint_every == 0 or stop or self.step == self.settings.steps:
                self.save_checkpoint()
            yield record
            if stop:
                return

    def _one_step(self) -> Step:
        begin = time.monotonic()
        settings = self.settings
        pictures = self.photos.batch(settings.seed, self.step, settings.batch, settings.size)
        ids = self._deal()
        share = slice(self.rank * settings.batch // self.world, (self.rank + 1) * settings.batch // self.world)
        rate = learning_rate(settings, self.step)
        for optimizer in self.optimizers:
            optimizer.param_groups[0]["lr"] = rate
        given = pictures[share].to(self.device), ids[share].to(self.device)
        values, sound = self._gradient(*given)
        warning = ""
        if not sound and self.compiled:  # compilers err: inductor's gradients were 1e24 at some sizes (torch 2.13)
            self.compiled, self._forward = False, self._plain()
            warning = "the compiled step gave no gradient that is a number; training goes on without a compiler"
            values, sound = self._gradient(*given)
        if not sound:
            raise LearnError(
                f"training broke down at step {self.step + 1}: the loss or its gradient is not a number; "
                "lower the learning rate or the style weight and start again from the last checkpoint"
            )
        for optimizer in self.optimizers:
            optimizer.step()
        self._update_average()
        loss = values["style" if settings.objective_weight > 0 else "distance"]
        self.behind[ids] = 0.9 * self.behind[ids] + 0.1 * loss
        self.step += 1
        self.seconds += time.monotonic() - begin
        record = self._record(values, ids, rate, time.monotonic() - begin)
        return replace(record, warning=record.warning or warning)

    def _gradient(self, pictures: Tensor, ids: Tensor) -> tuple[dict[str, Tensor], bool]:
        """The losses of all processes' pictures, and whether they and the gradient, which is clipped, are numbers."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        parts = self._losses(pictures, ids)
        parts["total"].mean().backward()  # type: ignore[no-untyped-call]
        steepness = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        values = {name: self._gather(part.detach().float()) for name, part in parts.items()}
        return values, all(bool(torch.isfinite(value).all()) for value in (*values.values(), steepness))

    def _losses(self, pictures: Tensor, ids: Tensor) -> dict[str, Tensor]:
        """Per picture: content, style, squared error, share of saturated pixels, and the weighted total."""
        settings = self.settings
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        painted, content, style, error, distance = self._forward(pictures, ids)
        is_photo = (ids == len(self.styles)).float()
        weights = torch.tensor([style.weight for style in self.styles] + [0.0], device=self.device)[ids]
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
            shown = _paint(network, rows, pictures, ids)
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
        """Gram matrices of the paintings with the units in which distance to each is told, and the unit of content."""
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

    def _load_checkpoint(self) -> None:
        checkpoint = Checkpoint.read(self.dir / CHECKPOINT)
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
                painted.append(_paint(network, rows, photo, ids)[0].float().cpu())
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

    def _record(self, values: dict[str, Tensor], ids: Tensor, rate: float, seconds: float) -> Step:
        is_style = ids < len(self.styles)
        shown = is_style if is_style.any() else ~is_style  # in a small batch the photo's row may be alone
        warning = ""
        if values["saturated"].mean() > 0.5 and self.step > 100:
            warning = "more than half of all painted pixels are black or white: the network is collapsing"
        return Step(
            step=self.step,
            steps=self.settings.steps,
            content=float(values["content"][shown].mean()),
            style=float(values["style"][shown].mean()),
            total=float(values["total"].mean()),
            psnr=None if is_style.all() else psnr(float(values["error"][~is_style].mean())),
            learning_rate=rate,
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
        """Per-picture values of all processes, in the batch's order, on the CPU."""
        if self.world == 1:
            return values.cpu()
        parts = [torch.empty_like(values) for _ in range(self.world)]
        dist.all_gather(parts, values)
        return torch.cat(parts).cpu()


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
