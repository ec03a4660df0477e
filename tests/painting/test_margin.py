"""A margin that nobody sees: put around the picture inside the network, painted with it, and cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto import pictures
from impasto.errors import NetworkError
from impasto.painting.network import Network
from impasto.painting.painter import Painter
from impasto.painting.sessions import Floats
from impasto.painting.tiles.stages import Graph
from impasto.pictures.margin import places
from impasto.styles.bank import Bank, Card

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")

MARGIN = 24
SIZES = [(200, 330), (331, 97), (16, 700), (40, 26), (24, 25), (5, 7), (1, 90)]  # 24 has too little to mirror
RUNTIMES = ["openvino", "onnxruntime"]
CLOSE = 2e-4  # the moments are added up in another order
LITTLE = 1e6  # bytes for a process: tiles as small as they get


@pytest.fixture(scope="module", params=["full", "fast"])
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """By its margin the file of one slim network of random weights, with its bank beside it."""
    from impasto.learn.network.fast import FastNetwork
    from impasto.learn.network.full import PasticheNetwork
    from impasto.learn.network.to_onnx import network_graph

    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = {"full": PasticheNetwork, "fast": FastNetwork}[request.param](alpha=0.15).eval()
    rows = np.random.default_rng(3).normal(0, 0.4, (3, made.row_size)).astype(np.float32)
    rows[:, : made.row_size // 2] += 1
    cards = (Card("", "", "", "", ""),) * 3
    bank = Bank(names=("red", "green", "photo"), rows=rows, cards=cards, network="tiny", fingerprint=made.fingerprint())
    found = {}
    for margin in (0, MARGIN):
        made.margin = margin
        found[margin] = tmp_path_factory.mktemp("network") / "tiny.onnx"
        found[margin].write_bytes(network_graph(made, name="tiny", half=False).SerializeToString())
        bank.save(found[margin].with_suffix(".safetensors"))
    return found


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> Any:
    """A picture with large and small shapes, uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 128, (height // 20 + 1, width // 20 + 1, channels)).repeat(20, 0).repeat(20, 1)
    return (coarse[:height, :width] + rng.integers(0, 128, (height, width, channels))).astype(np.uint8)


def wide(picture: Any, multiple: int) -> Any:
    """A picture (h, w, C) as the network is to meet it: mirrored up, and then with the margin."""
    up = [-(-max(side, MARGIN + 1) // multiple) * multiple - side for side in picture.shape[:2]]
    picture = np.pad(picture, ((0, up[0]), (0, up[1]), (0, 0)), "reflect")
    return picture[np.ix_(*(places(side, MARGIN) for side in picture.shape[:2]))]


def middle(painted: Any, size: tuple[int, int]) -> Any:
    return painted[MARGIN : MARGIN + size[0], MARGIN : MARGIN + size[1]]


def weights(size: tuple[int, int]) -> Floats:
    """Masks (2, h, w) of sum 1."""
    found = noise(*size, 2, seed=5).astype(np.float32).transpose(2, 0, 1) + 1
    return found / found.sum(0)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_middle_of_the_wide_picture(files: dict[int, Path], size: tuple[int, int], runtime: Any) -> None:
    """What a network with a margin paints is the middle of what the same network without one makes of the wide photo.

    So it is in both runtimes, for floats and bytes, and for pictures smaller than the margin.
    """
    plain, hidden = (Network(files[margin], runtime=runtime, threads=1) for margin in (0, MARGIN))
    picture, row = noise(*size), Bank.load(files[0].with_suffix(".safetensors"))["red"]
    expected = middle(plain.paint(wide(picture.astype(np.float32) / 255, plain.multiple), row), size)
    painted = hidden.paint(picture.astype(np.float32) / 255, row)
    assert hidden.margin == MARGIN and plain.margin == 0 and painted.shape == (*size, 3)
    np.testing.assert_allclose(painted, expected, rtol=0, atol=CLOSE)
    assert np.abs(hidden.paint(picture, row) - 255.0 * painted).max() < 1


@pytest.mark.parametrize("masked", [False, True], ids=["plain", "regions"])
@pytest.mark.parametrize("size", [(211, 330), (16, 700), (5, 7)], ids=str)
def test_tiles_are_the_whole(
    files: dict[int, Path], size: tuple[int, int], masked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A painting in tiles is the painting whole, at any size, with masks and strength too."""
    masks = {"green": weights(size)[0]} if masked else None
    whole, tiled = (
        Painter(files[MARGIN], runtime="openvino", threads=1, precision="f32", max_memory=most)
        for most in (None, LITTLE)
    )
    monkeypatch.setattr("impasto.painting.planner.LEAST_BYTES", 300_000)
    picture, options = pictures.unit(noise(*size)), {"strength": 0.9, "masks": masks}
    assert not tiled.plan(*size[::-1]).whole and (tiled.plan(*size[::-1]).tiles > 1 or max(size) < 100)
    expected = whole.paint_array(picture, "red", **options)  # type: ignore[arg-type]
    painted = tiled.paint_array(picture, "red", **options)  # type: ignore[arg-type]
    np.testing.assert_allclose(painted, expected, rtol=0, atol=CLOSE)
    assert painted.std() > 0.02


def test_streams(files: dict[int, Path]) -> None:
    """Painting side by side, in sizes that come again and others, gives the same pictures."""
    alone, beside = (Painter(files[MARGIN], runtime="openvino", threads=1, precision="f32", streams=n) for n in (1, 2))
    for size in [(60, 80), (60, 80), (90, 41), (60, 80), (20, 20)]:
        apart = alone.paint_array(noise(*size), "red") - beside.paint_array(noise(*size), "red").astype(float)
        assert np.abs(apart).max() <= 1


@pytest.mark.usefixtures("planned_alone")
def test_plans_know_the_margin(files: dict[int, Path]) -> None:
    """Memory, work and files that are planned count the margin, whole and in tiles."""
    plain, hidden = (Painter(files[margin], runtime="openvino") for margin in (0, MARGIN))
    more = (600 + 2 * MARGIN) * (400 + 2 * MARGIN) / (600 * 400)
    assert hidden.network.bytes_for(400, 600) == pytest.approx(more * plain.network.bytes_for(400, 600))
    assert plain.plan(600, 400).memory < hidden.plan(600, 400).memory and hidden.seconds(hidden.plan(600, 400)) > 0
    for painter in (plain, hidden):
        painter.max_memory = LITTLE
    without, within = plain.plan(600, 400), hidden.plan(600, 400)
    assert within.work > without.work and within.disk == pytest.approx(more * without.disk, rel=0.01)


def test_files_of_before_have_no_margin(files: dict[int, Path]) -> None:
    """A file whose metadata name no margin has none, and its graph neither pads the picture nor cuts."""
    model = onnx.load(files[0])
    assert "impasto.margin" not in {entry.key for entry in model.metadata_props}
    assert model.graph.node[-1].op_type not in ("Slice", "Pad")  # slices cut styles into layers, too


def test_the_margin_is_first_and_last(files: dict[int, Path]) -> None:
    """Whoever runs the file has the margin without knowing: Pad first, Slice last, no Gather; tiles know it by name."""
    model = onnx.load(files[MARGIN])
    readers = [node.op_type for node in model.graph.node if "picture" in node.input]
    assert readers == ["Pad"] and model.graph.node[-1].op_type == "Slice"
    assert [node.name for node in model.graph.node if "surrounded" in node.output] == ["surrounded"]
    assert model.graph.node[-1].output == ["painted"] and "Gather" not in {n.op_type for n in model.graph.node}
    assert {entry.key: entry.value for entry in model.metadata_props}["impasto.margin"] == str(MARGIN)


def test_a_margin_that_is_not_there(files: dict[int, Path]) -> None:
    """A file whose metadata name a margin that its graph does not paint is refused where tiles would go wrong."""
    with pytest.raises(NetworkError, match="lacks the margin of 8 pixels"):
        Graph(files[0], {}, 8, margin=8)
