"""What a run has become: weights, their averages, the optimisers' state, who is behind, steps and seconds."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impasto.errors import LearnError
from impasto.learn.network.fast import build
from impasto.learn.network.layers import StyleNetwork
from impasto.learn.train.checkpoint import Checkpoint
from impasto.learn.train.model import Model, optimizers_for
from impasto.learn.train.muon import Muon
from impasto.learn.train.settings import TrainSettings, learning_rate
from impasto.styles.bank import Bank


class State:
    """All that steps change: they ``move`` it; a checkpoint holds its ``tensors``; ``kept`` undoes what went wrong.

    Raises LearnError for a network to start from that has other layers.
    """

    def __init__(
        self,
        settings: TrainSettings,
        names: Sequence[str],
        device: torch.device,
        start_from: tuple[StyleNetwork, Bank] | None = None,
    ) -> None:
        self.settings, self.names, self.device = settings, list(names), device
        with torch.random.fork_rng(devices=[]):  # the caller's own random numbers go on as they were
            torch.manual_seed(settings.seed)
            self.model = Model(build(asdict(settings)), len(names)).to(device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if start_from is not None:
            self._start_from(*start_from)
        self.optimizers = optimizers_for(self.model, settings.optimizer)
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.behind = torch.ones(len(names))  # running mean of each style's loss: who gets the next turns
        self.step = 0
        self.seconds = 0.0

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

    # -- steps

    def deal(self) -> Tensor:
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

    def move(self) -> None:
        """One step of the optimisers down the gradient that is there, and of the averages."""
        rate = learning_rate(self.settings, self.step)
        for optimizer in self.optimizers:
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step()
        decay = min(self.settings.ema, (1 + self.step) / (10 + self.step))
        current = self.model.state_dict()
        names = [name for name, value in current.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.average[name] for name in names], [current[name] for name in names], 1 - decay)
        self.step += 1

    def kept(self) -> tuple[Any, ...]:
        """Everything that a step changes, to go ``back`` to."""
        weights = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        average = {name: value.clone() for name, value in self.average.items()}
        return weights, average, [copy.deepcopy(optimizer.state_dict()) for optimizer in self.optimizers]

    def back(self, kept: tuple[Any, ...]) -> None:
        weights, self.average, states = kept
        self.model.load_state_dict(weights)
        for optimizer, state in zip(self.optimizers, states, strict=True):
            optimizer.load_state_dict(state)

    def averaged(self) -> tuple[StyleNetwork, Tensor]:
        """The network and rows (N, row_size) with averaged weights, the photo's row last: what is to be shipped."""
        network = build(asdict(self.settings)).to(self.device).eval()
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        prefix = "network."
        network.load_state_dict({k[len(prefix) :]: v for k, v in self.average.items() if k.startswith(prefix)})
        return network, self.average["rows"]

    # -- a checkpoint

    def tensors(self) -> dict[str, Tensor]:
        """All of it that is tensors, by the names that checkpoints have."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.items()}
        for name, parameter in self.model.named_parameters():
            for optimizer in self.optimizers:
                for key, value in optimizer.state.get(parameter, {}).items():
                    tensors[f"adam.{name}.{key}"] = value
        return tensors | {"behind": self.behind}

    def load(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of the same styles; what another optimiser cannot use of it begins afresh."""
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


def changes(checkpoint: Checkpoint, settings: TrainSettings, where: object) -> dict[str, tuple[Any, Any]]:
    """Settings that differ from a checkpoint's, each as before and now; LearnError for those that must not."""
    for name in TrainSettings.FIXED:
        held = checkpoint.settings.get(name, getattr(TrainSettings, name))
        if held != getattr(settings, name):
            raise LearnError(
                f"{where} holds a run with {name} {held}, not {getattr(settings, name)}; "
                "give it the same, or choose another run folder"
            )
    wanted = json.loads(json.dumps(asdict(settings)))
    default = json.loads(json.dumps(asdict(TrainSettings())))  # what a checkpoint from before a setting has
    before = {name: checkpoint.settings.get(name, default[name]) for name in wanted}
    return {name: (before[name], wanted[name]) for name in wanted if before[name] != wanted[name]}
