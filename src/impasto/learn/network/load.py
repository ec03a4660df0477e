"""An exported ONNX file back into a network with gradients: the way to teach what was shipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from impasto.errors import LearnError, foreign
from impasto.learn.network.designs import DESIGNS, FIRST
from impasto.learn.network.fast import FastNetwork
from impasto.learn.network.full import PasticheNetwork
from impasto.learn.network.layers import StyleNetwork
from impasto.styles.bank import Bank


def load_network(path: str | Path) -> StyleNetwork:
    """The network in an ONNX file of ``impasto export``, frozen and in evaluation mode, with its margin.

    LearnError for a file that is missing, damaged or not such a network, or whose weights are not those it was
    fingerprinted with.
    """
    weights, meta = _read(Path(path))
    kind = meta.get("impasto.kind", PasticheNetwork.kind)
    for alpha in _alphas(meta, weights[0].shape[0]):
        apart = "impasto.apart" in meta  # files from before there was such a thing do not say
        network: StyleNetwork = PasticheNetwork(alpha=alpha, apart=apart)
        if kind == FastNetwork.kind:
            network = FastNetwork(alpha=alpha, design=_design(meta, path), apart=apart)
        shapes = [tuple(layer.weight.shape) for layer in network.layers]
        if shapes != [weight.shape for weight in weights]:
            continue
        for layer, weight in zip(network.layers, weights, strict=True):
            layer.weight = torch.nn.Parameter(torch.from_numpy(weight.astype(np.float32)), requires_grad=False)
        if network.fingerprint() == meta["impasto.fingerprint"]:
            network.margin = int(meta.get("impasto.margin", 0))
            return network.eval()
    raise LearnError(f"the weights in {path} are not those of its fingerprint; export or install it again")


def load_with_bank(path: str | Path) -> tuple[StyleNetwork, Bank]:
    """The network in an ONNX file and the bank beside it; LearnError, BankError or MismatchError as each may fail."""
    network, bank = load_network(path), Bank.load(Path(path).with_suffix(".safetensors"))
    bank.check_network(network.fingerprint(), network=Path(path).stem)
    return network, bank


def _read(path: Path) -> tuple[list[np.ndarray], dict[str, str]]:
    """The weights of all convolutions in the order of the graph, and the metadata."""
    if not path.is_file():
        raise LearnError(f"{path} does not exist; name a network that impasto export wrote")
    with foreign(lambda _: LearnError(f"{path} is damaged or no ONNX file; export or install it again")):
        model = onnx.load(path)
        stored = [numpy_helper.to_array(tensor) for tensor in model.graph.initializer]
    weights = [value for value in stored if value.ndim == 4]
    meta = {entry.key: entry.value for entry in model.metadata_props}
    if not weights or "impasto.fingerprint" not in meta:
        raise LearnError(f"{path} is not a network of impasto's; name one that impasto export wrote")
    return weights, meta


def _design(meta: dict[str, str], path: str | Path) -> int:
    """Which fast network it is; files from before there were several do not say."""
    text = meta.get("impasto.design", str(FIRST))
    if text not in map(str, DESIGNS):
        raise LearnError(f"{path} holds a fast network of design {text}, which is not known here; update impasto")
    return int(text)


def _alphas(meta: dict[str, str], width: int) -> Iterator[float]:
    """What the width multiplier may be: the file says it, or it is a round number that gives this first width."""
    if "impasto.alpha" in meta:
        yield float(meta["impasto.alpha"])
        return
    for step in range(1, 401):
        alpha = step / 100
        if max(1, int(32 * alpha)) == width:
            yield alpha
