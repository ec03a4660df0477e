"""The exported graph paints what torch paints, and the exported bank holds what was trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from impasto.errors import BankError, LearnError
from impasto.learn.loss.features import LossNetwork
from impasto.learn.network.full import PasticheNetwork
from impasto.learn.network.to_onnx import network_graph
from impasto.learn.paintings import find_paintings
from impasto.learn.photos import PhotoFolder
from impasto.learn.train import export as module, run as train
from impasto.learn.train.checkpoint import CHECKPOINT, Checkpoint
from impasto.learn.train.export import difference, export
from impasto.learn.train.run import Run
from impasto.learn.train.settings import Schedule, TrainSettings
from impasto.painting.network import Network
from impasto.styles.bank import PHOTO, Bank

SIZES = [(16, 16), (16, 48), (36, 20), (64, 64)]


@pytest.fixture(scope="module")
def network() -> PasticheNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return PasticheNetwork(alpha=0.25).eval()


@pytest.fixture(scope="module")
def row(network: PasticheNetwork) -> np.ndarray:
    half = network.row_size // 2
    noise = np.random.default_rng(0).normal(0, 0.3, 2 * half)
    return np.float32(np.r_[np.ones(half), np.zeros(half)] + noise)


@pytest.fixture(scope="module", params=[False, True], ids=["float32", "float16"])
def graph(request: pytest.FixtureRequest, network: PasticheNetwork, tmp_path_factory: Any) -> tuple[Path, float]:
    """An exported network, and how far its paintings may be from torch's."""
    path = tmp_path_factory.mktemp("graph") / "net.onnx"
    path.write_bytes(network_graph(network, name="net", half=request.param).SerializeToString())
    return path, 0.02 if request.param else 1e-4


# The graph


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_same_as_torch(
    graph: tuple[Path, float], network: PasticheNetwork, row: np.ndarray, size: tuple[int, int], runtime: Any
) -> None:
    """In both runtimes the graph paints what torch paints; with weights in half precision very nearly."""
    path, tolerance = graph
    picture = np.random.default_rng(1).random((*size, 3), np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(picture).permute(2, 0, 1)[None], torch.from_numpy(row)[None])
    painted = Network(path, runtime=runtime).paint(picture, row)
    np.testing.assert_allclose(painted, expected[0].permute(1, 2, 0).numpy(), rtol=0, atol=tolerance)
    assert painted.std() > 0.05  # both paint something


def test_half_the_size(network: PasticheNetwork) -> None:
    """Weights in half precision make a file of about half the size."""
    whole, half = (len(network_graph(network, half=half).SerializeToString()) for half in (False, True))
    assert 0.45 < half / whole < 0.6


def test_metadata(network: PasticheNetwork) -> None:
    """The file tells the network's name, fingerprint, row length, multiple and alpha."""
    model = network_graph(network, name="net")
    assert {entry.key: entry.value for entry in model.metadata_props} == {
        "impasto.network": "net",
        "impasto.fingerprint": network.fingerprint(),
        "impasto.row_size": "806",
        "impasto.multiple": "4",
        "impasto.alpha": "0.25",
        "impasto.kind": "full",
        "impasto.apart": "1",
    }


def test_fingerprint_of_the_file(network: PasticheNetwork) -> None:
    """The weights in a half-precision file are the network of the file's fingerprint."""
    model = network_graph(network)
    stored = [onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer]
    weights = [torch.from_numpy(value.astype(np.float32)) for value in stored if value.ndim == 4]
    again = PasticheNetwork(alpha=0.25)
    again.load_state_dict(dict(zip(again.state_dict(), weights, strict=True)))
    assert again.fingerprint() == network.fingerprint()


def test_inputs(network: PasticheNetwork) -> None:
    """The graph takes a picture of any size, scales and shifts, and no weight is an input."""
    model = network_graph(network)
    assert [value.name for value in model.graph.input] == ["picture", "scale", "shift"]
    assert [value.name for value in model.graph.output] == ["painted"]
    sizes = [[d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.input]
    assert sizes == [[1, 3, "height", "width"], [403], [403]]


@pytest.mark.parametrize("variant", [{"padding": "zeros"}, {"upsampling": "transposed"}, {"norm": "batch"}], ids=str)
def test_variants(variant: dict[str, Any]) -> None:
    """The variants for comparisons are refused with a LearnError."""
    with pytest.raises(LearnError, match="only .* can be exported, not"):
        network_graph(PasticheNetwork(alpha=0.1, **variant))


def test_difference(network: PasticheNetwork, row: np.ndarray) -> None:
    """The built-in check finds nothing at the right graph and a lot at another network's."""
    other = PasticheNetwork(alpha=0.25)
    assert difference(network_graph(network, half=False), network, row) < 1e-4
    assert difference(network_graph(other, half=False), network, row) > 0.1


# A run

LEARNED = {"style_size": 32, "style_weight": 2.0, "style_crop": [0, 0, 1, 0.5]}


@pytest.fixture
def run(
    photos: Path, paintings: Path, loss_network: LossNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """A run of three steps that has not begun."""
    monkeypatch.setattr(train, "UNIT_PHOTOS", 1)
    layers: dict[str, Any] = {"content_layer": "relu1_1", "style_layers": ("relu1_1",)}
    settings = TrainSettings(steps=3, batch=2, size=16, alpha=0.1, style_size=32, **layers)
    styles = find_paintings(
        paintings, {"noise": {"artist": "N. Oise", "size": 32, "weight": 2, "mood": "loud", "crop": [0, 0, 1, 0.5]}}
    )
    return Run(tmp_path / "run", PhotoFolder.open(photos), styles, settings, loss_network=loss_network, compile=False)


def test_export(run: Run, tmp_path: Path) -> None:
    """A run gives a network and a bank that belong together; the rows are bitwise the checkpoint's averages."""
    list(run.train())
    graph_file, bank_file = export(run.dir, tmp_path / "new" / "folder", name="mine")
    names = ("mine.onnx", "mine.safetensors")
    assert (graph_file, bank_file) == tuple(tmp_path / "new" / "folder" / name for name in names)
    assert sorted(path.name for path in graph_file.parent.iterdir()) == sorted(names)
    bank, network = Bank.load(bank_file), Network(graph_file)
    checkpoint = Checkpoint.read(run.dir / CHECKPOINT)
    assert bank.rows.tobytes() == checkpoint.tensors["average.rows"].numpy().tobytes()
    assert bank.names == ("checks", "noise", "stripes", PHOTO)
    assert (bank.network, bank.fingerprint) == (network.name, network.fingerprint)
    assert (network.name, network.row_size) == ("mine", bank.rows.shape[1])
    assert network.fingerprint == checkpoint.averaged()[0].fingerprint()
    assert bank.meta["steps"] == 3 and bank.meta["settings"]["alpha"] == 0.1


def test_cards(run: Run, tmp_path: Path) -> None:
    """Each style's card holds the words of its entry, and how it was learned; the photo's row has a card, too."""
    list(run.train())
    bank = Bank.load(export(run.dir, tmp_path)[1])
    noise = bank.card("noise")
    assert (noise.artist, noise.title) == ("N. Oise", "noise")
    assert noise.extra == {"mood": "loud", **LEARNED}
    assert bank.card("checks").title == "checks"
    assert "photo" in bank.card(PHOTO).title


def test_new_cards(run: Run, tmp_path: Path) -> None:
    """Cards given to ``export`` replace the run's words, but not how a style was learned."""
    list(run.train())
    cards = {"noise": {"artist": "Another", "size": 999, "weight": 9, "crop": [0, 0, 1, 1]}}
    noise = Bank.load(export(run.dir, tmp_path, cards=cards)[1]).card("noise")
    assert noise.artist == "Another"
    assert noise.extra == LEARNED


def test_overwrite(run: Run, tmp_path: Path) -> None:
    """A second export is a LearnError that leaves the first as it was, unless it may overwrite it."""
    steps = run.train(Schedule(checkpoint_every=1))
    next(steps)
    files = export(run.dir, tmp_path)
    before = [path.read_bytes() for path in files]
    list(steps)
    for missing in (None, *files):  # one of the two is enough to be in the way
        with pytest.raises(LearnError, match="exists already; choose another folder"):
            if missing is not None:
                missing.unlink()
            export(run.dir, tmp_path)
        for path, data in zip(files, before, strict=True):
            path.write_bytes(data)
    assert export(run.dir, tmp_path, overwrite=True) == files
    assert Bank.load(files[1]).meta["steps"] == 3


def test_no_run(tmp_path: Path) -> None:
    """A folder that holds no run is a LearnError that asks whether it is one."""
    with pytest.raises(LearnError, match="is this a folder that impasto train wrote"):
        export(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_graph_that_differs(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph that does not paint what torch paints is a LearnError, and nothing is written."""
    list(run.train())
    monkeypatch.setattr(module, "difference", lambda *_: 0.5)
    with pytest.raises(LearnError, match="differs from the network by 0.500"):
        export(run.dir, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_unwritable(run: Run, tmp_path: Path) -> None:
    """A folder that cannot be made is a LearnError that names the file."""
    list(run.train())
    (tmp_path / "out").write_text("a file in the way")
    with pytest.raises(LearnError, match="full.onnx cannot be written"):
        export(run.dir, tmp_path / "out")


def test_bad_name(run: Run, tmp_path: Path) -> None:
    """A name that no bank takes is an error, and nothing is written."""
    list(run.train())
    with pytest.raises(BankError, match="cannot be a name"):
        export(run.dir, tmp_path / "out", name="My Network")
    assert not (tmp_path / "out").exists()


def test_no_card(run: Run, tmp_path: Path) -> None:
    """A run whose style has no card at all is exported with empty cards."""
    run.paintings = [replace(painting, card={}) for painting in run.paintings]
    list(run.train())
    assert Bank.load(export(run.dir, tmp_path)[1]).card("noise").artist == ""
