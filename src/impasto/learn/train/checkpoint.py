"""The state of a training run in one file, which is always whole: reading and writing it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from impasto.errors import LearnError
from impasto.files import write_atomically
from impasto.learn.network.designs import FIRST, LATEST
from impasto.learn.network.fast import FastNetwork, build
from impasto.learn.network.layers import StyleNetwork
from impasto.styles.bank import PHOTO

CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint file as it is on disk: tensors by name, and what the run was."""

    tensors: dict[str, Tensor]
    step: int
    seconds: float
    settings: dict[str, Any]
    styles: list[dict[str, Any]]

    @classmethod
    def read(cls, path: str | Path) -> Checkpoint:
        """Read ``path``; LearnError if it is missing, damaged or not a checkpoint."""
        try:
            with safe_open(path, framework="pt") as file:
                meta = json.loads((file.metadata() or {})["impasto"])
                # Copies, since last bits depend on alignment, and the file's own memory is aligned to 8 bytes only.
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
            settings = {"design": _design(meta["settings"]), "apart": False, **meta["settings"]}  # of older runs
            return cls(tensors, meta["step"], meta["seconds"], settings, meta["styles"])
        except FileNotFoundError as error:
            raise LearnError(f"{path} does not exist; is this a folder that impasto train wrote?") from error
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise LearnError(f"{path} is damaged or not a checkpoint of impasto ({error})") from error

    def write(self, path: Path) -> None:
        """Write it to ``path`` atomically: a kill at any moment leaves the old file or the new one."""
        meta = {"step": self.step, "seconds": self.seconds, "settings": self.settings, "styles": self.styles}
        tensors = {name: value.cpu().contiguous() for name, value in self.tensors.items()}
        write_atomically(path, save(tensors, {"impasto": json.dumps(meta)}))

    @property
    def names(self) -> list[str]:
        """The styles in the order of their rows, the photo's row last."""
        return [*(style["name"] for style in self.styles), PHOTO]

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin with ``prefix``, without it."""
        return {name[len(prefix) :]: value for name, value in self.tensors.items() if name.startswith(prefix)}

    def averaged(self) -> tuple[StyleNetwork, Tensor]:
        """The network and rows with averaged weights, as in ``Run.averaged``."""
        network = build(self.settings).eval()
        network.load_state_dict(self.part("average.network."))
        return network, self.tensors["average.rows"]


def _design(settings: dict[str, Any]) -> int:
    """The design of a run from before there were several of ``fast``; for other networks it means nothing."""
    return FIRST if settings.get("network") == FastNetwork.kind else LATEST
