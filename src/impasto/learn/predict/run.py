"""Train a predictor: paintings and photos in, a stream of ``PredictStep`` records out; the network stays as it is.

The picture's loss goes through the frozen network to the row, and from there to what predicted it. Rows that were
learned one by one are no good to learn from: they say 12 % of what another painting's row is. They are a start.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from impasto.errors import LearnError
from impasto.files import write_atomically
from impasto.learn.devices import best_dtype, resolve_device
from impasto.learn.loss.features import LossNetwork, within
from impasto.learn.loss.judge import ruler
from impasto.learn.network.layers import StyleNetwork
from impasto.learn.photos import PhotoFolder
from impasto.learn.predict.model import Prediction
from impasto.learn.predict.settings import PredictSettings
from impasto.learn.predict.shelf import Shelf, Told
from impasto.styles.bank import Bank
from impasto.styles.unseen.eye import Aim
from impasto.styles.unseen.predictor import Predictor

CHECKPOINT = "predictor-checkpoint.safetensors"
COMMON = 32  # photos from which the units of the losses are taken
HELD_OUT = 2**31  # the "step" of photos that nothing is learned from


@dataclass(frozen=True)
class PredictStep:
    """What one step measured: means over its pictures; ``learned`` is the mean logarithm of the total."""

    step: int
    content: float
    style: float
    learned: float
    learning_rate: float
    seconds: float


class Training:
    """A predictor and the frozen network that it learns through; begun or, from a checkpoint in ``folder``, gone on.

    ``paintings`` are files; those that have the name of a style of the ``bank`` begin with its row. Without a
    checkpoint ``start`` is a predictor to go on from. Raises LearnError for a checkpoint that is none or a predictor of
    other sizes, MismatchError for one of another network, and what the pictures raise.
    """

    def __init__(
        self,
        folder: Path,
        network: StyleNetwork,
        bank: Bank,
        photos: PhotoFolder,
        paintings: Sequence[Path],
        settings: PredictSettings | None = None,
        *,
        start: Predictor | None = None,
        loss_network: LossNetwork | None = None,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        bank.check_network(network.fingerprint())
        self.folder, self.bank, self.photos = folder, bank, photos
        self.settings = settings = settings or PredictSettings()
        self.aim = Aim.of(bank)
        self.device = torch.device(resolve_device(device))
        self.dtype = best_dtype(precision, self.device)
        self.network = network.to(self.device).requires_grad_(False).eval()
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network.margin = 0
        self.eye = ruler(loss_network, self.device, self.dtype)
        layers = list(self.aim.shares)
        self.shelf = Shelf(self.eye, layers, paintings, photos.paths, self.aim.style_size, settings)
        self.common, self.energy = self._photos()
        torch.manual_seed(settings.seed)
        widths = [each.shape[1] for each in self.shelf.whole[0]]
        sizes = {"width": settings.width, "view": settings.view, "dropout": settings.dropout}
        self.model = Prediction(widths, network.row_size, **sizes).to(self.device)  # type: ignore[arg-type]
        self.average = Prediction(widths, network.row_size, **sizes).to(self.device).eval()  # type: ignore[arg-type]
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=settings.learning_rate, weight_decay=settings.decay
        )
        self.step, self.seconds = 0, 0.0
        if (folder / CHECKPOINT).exists():
            self._resume()
        elif start is None:
            self._begin()
        else:
            self._start(start)

    # -- the steps --------------------------------------------------------------------------------------------------

    def run(self, *, minutes: float, steps: int | None = None) -> Iterator[PredictStep]:
        """Learn for some ``minutes``, or so many ``steps``; at the end the rate falls."""
        begin, first, before = time.monotonic(), self.step, self.seconds
        while True:
            elapsed = time.monotonic() - begin
            done = elapsed / (60 * minutes) if steps is None else (self.step - first) / steps
            if done >= 1:
                return
            rate = self.settings.learning_rate * min(1.0, (1 - done) / self.settings.fall, (self.step - first + 1) / 50)
            yield self._one(rate, before + elapsed)

    def _one(self, rate: float, seconds: float) -> PredictStep:
        generator = np.random.default_rng([self.settings.seed, self.step])
        if self.step % self.settings.fresh_every == 0:
            self.shelf.add(generator)
        told = self.shelf.draw(generator, self.settings.batch)
        photos = self.photos.batch(self.settings.seed, self.step, self.settings.batch, self.settings.size)
        self.model.train()
        content, style = self.measure(self.model(*told), photos, told[0])
        learned = (content + self.aim.style_weight * style).log().mean()
        self._move(learned, rate)
        self.step += 1
        means = {"content": content, "style": style, "learned": learned}
        values = {name: float(each.detach().mean()) for name, each in means.items()}
        return PredictStep(self.step, **values, learning_rate=rate, seconds=seconds)

    def _move(self, loss: Tensor, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        keep = min(self.settings.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, new in zip(self.average.parameters(), self.model.parameters(), strict=True):
                mean.lerp_(new, 1 - keep)

    def measure(self, rows: Tensor, photos: Tensor, grams: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Content and style loss, (B,), of ``photos`` (B, 3, H, W) painted in ``rows`` (B, R) towards ``grams``."""
        photos = photos.to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            painted = self.network(photos, rows)
        with torch.no_grad():
            content = self.eye(photos, [self.aim.content_layer], tap=self._inside)[self.aim.content_layer]
        found = self.eye(painted, [*self.aim.shares, self.aim.content_layer], tap=self._inside)
        away = (found[self.aim.content_layer].float() - content.float()).square().flatten(1).mean(1)
        style = torch.zeros(len(photos), device=self.device)
        for (layer, share), target, (mean, square) in zip(self.aim.shares.items(), grams, self.common, strict=True):
            own = target.square().sum((1, 2))
            distance = (square - 2 * (mean * target).sum((1, 2)) + own).clamp_min(0)
            unit = (distance * own).sqrt()  # the "fair" unit: see losses.style_units
            features = found[layer].float()
            flat = features.permute(0, 2, 3, 1).flatten(1, 2)
            made = flat.transpose(1, 2) @ flat / flat.shape[1]
            style = style + share * (made - target).square().sum((1, 2)) / unit.clamp_min(1e-8)
        return away / self.energy, style

    def _inside(self, layer: str, x: Tensor) -> Tensor:
        """An activation without the ring: there VGG knows of the zeros beyond, which a row would learn to paint for."""
        return within(self.settings.ring, layer, x)

    # -- the beginning ----------------------------------------------------------------------------------------------

    def _photos(self) -> tuple[list[tuple[Tensor, float]], float]:
        """Of photos in general: their mean Gram matrix and its mean square, by layer, and the energy of content."""
        crops = self.photos.batch(self.settings.seed, HELD_OUT, COMMON, self.settings.size)
        grams, energies = [], []
        for crop in crops[:, None]:
            grams.append(self.shelf.look(crop)[0])
            with torch.no_grad():
                found = self.eye(crop.to(self.device), [self.aim.content_layer])[self.aim.content_layer]
            energies.append(float(found.float().square().mean()))
        together = [torch.cat(each) for each in zip(*grams, strict=True)]
        common = [(each.mean(0), float(each.square().sum((1, 2)).mean())) for each in together]
        return common, float(np.mean(energies))

    def _begin(self) -> None:
        """Start from the bank's mean and, a little further, from what known rows say."""
        self._fill()
        self.model.begin(self.bank, *self.shelf.whole)
        known = [i for i, path in enumerate(self.shelf.paintings) if path.stem in self.bank.styles]
        if known and self.settings.regress:
            self._regress(known)
        self.average.load_state_dict(self.model.state_dict())

    def _start(self, predictor: Predictor) -> None:
        """Go on from a predictor, whose moments of AdamW are not known any more."""
        predictor.check_network(self.bank.fingerprint, self.bank.network)
        named = predictor.numbers | {f"views.{i}": view for i, view in enumerate(predictor.views)}
        try:
            for model in (self.model, self.average):
                model.load_state_dict({name: torch.from_numpy(values) for name, values in named.items()})
        except RuntimeError as error:
            raise LearnError("the predictor to start from has other sizes; give the width and view it has") from error
        self.step, self.seconds = (predictor.made.get(name, 0) for name in ("steps", "seconds"))
        self._fill()

    def _fill(self) -> None:
        """Look at the first crops."""
        generator = np.random.default_rng([self.settings.seed, HELD_OUT + self.step])
        for _ in range(min(self.settings.kept, 2 * len(self.shelf.paintings))):
            self.shelf.add(generator)

    def _regress(self, known: list[int]) -> None:
        """Learn the rows of paintings that have one, in units of how rows differ."""
        given: Told = tuple([each[known] for each in part] for part in self.shelf.whole)  # type: ignore[assignment]
        names = [self.shelf.paintings[i].stem for i in known]
        rows = torch.from_numpy(np.stack([self.bank[name] for name in names])).to(self.device)
        spread = rows.std(0, correction=0) + 0.02
        self.model.train()
        for number in range(self.settings.regress):
            loss = ((self.model(*given) - rows) / spread).square().mean()
            self._move(loss, self.settings.learning_rate * (1 - number / self.settings.regress))

    # -- files ------------------------------------------------------------------------------------------------------

    def save(self, seconds: float) -> None:
        """Write the checkpoint: a kill at any moment leaves the old file or the new one."""
        self.seconds = seconds
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{number}.{key}": value for key, value in state.items()}
        head = {"step": self.step, "seconds": seconds, "fingerprint": self.bank.fingerprint}
        ready = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(head | {"settings": asdict(self.settings)})
        write_atomically(self.folder / CHECKPOINT, save(ready, {"impasto": text}))

    def _resume(self) -> None:
        path = self.folder / CHECKPOINT
        with safe_open(path, framework="pt") as file:
            head = json.loads((file.metadata() or {}).get("impasto", "{}"))
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        if head.get("fingerprint") != self.bank.fingerprint:
            raise LearnError(f"{path} is of a predictor for another network; choose another folder")
        for prefix, model in (("model.", self.model), ("average.", self.average)):
            model.load_state_dict({name[len(prefix) :]: v for name, v in tensors.items() if name.startswith(prefix)})
        state = self.optimizer.state_dict()
        state["state"] = {}
        for name, value in tensors.items():
            if name.startswith("adam."):
                _, number, key = name.split(".")
                state["state"].setdefault(int(number), {})[key] = value
        self.optimizer.load_state_dict(state)
        self.step, self.seconds = head["step"], head["seconds"]
        self._fill()

    def predictor(self) -> Predictor:
        """The predictor with averaged weights."""
        made = {"steps": self.step, "seconds": round(self.seconds), "paintings": len(self.shelf.paintings)}
        return self.average.record(self.bank, self.shelf.layers, made | {"settings": asdict(self.settings)})
