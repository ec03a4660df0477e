"""An exported file is the network that was exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from impasto.assets import network_file
from impasto.errors import LearnError
from impasto.learn.network.designs import FIRST, LATEST
from impasto.learn.network.fast import FastNetwork
from impasto.learn.network.full import PasticheNetwork
from impasto.learn.network.load import load_network
from impasto.learn.network.to_onnx import network_graph
from impasto.painting.network import Network


@pytest.mark.parametrize("half", [False, True], ids=["float32", "float16"])
@pytest.mark.parametrize("told", [True, False], ids=["alpha told", "alpha guessed"])
def test_round_trip(tiny_network: PasticheNetwork, half: bool, told: bool, tmp_path: Path) -> None:
    """Fingerprint and settings are the same, and so are the weights, up to the file's precision; they are frozen."""
    model = network_graph(tiny_network, half=half)
    if not told:  # files of before
        kept = {entry.key: entry.value for entry in model.metadata_props if entry.key != "impasto.alpha"}
        onnx.helper.set_model_props(model, kept)
    onnx.save(model, tmp_path / "net.onnx")
    network = load_network(tmp_path / "net.onnx")
    assert network.fingerprint() == tiny_network.fingerprint() and network.settings == tiny_network.settings
    assert not network.training and not any(weight.requires_grad for weight in network.parameters())
    for loaded, layer in zip(network.layers, tiny_network.layers, strict=True):
        expected = layer.weight.half().float() if half else layer.weight
        assert torch.equal(loaded.weight, expected)


@pytest.mark.parametrize("make", [PasticheNetwork, FastNetwork])
@pytest.mark.parametrize("apart", [True, False])
def test_moments_apart_or_not(make: Any, apart: bool, tmp_path: Path) -> None:
    """A file says whether moments are apart, graph and network agree, and the fingerprint is the same either way."""
    network = make(alpha=0.25, apart=apart).eval()
    onnx.save(network_graph(network, half=False), tmp_path / "net.onnx")
    loaded = load_network(tmp_path / "net.onnx")
    assert loaded.apart == apart
    other = make(alpha=0.25, apart=not apart)
    other.load_state_dict(network.state_dict())
    assert loaded.fingerprint() == other.fingerprint()
    picture = np.random.default_rng(0).random((40, 48, 3), np.float32)
    row = (network.initial_row() + 0.2 * torch.randn(network.row_size)).numpy()
    with torch.no_grad():
        expected = loaded(torch.from_numpy(picture).permute(2, 0, 1)[None], torch.from_numpy(row)[None])
    painted = Network(tmp_path / "net.onnx", runtime="onnxruntime").paint(picture, row)
    np.testing.assert_allclose(painted, expected[0].permute(1, 2, 0).numpy(), rtol=0, atol=1e-4)


def test_what_is_no_network(tmp_path: Path, tiny_network: PasticheNetwork) -> None:
    """Missing, damaged and foreign files, and weights that were changed, are LearnErrors that name the file."""
    with pytest.raises(LearnError, match="none.onnx does not exist"):
        load_network(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"not onnx at all")
    with pytest.raises(LearnError, match="bad.onnx is (damaged|not a network)"):
        load_network(tmp_path / "bad.onnx")
    model = network_graph(tiny_network)
    foreign = onnx.ModelProto()
    foreign.CopyFrom(model)
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    with pytest.raises(LearnError, match="is not a network of impasto's"):
        load_network(tmp_path / "foreign.onnx")
    next(entry for entry in model.metadata_props if entry.key == "impasto.fingerprint").value = "0" * 16
    onnx.save(model, tmp_path / "changed.onnx")
    with pytest.raises(LearnError, match="not those of its fingerprint"):
        load_network(tmp_path / "changed.onnx")


@pytest.mark.parametrize("design", [FIRST, LATEST])
def test_designs_of_fast(design: int, tmp_path: Path) -> None:
    """Fast networks of every design come back, with their fingerprint; the first is named by no file."""
    network = FastNetwork(alpha=0.25, design=design).eval()
    model = network_graph(network, name="fast")
    onnx.save(model, tmp_path / "fast.onnx")
    named = {entry.key: entry.value for entry in model.metadata_props}.get("impasto.design")
    assert named == (None if design == FIRST else str(design))
    loaded = load_network(tmp_path / "fast.onnx")
    assert (loaded.fingerprint(), loaded.settings) == (network.fingerprint(), network.settings)


def test_design_that_is_not_known(tmp_path: Path) -> None:
    """A file of a later design is refused in a sentence."""
    model = network_graph(FastNetwork(alpha=0.25).eval(), name="fast")
    next(entry for entry in model.metadata_props if entry.key == "impasto.design").value = "99"
    onnx.save(model, tmp_path / "fast.onnx")
    with pytest.raises(LearnError, match="fast.onnx holds a fast network of design 99, which is not known here"):
        load_network(tmp_path / "fast.onnx")


def test_shipped_fast() -> None:
    """The shipped fast network is of the first design, and loads."""
    network = load_network(network_file("fast"))
    assert isinstance(network, FastNetwork) and network.settings == {"network": "fast", "alpha": 1.0}
