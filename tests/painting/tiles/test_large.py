"""A picture painted in tiles is the picture painted whole: any size, any network, within the budget."""

from __future__ import annotations

import errno
import threading
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto.errors import NetworkError, PictureError
from impasto.painting.network import Network
from impasto.painting.sessions import Floats
from impasto.painting.tiles import compiled, cutting, large
from impasto.painting.tiles.large import Large
from impasto.painting.tiles.stages import Graph
from impasto.painting.tiles.windows import Filed, Mirrored, Store

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")

CLOSE = 1e-4  # the moments are added up in another order
LITTLE = 300_000  # bytes: tiles as small as they get


@pytest.fixture(scope="module", params=["full", "fast"])
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Network:
    """A slim network of each kind with random weights."""
    from impasto.learn.network.fast import FastNetwork
    from impasto.learn.network.full import PasticheNetwork
    from impasto.learn.network.to_onnx import network_graph

    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = {"full": PasticheNetwork, "fast": FastNetwork}[request.param](alpha=0.15).eval()
    path = tmp_path_factory.mktemp("network") / "tiny.onnx"
    path.write_bytes(network_graph(made, name="tiny", half=False).SerializeToString())
    return Network(path, runtime="openvino", threads=2)


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> Any:
    """A picture with large and small shapes, uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 128, (height // 20 + 1, width // 20 + 1, channels)).repeat(20, 0).repeat(20, 1)
    return (coarse[:height, :width] + rng.integers(0, 128, (height, width, channels))).astype(np.uint8)


def row(network: Network) -> Floats:
    values = np.random.default_rng(3).normal(0, 0.4, network.row_size).astype(np.float32)
    values[: network.row_size // 2] += 1
    return values


def on_its_way(network: Network, pixels: Any, row: Floats, budget: int = LITTLE, **more: Any) -> Large:
    graph = network.graph()
    scale, shift = np.split(row, 2)
    style = {"scale": scale, "shift": shift}
    return Large(graph, Mirrored(pixels, graph.multiple), style, budget=budget, threads=2, **more)


def painted(on_way: Large, size: tuple[int, int]) -> Floats:
    """What it paints, every pixel once."""
    result = np.full((*on_way.source.size, 3), np.nan, np.float32)
    shares = [0.0]
    for step in on_way.paint():
        shares.append(step.share)
        if step.painted is not None:
            height, width = step.painted.shape[:2]
            place = result[step.top : step.top + height, step.left : step.left + width]
            assert np.isnan(place).all()
            place[:] = step.painted
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)
    return result[: size[0], : size[1]]


@pytest.mark.parametrize("size", [(200, 330), (331, 97), (64, 400), (16, 16), (120, 17)], ids=str)
def test_tiles_are_the_whole(network: Network, size: tuple[int, int]) -> None:
    """A painting in tiles is the painting whole, whatever its size."""
    pixels, rows = noise(*size), row(network)
    whole = network.paint(pixels.astype(np.float32) / 255, rows)
    on_way = on_its_way(network, pixels, rows)
    assert on_way.layout().tiles > 1 or max(size) < 100
    np.testing.assert_allclose(painted(on_way, size), whole, rtol=0, atol=CLOSE)
    assert whole.std() > 0.05


@pytest.mark.parametrize("spare", [0, 400_000, 10**9])
def test_in_memory_or_in_files(network: Network, spare: int) -> None:
    """What waits for the next pass waits in memory as far as there is room, and the painting is the same."""
    pixels, rows = noise(150, 210), row(network)
    plain = painted(on_its_way(network, pixels, rows), (150, 210))
    on_way = on_its_way(network, pixels, rows, spare=spare)
    layout, most = on_way.layout(), on_its_way(network, pixels, rows).layout().disk
    assert layout.held <= spare and layout.held + layout.disk >= most
    assert (layout.held == 0, layout.disk == 0) == (spare == 0, spare == 10**9)
    np.testing.assert_allclose(painted(on_way, (150, 210)), plain, rtol=0, atol=CLOSE)


def test_compiled_once(network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second picture of the size has nothing to compile: the stages are kept, for this size and network alone."""
    monkeypatch.delenv("IMPASTO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made: list[Any] = []
    plain = compiled._Model.__init__
    monkeypatch.setattr(compiled._Model, "__init__", lambda self, *a: made.append(a) or plain(self, *a))
    pixels, rows = noise(150, 210), row(network)
    first = painted(on_its_way(network, pixels, rows), (150, 210))
    count = len(made)
    assert count == len(network.graph().stages(cutting.KEPT_LIMIT))
    again = Network(network._path, runtime="openvino", threads=2)
    np.testing.assert_array_equal(painted(on_its_way(again, pixels, rows), (150, 210)), first)
    assert len(made) == count
    painted(on_its_way(again, pixels[:120], rows), (120, 210))
    assert len(made) > count


@pytest.mark.parametrize("limit", [0.0, 20.0, 1e9])
def test_whatever_is_kept(network: Network, monkeypatch: pytest.MonkeyPatch, limit: float) -> None:
    """Nothing, some or every inner tensor in files: the painting is the same."""
    monkeypatch.setattr(cutting, "KEPT_LIMIT", limit)
    pixels, rows = noise(150, 210), row(network)
    whole = network.paint(pixels.astype(np.float32) / 255, rows)
    on_way = on_its_way(network, pixels, rows)
    assert (on_way.layout().disk == 0) == (limit == 0)
    np.testing.assert_allclose(painted(on_way, (150, 210)), whole, rtol=0, atol=CLOSE)


def test_more_memory_makes_fewer_tiles(network: Network) -> None:
    """The plan keeps to the budget as long as tiles are not as small as they get, and uses it."""
    size = (4000, 6000)
    blank = np.broadcast_to(np.uint8(0), (*size, 3))
    plans = [on_its_way(network, blank, row(network), budget=n * 2**20).layout() for n in (45, 60, 100)]
    assert plans[0].tiles > plans[1].tiles > plans[2].tiles
    assert all(plan.memory <= n * 2**20 for plan, n in zip(plans, (45, 60, 100), strict=True))
    exact = on_its_way(network, blank, row(network), budget=100 * 2**20).layout()
    assert exact.memory <= 100 * 2**20 and exact.passes > 1 and exact.disk > size[0] * size[1]


# What goes wrong


def test_no_room_for_files(network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little free disk is told before the work, with what is needed and what helps."""
    usage = namedtuple("usage", "total used free")(2, 1, 1)
    monkeypatch.setattr(large.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(PictureError, match="needs .* GB for temporary files in .* TMPDIR"):
        painted(on_its_way(network, noise(150, 200), row(network), folder=tmp_path), (150, 200))


def test_the_disk_fills_up(network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full after all is a PictureError, and no file stays."""

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Filed, "write", full)
    with pytest.raises(PictureError, match="No space left on device; name another folder"):
        painted(on_its_way(network, noise(150, 200), row(network), folder=tmp_path), (150, 200))
    assert not list(tmp_path.iterdir())


def test_no_folder_is_needed_without_files(network: Network, tmp_path: Path) -> None:
    """Where all waits in memory nobody asks for the temporary folder."""
    on_way = on_its_way(network, noise(90, 120), row(network), folder=tmp_path / "nowhere", spare=10**9)
    assert np.isfinite(painted(on_way, (90, 120))).all()


def test_no_folder_for_files(network: Network, tmp_path: Path) -> None:
    """A temporary folder that is not there is a PictureError that names it."""
    with pytest.raises(PictureError, match="nowhere"):
        painted(on_its_way(network, noise(150, 200), row(network), folder=tmp_path / "nowhere"), (150, 200))


def test_stopping_half_way_leaves_nothing(network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stops listening has no files and no threads left behind."""
    opened = []
    plain = Store.new
    monkeypatch.setattr(Store, "new", lambda self, *a, **k: opened.append(plain(self, *a, **k)) or opened[-1])
    before = set(threading.enumerate())
    steps = on_its_way(network, noise(150, 200), row(network), folder=tmp_path).paint()
    while not opened:
        next(steps)
    steps.close()
    assert opened[0].place.closed and not list(tmp_path.iterdir())
    assert set(threading.enumerate()) <= before  # others may have ended meanwhile


# Graphs


def test_a_graph_that_mixes_far_places_is_refused(network: Network, tmp_path: Path) -> None:
    """A network that looks at the whole picture by other means than instance norms cannot be cut."""
    model = onnx.load(network._path)
    convolution = next(node for node in model.graph.node if node.op_type == "Conv")
    pooled = onnx.helper.make_node("GlobalAveragePool", [convolution.output[0]], ["pooled"])
    summed = onnx.helper.make_node("Add", [convolution.output[0], "pooled"], ["summed"])
    place = list(model.graph.node).index(convolution) + 1
    for node in model.graph.node[place:]:
        for i, name in enumerate(node.input):
            node.input[i] = "summed" if name == convolution.output[0] else name
    model.graph.node.insert(place, pooled)
    model.graph.node.insert(place + 1, summed)
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(NetworkError, match="cannot paint in tiles .*ReduceMean"):
        Graph(tmp_path / "odd.onnx", {}, 8)


def test_stages_follow_the_norms(network: Network) -> None:
    """There is a stage for every norm and one that paints; each reads only what stages before it have kept."""
    graph = network.graph()
    stages = graph.stages(20.0)
    assert len(stages) == len(graph.norms) + 1 == graph.depth + 1
    kept: set[Any] = set()
    for stage in stages:
        assert set(stage.reads) <= kept
        kept |= set(stage.keeps)
        assert stage.halo % graph.multiple == 0 and stage.bytes > 0
    assert graph.straight.halo >= max(stage.halo for stage in stages)
    assert stages[-1].keeps == (graph.painted,)
