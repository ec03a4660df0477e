"""A trained network as an ONNX graph whose inputs are a picture and a style, and its rows as a bank.

The graph is written node by node, so that it holds what the runtimes like best and nothing of the tool that made it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from impasto.bank import Bank, Card
from impasto.errors import LearnError
from impasto.files import write_atomically
from impasto.learn.network import EPSILON, MULTIPLE, ConvNorm, PasticheNetwork
from impasto.learn.train import CHECKPOINT, Checkpoint

Floats = npt.NDArray[np.float32]

PHOTO_CARD = Card("", "The photo itself", "", "MIT", "trained to give the photo back: the zero of the strength dial")
OPSET = 18
IR_VERSION = 9  # what ONNX Runtime 1.19 reads


class _Graph:
    """A growing list of nodes and constants; ``add`` returns the name of the new node's output."""

    def __init__(self, *, half: bool) -> None:
        self.half = half
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: np.ndarray) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def weight(self, value: np.ndarray) -> str:
        """A convolution's weights; stored as float16 if asked, and cast back once, when the graph is opened."""
        if not self.half:
            return self.constant(value.astype(np.float32))
        return self.add("Cast", self.constant(value.astype(np.float16)), to=TensorProto.FLOAT)

    def pad(self, x: str, margin: int) -> str:
        pads = self.constant(np.array([0, 0, margin, margin, 0, 0, margin, margin], np.int64))
        return self.add("Pad", x, pads, mode="reflect")


def network_graph(network: PasticheNetwork, *, name: str = "full", half: bool = True) -> onnx.ModelProto:
    """``network`` as an ONNX model.

    Inputs: ``picture`` (1, 3, H, W) in 0..1 with H and W multiples of 4, ``scale`` and ``shift`` (row_size / 2,) each:
    the two halves of a row. Output: ``painted`` (1, 3, H, W) in 0..1. With ``half`` the weights are stored as float16
    (the arithmetic stays float32). The model's metadata tell its name, fingerprint and row size.
    """
    if network.settings["padding"] != "reflect" or network.settings["upsampling"] != "nearest":
        raise LearnError("only the paper's network can be exported, not the variants that serve comparisons")
    if network.settings["norm"] != "instance":
        raise LearnError("only instance normalisation can be exported, not conditional batch normalisation")
    graph = _Graph(half=half)
    sizes = graph.constant(np.array(network.widths, np.int64))
    count = len(network.widths)
    halves = {}
    for half_name in ("scale", "shift"):
        outputs = [f"{half_name}_{i}" for i in range(count)]
        graph.nodes.append(helper.make_node("Split", [half_name, sizes], outputs, name=f"split_{half_name}", axis=0))
        halves[half_name] = outputs
    styles = iter(zip(halves["scale"], halves["shift"], strict=True))
    x = "picture"
    for layer in network.contract:
        x = _layer(graph, layer, x, *next(styles))  # type: ignore[arg-type]
    for first, second in zip(network.residual[::2], network.residual[1::2], strict=True):
        inner = _layer(graph, first, x, *next(styles))  # type: ignore[arg-type]
        x = graph.add("Add", x, _layer(graph, second, inner, *next(styles)))  # type: ignore[arg-type]
    for layer in network.expand:
        x = _layer(graph, layer, x, *next(styles))  # type: ignore[arg-type]
    graph.nodes[-1].output[0] = "painted"
    return _model(graph, network, name)


def _layer(graph: _Graph, layer: ConvNorm, x: str, scale: str, shift: str) -> str:
    if layer.upsample is not None:
        factors = graph.constant(np.array([1, 1, 2, 2], np.float32))
        x = graph.add(
            "Resize", x, "", factors, mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric"
        )
    x = graph.pad(x, layer.kernel // 2)
    x = graph.add("Conv", x, graph.weight(layer.weight.detach().numpy()), strides=[layer.stride] * 2)
    x = graph.add("InstanceNormalization", x, scale, shift, epsilon=EPSILON)
    if layer.activation == "none":
        return x
    return graph.add("Relu" if layer.activation == "relu" else "Sigmoid", x)


def _model(graph: _Graph, network: PasticheNetwork, name: str) -> onnx.ModelProto:
    half = network.row_size // 2
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, "height", "width"])
    painted = helper.make_tensor_value_info("painted", TensorProto.FLOAT, [1, 3, "height", "width"])
    style = [helper.make_tensor_value_info(key, TensorProto.FLOAT, [half]) for key in ("scale", "shift")]
    proto = helper.make_graph(graph.nodes, "pastiche", [picture, *style], [painted], graph.constants)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="impasto")
    model.ir_version = IR_VERSION
    meta = {"network": name, "fingerprint": network.fingerprint(), "row_size": network.row_size, "multiple": MULTIPLE}
    helper.set_model_props(model, {f"impasto.{key}": str(value) for key, value in meta.items()})
    onnx.checker.check_model(model)
    return model


def export(
    run_dir: str | Path,
    folder: str | Path,
    *,
    name: str = "full",
    half: bool = True,
    cards: Mapping[str, Mapping[str, Any]] | None = None,
    overwrite: bool = False,
) -> tuple[Path, Path]:
    """Write the averaged network and rows of a run: ``folder/NAME.onnx`` and ``folder/NAME.safetensors``.

    ``cards`` replaces the words that the run has of its styles. The graph is checked against torch in ONNX Runtime
    before anything is written. Returns both paths. Raises LearnError for a folder that holds no run, a graph that does
    not paint what torch paints, and files that exist (unless ``overwrite``).
    """
    graph_file, bank_file = Path(folder) / f"{name}.onnx", Path(folder) / f"{name}.safetensors"
    for path in (graph_file, bank_file):
        if path.exists() and not overwrite:
            raise LearnError(f"{path} exists already; choose another folder, or overwrite it (--force)")
    checkpoint = Checkpoint.read(Path(run_dir) / CHECKPOINT)
    network, rows = checkpoint.averaged()
    model = network_graph(network, name=name, half=half)
    largest = difference(model, network, rows[0].numpy())
    if largest > 0.02:
        raise LearnError(f"the exported graph differs from the network by {largest:.3f}; please report this")
    bank = Bank(
        names=tuple(checkpoint.names),
        rows=rows.numpy(),
        cards=(*(_card(style, (cards or {}).get(style["name"])) for style in checkpoint.styles), PHOTO_CARD),
        network=name,
        fingerprint=network.fingerprint(),
        meta={"steps": checkpoint.step, "seconds": round(checkpoint.seconds), "settings": checkpoint.settings},
    )
    try:
        graph_file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(graph_file, model.SerializeToString())
    except OSError as error:
        raise LearnError(f"{graph_file} cannot be written: {error.strerror or error}") from error
    bank.save(bank_file, overwrite=True)
    return graph_file, bank_file


def difference(model: onnx.ModelProto, network: PasticheNetwork, row: Floats) -> float:
    """Largest difference between what ONNX Runtime and torch paint, over noise of 64 x 64 and of 36 x 52 pixels."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    scale, shift = np.split(row, 2)
    largest = 0.0
    for height, width in ((64, 64), (36, 52)):
        picture = np.random.default_rng(0).random((1, 3, height, width), np.float32)
        (painted,) = session.run(None, {"picture": picture, "scale": scale, "shift": shift})
        with torch.no_grad():
            expected = network(torch.from_numpy(picture), torch.from_numpy(row)[None]).numpy()
        largest = max(largest, float(np.abs(painted - expected).max()))
    return largest


def _card(style: Mapping[str, Any], words: Mapping[str, Any] | None) -> Card:
    empty = {"artist": "", "title": style["name"], "year": "", "licence": "", "source": ""}
    extra = {"style_size": style["size"], "style_weight": style["weight"]}
    words = style["card"] if words is None else {key: words[key] for key in words if key not in ("size", "weight")}
    return Card.from_json({**empty, **words, **{key: value for key, value in extra.items() if value}})
