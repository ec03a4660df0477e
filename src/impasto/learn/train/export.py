"""A training run -> a network's files and its bank, checked against torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from impasto import quiet
from impasto.errors import LearnError
from impasto.files import write_atomically
from impasto.learn.network.layers import StyleNetwork
from impasto.learn.network.to_onnx import Floats, network_graph
from impasto.learn.paintings import CROP, SPECIAL
from impasto.learn.train.checkpoint import CHECKPOINT, Checkpoint
from impasto.styles.bank import Bank, Card

PHOTO_CARD = Card("", "The photo itself", "", "MIT", "trained to give the photo back")


def export(
    run_dir: str | Path,
    folder: str | Path,
    *,
    name: str | None = None,
    half: bool = True,
    cards: Mapping[str, Mapping[str, Any]] | None = None,
    overwrite: bool = False,
) -> tuple[Path, Path]:
    """Write the averaged network and rows of a run: ``folder/NAME.onnx`` and NAME.safetensors.

    ``name`` is by default that of the network's kind, "full" or "fast".
    ``cards`` replaces the words that the run has of its styles. The graph is checked against torch in ONNX Runtime
    before anything is written. Returns both paths. Raises LearnError for a folder that holds no run, a graph that
    does not paint what torch paints, and files that exist (unless ``overwrite``).
    """
    checkpoint = Checkpoint.read(Path(run_dir) / CHECKPOINT)
    network, rows = checkpoint.averaged()
    name = name or network.kind
    graph_file, bank_file = Path(folder) / f"{name}.onnx", Path(folder) / f"{name}.safetensors"
    for path in (graph_file, bank_file):
        if path.exists() and not overwrite:
            raise LearnError(f"{path} exists already; choose another folder, or overwrite it (--force)")
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


def difference(model: onnx.ModelProto, network: StyleNetwork, row: Floats) -> float:
    """Largest difference between what ONNX Runtime and torch paint in the style of ``row`` (R,).

    That is over noise of 64 x 64 and of 40 x 56 pixels, to which the network's margin is added.
    """
    session = quiet.onnxruntime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    scale, shift = np.split(row, 2)
    generator = np.random.default_rng(0)
    largest = 0.0
    for height, width in ((network.margin + 64, network.margin + 64), (network.margin + 40, network.margin + 56)):
        feeds = {"picture": generator.random((1, 3, height, width), np.float32), "scale": scale, "shift": shift}
        (painted,) = session.run(None, feeds)
        with torch.no_grad():
            expected = network(torch.from_numpy(feeds["picture"]), torch.from_numpy(row)[None]).numpy()
        largest = max(largest, float(np.abs(painted - expected).max()))
    return largest


def _card(style: Mapping[str, Any], words: Mapping[str, Any] | None) -> Card:
    empty = {"artist": "", "title": style["name"], "year": "", "licence": "", "source": ""}
    extra = {"style_size": style["size"], "style_weight": style["weight"], CROP: style.get("crop")}
    words = style["card"] if words is None else {key: words[key] for key in words if key not in SPECIAL}
    return Card.from_json({**empty, **words, **{key: value for key, value in extra.items() if value}})
