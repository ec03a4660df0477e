"""Steps of a run: a gradient, a move, and what to do where the compiler, the numbers or the memory fail.

On the CPU every step is looked at before it changes a weight. An accelerator would idle while one waits for its
numbers, so there ``STRIDE`` steps are asked for at a time, and what they measured is read together behind the last.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from impasto.errors import LearnError
from impasto.learn.devices import chosen_convolutions, given_to, pays_to_compile
from impasto.learn.loss.steadiness import Jolt
from impasto.learn.pieces import STATE, NotCompiledError, compiling, on_gpu
from impasto.learn.train import processes
from impasto.learn.train.measure import PARTS, Measure
from impasto.learn.train.records import TrainStep, record
from impasto.learn.train.state import State

STRIDE = 10  # steps after which an accelerator's losses are read

Given = list[tuple[Tensor, Tensor]]  # pictures of this process and ids of the whole batch, for each step


class Steps:
    """Moves a ``State`` by what a ``Measure`` says, a stride at a time."""

    def __init__(self, state: State, measure: Measure, *, compile: bool | None = None) -> None:
        self.state, self.measure, self.settings, self.device = state, measure, state.settings, state.device
        self.stride = 1 if self.device.type == "cpu" else STRIDE
        self.compiled = pays_to_compile(compile, self.device)
        self.in_pieces = self.device.type == "cuda"  # what is compiled there; elsewhere it is the whole step
        self.forward = self._compiled() if self.compiled and not self.in_pieces else self._plain()
        self._failed = len(STATE.failed)  # pieces that no compiler takes, as far as was reported

    def _plain(self) -> Any:
        model: nn.Module = self.state.model
        if processes.world() > 1:
            model = nn.parallel.DistributedDataParallel(model)
        return lambda pictures, ids: self.measure(model, pictures, ids)

    def _compiled(self) -> Any:
        if processes.world() > 1:
            self.state.model.network.compile()  # in place: a wrapper would change the names in the checkpoint
            return self._plain()
        return torch.compile(lambda pictures, ids: self.measure(self.state.model, pictures, ids), dynamic=False)

    def next(self, batches: Iterator[Tensor]) -> list[TrainStep]:
        """The steps up to the next that is read: done again without a compiler if it fails or they are no numbers."""
        begin, first, warning = time.monotonic(), self.state.step, ""
        kept = self.state.kept() if self.stride > 1 else None
        given: Given = []
        while True:
            values = torch.full((1, 1), torch.nan)
            too_large = False
            try:
                with compiling() if self.compiled else nullcontext():
                    values = self._stride(batches, given).cpu()
            except torch.OutOfMemoryError:
                too_large = True  # what the step holds is free behind this block
            except NotCompiledError as error:
                warning = f"the compiler fails ({error}); training goes on without it"
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
            self.compiled, self.forward, self.state.step = False, self._plain(), first
            if kept is not None:
                self.state.back(kept)

    def _stride(self, batches: Iterator[Tensor], given: Given) -> Tensor:
        """Steps as ``next`` says, on what is ``given`` (and what that lacks, which it gets).

        Returns what they measured, (steps, parts + 1, B), last how long the gradient was. Nothing waits for it, but
        where single steps are read: there one that is not made of numbers changes nothing.
        """
        measured, state = [], self.state
        mine = processes.share(self.settings.batch)
        with chosen_convolutions(self.device):
            for number in range(min(self.stride - state.step % self.stride, self.settings.steps - state.step)):
                if number == len(given):
                    given.append((next(batches), state.deal()))
                pictures, ids = given[number]
                measured.append(self._gradient(pictures, given_to(self.device, ids[mine])))
                if self.stride == 1 and not bool(torch.isfinite(measured[0]).all()):
                    break
                state.move()
            return torch.stack(measured)

    def _gradient(self, pictures: Tensor, ids: Tensor) -> Tensor:
        """The losses of all processes' pictures and the length of the gradient, which is clipped: (parts + 1, B)."""
        for optimizer in self.state.optimizers:
            optimizer.zero_grad(set_to_none=True)
        with on_gpu(compiled=self.compiled) if self.in_pieces else nullcontext():
            parts = self.losses(pictures, ids)
            parts["total"].mean().backward()  # type: ignore[no-untyped-call]
        steepness = nn.utils.clip_grad_norm_(self.state.model.parameters(), self.settings.clip)
        values = processes.gather(torch.stack([parts[name].detach().float() for name in PARTS]))
        return torch.cat([values, steepness.float().expand(1, values.shape[1])])

    def losses(self, pictures: Tensor, ids: Tensor) -> dict[str, Tensor]:
        """``measure.PARTS`` of each picture, (B,), as the next step sees them."""
        jolt = self._jolt(pictures)
        if jolt is not None:
            pictures = torch.cat([pictures, jolt.of(pictures)])
        found = self.forward(pictures.contiguous(memory_format=torch.channels_last), ids)
        return self.measure.losses(found, ids, self.state.step, jolt)

    def _jolt(self, pictures: Tensor) -> Jolt | None:
        """What makes the pictures' next frames; None where a run does not ask how steady paintings are."""
        if not self.settings.steady_weight:
            return None
        height, width = pictures.shape[2:]
        period = self.state.model.network.multiple
        return Jolt.drawn(self.settings.seed, self.state.step, (height, width), period)

    def _too_large(self, pictures: Tensor, ids: Tensor) -> str:
        """What to say where the device has no memory for a step: with the largest batch, by halves, that it has."""
        said = f"{self.device} has no memory for a batch of {self.settings.batch} at {self.settings.size} px"
        if processes.world() > 1:
            return f"{said}; make it smaller (--batch), or use more processes"
        self.in_pieces = False  # nothing is compiled for this
        count = len(pictures) // 2
        while count:
            with suppress(torch.OutOfMemoryError):
                self._gradient(pictures[:count], given_to(self.device, ids[:count]))
                return f"{said}; a batch of {count} fits (--batch {count})"
            count //= 2
        return f"{said}, nor for one picture; make them smaller (--size)"

    def _records(
        self, first: int, values: Tensor, dealt: Sequence[Tensor], begin: float, warning: str
    ) -> list[TrainStep]:
        """The records of steps behind ``first`` that measured ``values`` (steps, parts + 1, B) since ``begin``."""
        records, state = [], self.state
        loss = "style" if self.settings.objective_weight > 0 else "distance"
        each = (time.monotonic() - begin) / len(values)
        for number, (measured, ids) in enumerate(zip(values, dealt, strict=True)):
            parts = dict(zip(PARTS, measured, strict=False))
            state.behind[ids] = 0.9 * state.behind[ids] + 0.1 * parts[loss]
            state.seconds += each
            records.append(record(state, first + number + 1, parts, ids, each))
        failed, self._failed = STATE.failed[self._failed :], len(STATE.failed)
        if failed:
            warning = f"the compiler fails on {', '.join(failed)}; training goes on without it there"
        records[-1] = replace(records[-1], warning=records[-1].warning or warning)
        return records
