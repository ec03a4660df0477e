"""Move the network and every row: a folder of photos and one of paintings in, a stream of ``TrainStep`` records out.

Everything random is a function of (seed, step) and everything else is in the checkpoint, so a run that is killed at
any moment and started again ends with the same bits as one that was not (on the CPU; GPUs sum in any order).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto.errors import LearnError
from impasto.learn.devices import best_dtype, default_workers, given_to
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.judge import Judge, ruler
from impasto.learn.network.designs import FIRST
from impasto.learn.network.layers import StyleNetwork
from impasto.learn.paintings import Painting
from impasto.learn.photos import PhotoFolder, load_painting
from impasto.learn.tensors import to_picture
from impasto.learn.train import processes
from impasto.learn.train.checkpoint import CHECKPOINT, Checkpoint
from impasto.learn.train.measure import Measure, teacher_for
from impasto.learn.train.model import paint
from impasto.learn.train.records import METRICS, SHEET, TrainStep, alike, trim_metrics
from impasto.learn.train.settings import Schedule, TrainSettings
from impasto.learn.train.state import State, changes
from impasto.learn.train.steps import Steps
from impasto.limits import Precision
from impasto.pictures import save
from impasto.pictures.sheets import contact_sheet
from impasto.styles.bank import PHOTO, Bank

UNIT_PHOTOS = 40  # photo crops whose Gram matrices define the photos' own distance


class Run:
    """A training run on disk: opened (or resumed) once, then iterated.

    ``changes`` are settings that a resumed run had and has now. Raises LearnError for a batch that the processes cannot
    share, a teacher that lacks a style, and a folder that holds another run.
    """

    def __init__(
        self,
        run_dir: str | Path,
        photos: PhotoFolder,
        paintings: Sequence[Painting],
        settings: TrainSettings,
        *,
        loss_network: LossNetwork | None = None,
        teacher: tuple[StyleNetwork, Bank] | None = None,
        start_from: tuple[StyleNetwork, Bank] | None = None,
        precision: Precision = "auto",
        compile: bool | None = None,
        device: str = "cpu",
        workers: int | None = None,
    ) -> None:
        self.dir, self.photos, self.paintings = Path(run_dir), photos, list(paintings)
        held = Checkpoint.read(self.dir / CHECKPOINT) if (self.dir / CHECKPOINT).exists() else None
        if held is not None:  # a run goes on with the network it was begun with
            settings = replace(settings, **{key: held.settings[key] for key in ("design", "apart")})
        elif start_from is not None and start_from[0].kind == settings.network:
            settings = replace(settings, design=start_from[0].settings.get("design", FIRST))
        self.settings = settings
        self.device = torch.device(device)
        self.workers = default_workers(self.device) if workers is None else workers
        self.names = [*(painting.name for painting in paintings), PHOTO]
        if settings.batch % processes.world():
            raise LearnError(
                f"a batch of {settings.batch} cannot be shared among {processes.world()} processes; make it a multiple"
            )
        shown = teacher_for(teacher, settings, self.names, self.device)
        self.state = State(settings, self.names, self.device, start_from)
        self.stopped = False
        self.dir.mkdir(parents=True, exist_ok=True)
        self.changes = self._resumed(held) if held is not None else {}
        dtype = best_dtype(precision, self.device)
        self.judge = self._judge(ruler(loss_network, self.device, dtype))
        self.measure = Measure(self.judge, settings, self.paintings, shown, dtype)
        self.steps = Steps(self.state, self.measure, compile=compile)

    def _judge(self, loss_network: LossNetwork) -> Judge:
        size = self.settings.style_size
        crops = [crop[None] for crop in self.photos.batch(self.settings.seed, 2**31, UNIT_PHOTOS, 256)]
        pictures = (load_painting(each.path, each.size or size, each.crop) for each in self.paintings)
        return Judge(loss_network, pictures, crops, self.settings)

    @property
    def step(self) -> int:
        """How many steps are done."""
        return self.state.step

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes files."""
        return processes.rank() == 0

    def stop(self) -> None:
        """End ``train`` behind the step that it is at, with a checkpoint; for another thread or a signal to call."""
        self.stopped = True

    def train(self, schedule: Schedule | None = None, *, since: float | None = None) -> Iterator[TrainStep]:
        """Train up to ``settings.steps`` or as long as ``schedule`` says: yields each step, saves checkpoints.

        The minutes count from ``since``, a moment of ``time.monotonic()``; by default from now.
        """
        when = schedule or Schedule()
        if self.is_main:
            trim_metrics(self.dir / METRICS, self.step)
        last_sheet = last_checkpoint = time.monotonic()
        start = last_sheet if since is None else since
        batches = self._batches()
        while self.step < self.settings.steps:
            before = self.step
            records = self.steps.next(batches)
            now = time.monotonic()
            over = when.max_minutes is not None and now - start > 60 * when.max_minutes
            stop = processes.agree(self.stopped or over, self.device)
            if self.is_main and now - last_sheet > 60 * when.sheet_minutes:
                warning = self.sheet()
                records[-1] = replace(records[-1], warning=records[-1].warning or warning)
                last_sheet = time.monotonic()
            if self.is_main:
                with open(self.dir / METRICS, "a") as file:
                    file.writelines(json.dumps(asdict(record)) + "\n" for record in records)
            due = (
                self.step // when.checkpoint_every > before // when.checkpoint_every
                or now - last_checkpoint > 60 * when.checkpoint_minutes
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
            there = given_to(self.device, pictures[processes.share(settings.batch)])
            yield there if there.is_floating_point() else there.float() / 255

    def save_checkpoint(self) -> None:
        """Write the whole state atomically: a kill at any moment leaves the old checkpoint or the new one."""
        if self.is_main:
            state, settings = self.state, asdict(self.settings)
            styles = [{**asdict(each), "path": each.path.name} for each in self.paintings]
            Checkpoint(state.tensors(), state.step, state.seconds, settings, styles).write(self.dir / CHECKPOINT)

    def _resumed(self, checkpoint: Checkpoint) -> dict[str, tuple[Any, Any]]:
        found = changes(checkpoint, self.settings, self.dir)
        if checkpoint.names != self.names:
            raise LearnError(
                f"{self.dir} holds a run with other styles; give it the same, or choose another run folder"
            )
        self.state.load(checkpoint)
        return found

    @torch.no_grad()
    def sheet(self, *, size: int = 256, columns: int = 8) -> str:
        """Paint one photo in every style with the averaged weights into ``sheet.jpg``; returns a warning, or ""."""
        photo = self.photos.batch(self.settings.seed, 2**31 + 1, 1, size).to(self.device)
        network, rows = self.state.averaged()
        painted = []
        with self.measure.autocast():
            for i in range(len(rows)):
                ids = torch.tensor([i], device=self.device)
                painted.append(paint(network, rows, photo, ids)[0].float().cpu())
        sheet = contact_sheet([to_picture(each) for each in painted], columns=columns, gap=0)
        save(sheet, self.dir / SHEET, quality=90)
        return alike(painted, self.names) if self.step > 1000 else ""
