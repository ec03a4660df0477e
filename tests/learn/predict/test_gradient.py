"""Gradients without torch are torch's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from impasto import quiet
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.statistics import gram
from impasto.learn.loss.to_onnx import loss_graph
from impasto.learn.network.fast import FastNetwork
from impasto.learn.network.full import PasticheNetwork
from impasto.learn.network.layers import StyleNetwork
from impasto.learn.network.to_onnx import network_graph
from impasto.styles.unseen import search
from impasto.styles.unseen.eye import Aim

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
NETWORKS = {
    "full": lambda: PasticheNetwork(alpha=0.1),
    "first": lambda: FastNetwork(alpha=0.1, design=1),
    "latest": lambda: FastNetwork(alpha=0.1),
}


@pytest.fixture(scope="module")
def eye(loss_network: LossNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loss network of random weights in its file."""
    path = tmp_path_factory.mktemp("eye") / "eye.onnx"
    path.write_bytes(loss_graph(loss_network, LAYERS).SerializeToString())
    return path


def inside(found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Activations without those that lie in the ring of 8 pixels."""
    rings = {name: 8 >> (int(name[4]) - 1) for name in found}
    return {name: found[name][:, :, ring:-ring, ring:-ring] for name, ring in rings.items()}


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_gradient_of_a_row_is_torchs(
    kind: str, eye: Path, loss_network: LossNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content, style and the gradient of a row are what torch computes, for every kind of network."""
    monkeypatch.setattr(search, "SIDE", 48)
    monkeypatch.setattr(search, "RING", 8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network: StyleNetwork = NETWORKS[kind]().eval().requires_grad_(False)
        for layer in network.layers:
            torch.nn.init.normal_(layer.weight, 0, 0.1)
        row = (network.initial_row() + 0.3 * torch.randn(network.row_size)).requires_grad_()
    network.margin = network.multiple  # which a search paints without
    file = tmp_path / "tiny.onnx"
    file.write_bytes(network_graph(network, name="tiny", half=False).SerializeToString())
    network.margin = 0
    picture = np.random.default_rng(0).random((48, 48, 3), np.float32)
    aim = Aim("relu3_1", dict.fromkeys(LAYERS, 0.25), 8.0, 512)
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    found = search.Search(
        file, eye, aim, [picture], lambda make, *_: quiet.core().compile_model(make(), "CPU", options)
    )
    target = {layer: 1.3 * values for layer, values in found.scenes[0].grams.items()}
    pulls = found.pulls(target)
    content, style, gradient = found.gradient(row.detach().numpy(), found.scenes[0], target, pulls)

    photo = torch.from_numpy(picture).permute(2, 0, 1)[None]
    seen, as_it_is = (inside(loss_network(each, LAYERS)) for each in (network(photo, row[None]), photo))
    away = (seen["relu3_1"] - as_it_is["relu3_1"]).square().mean() / found.energy
    apart = torch.stack(
        [pulls[each] * (gram(seen[each])[0] - torch.from_numpy(target[each])).square().sum() for each in LAYERS]
    ).sum()
    (away + apart).backward()
    assert row.grad is not None
    assert content == pytest.approx(away.item(), rel=1e-3)
    assert style == pytest.approx(apart.item(), rel=1e-3)
    np.testing.assert_allclose(gradient, row.grad.numpy(), atol=2e-3 * float(row.grad.abs().max()))
