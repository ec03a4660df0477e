"""What predicts a row: the statistics of a painting -> the numbers of a network's row. numpy alone.

It is trained by ``learn.predict``; its file holds numbers and JSON, see docs/any-painting.md.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from impasto.errors import MismatchError, NetworkError, brief
from impasto.files import write_atomically
from impasto.styles.unseen.eye import Floats, Statistics

KEY = "impasto_predictor"
FORMAT = 1  # a reader refuses a higher number
LEAST = 1e-6  # added to energies and to deviations: some channels see nothing of some paintings
DENSE = ("inner", "outer", "basis")  # weights, with their shapes (H, F), (H, H), (R, H)
LINES = ("inner_bias", "outer_bias", "row", "centre", "spread")  # (H,), (H,), (R,), (F,), (F,)


@dataclass(frozen=True, eq=False)
class Predictor:
    """Numbers of a trained predictor, and the network whose rows it gives.

    ``views`` are (C, k) for each of ``layers``, ``numbers`` the arrays named in ``DENSE`` and ``LINES``:

        x = (features - centre) / spread                        F numbers, see ``features``
        h = silu(inner x + inner_bias);  h = h + silu(outer h + outer_bias)
        row + basis h
    """

    network: str
    fingerprint: str
    layers: tuple[str, ...]
    views: tuple[Floats, ...]
    numbers: dict[str, Floats]
    made: dict[str, Any] = field(default_factory=dict)  # how: for people

    def __post_init__(self) -> None:
        found = {name: self.numbers[name].shape for name in (*DENSE, *LINES) if name in self.numbers}
        width, size = (found.get(name, (0,))[0] for name in ("inner", "row"))
        count = features_count([view.shape for view in self.views])
        due: dict[str, tuple[int, ...]] = {"inner": (width, count), "outer": (width, width), "basis": (size, width)}
        due |= {"inner_bias": (width,), "outer_bias": (width,), "row": (size,), "centre": (count,), "spread": (count,)}
        if found != due or len(self.layers) != len(self.views):
            raise NetworkError("its numbers do not fit together")
        if not all(np.isfinite(values).all() for values in (*self.views, *self.numbers.values())):
            raise NetworkError("it holds NaN or infinity")

    @property
    def row_size(self) -> int:
        return int(self.numbers["row"].size)

    def check_network(self, fingerprint: str, network: str) -> None:
        """MismatchError unless it belongs to the network of this fingerprint."""
        if fingerprint != self.fingerprint:
            raise MismatchError(
                f"the predictor gives rows for network {self.network!r} ({self.fingerprint}), not for {network!r} "
                f"({fingerprint}); use the one that was trained for it"
            )

    def row(self, painting: Statistics) -> Floats:
        """The row (R,) for a painting."""
        given = self.numbers
        x = (features(painting, self.layers, self.views) - given["centre"]) / given["spread"]
        h = silu(given["inner"] @ x + given["inner_bias"])
        h = h + silu(given["outer"] @ h + given["outer_bias"])
        row: Floats = (given["row"] + given["basis"] @ h).astype(np.float32)
        return row

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write its file; weights are stored as float16."""
        head = {"format": FORMAT, "network": self.network, "fingerprint": self.fingerprint, "layers": self.layers}
        tensors = {f"view_{i}": view.astype(np.float16) for i, view in enumerate(self.views)}
        tensors |= {name: self.numbers[name].astype(np.float16) for name in DENSE}
        tensors |= {name: self.numbers[name].astype(np.float32) for name in LINES}
        text = json.dumps(head | {"made": self.made}, allow_nan=False)
        write_atomically(path, save({name: np.ascontiguousarray(each) for name, each in tensors.items()}, {KEY: text}))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Predictor:
        """The predictor in a file; NetworkError for everything else."""
        try:
            with safe_open(Path(path), framework="numpy") as file:
                head = json.loads((file.metadata() or {})[KEY])
                stored = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
            if head["format"] > FORMAT:
                raise NetworkError(f"it has format {head['format']}, and this impasto reads up to {FORMAT}")
            views = tuple(stored.pop(f"view_{i}") for i in range(len(head["layers"])))
            return cls(head["network"], head["fingerprint"], tuple(head["layers"]), views, stored, head.get("made", {}))
        except OSError as error:
            raise NetworkError(f"{path} cannot be read ({error.strerror or brief(error)}); check the path") from error
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise NetworkError(f"{path} is damaged or no predictor; copy it here again ({brief(error)})") from error
        except NetworkError as error:
            raise NetworkError(f"{path} cannot be used as a predictor: {error}; copy it here again") from error


def silu(x: Floats) -> Floats:
    """x / (1 + e^-x) (Elfwing, Uchibe and Doya 2018)."""
    result: Floats = x * (0.5 + 0.5 * np.tanh(0.5 * x))
    return result


def features_count(shapes: list[tuple[int, ...]]) -> int:
    """How many numbers ``features`` gives for views of these shapes, (C, k) each."""
    return sum(2 * width + kept * (kept + 1) // 2 for width, kept in shapes)


def features(painting: Statistics, layers: tuple[str, ...], views: tuple[Floats, ...]) -> Floats:
    """What a prediction is made from, (F,): for each layer

    - the logarithm of each channel's energy, E = diag(G) + 1e-6,
    - how even it is over the painting: its mean over sqrt(E),
    - how channels go together, seen from k learned directions V (C, k): the upper half of V^T R V, where R is G with
      energies of 1.
    """
    found = []
    for layer, view in zip(layers, views, strict=True):
        gram = painting.grams[layer]
        energy = np.diagonal(gram) + LEAST
        root = np.sqrt(energy)
        together = view.T @ (gram / np.outer(root, root)) @ view
        found += [np.log(energy), painting.means[layer] / root, together[np.triu_indices(view.shape[1])]]
    return np.concatenate(found).astype(np.float32)
