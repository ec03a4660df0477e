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

PHOTO_CARD = Card("", "The photo itself", "", "MIT", "trained to give the photo back: the zero of the strength dial")


def export(
    run_dir: str | Path,
    folder: str | Path,
    *,
    name: str | None = None,
    half: bool = True,
    cards: Mapping[str, Mapping[str, Any]] | None = None,
    overwrite: bool = False,
) -> tuple[Path, Path, Path]:
    """Write the averaged network and rows of a run: ``folder/NAME.onnx``, NAME.safetensors and NAME-regions.onnx.

    ``name`` is by default that of the network's kind, "full" or "fast".
    ``cards`` replaces the words that the run has of its styles. Both graphs are checked against torch in ONNX Runtime
    before anything is written. Returns the three paths. Raises LearnError for a folder that holds no run, a graph that
    does not paint what torch paints, and files that exist (unless ``overwrite``).
    """
    checkpoint = Checkpoint.read(Path(run_dir) / CHECKPOINT)
    network, rows = checkpoint.averaged()
    name = name or network.kind
    graph_file, bank_file = Path(folder) / f"{name}.onnx", Path(folder) / f"{name}.safetensors"
    regions_file = Path(folder) / f"{name}-regions.onnx"
    for path in (graph_file, bank_file, regions_file):
        if path.exists() and not overwrite:
            raise LearnError(f"{path} exists already; choose another folder, or overwrite it (--force)")
    model, regions = (network_graph(network, name=name, half=half, regions=regions) for regions in (False, True))
    largest = max(difference(model, network, rows[0].numpy()), difference(regions, network, rows[-2:].numpy()))
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
        write_atomically(regions_file, regions.SerializeToString())
    except OSError as error:
        raise LearnError(f"{graph_file} cannot be written: {error.strerror or error}") from error
    bank.save(bank_file, overwrite=True)
    return graph_file, bank_file, regions_file


def difference(model: onnx.ModelProto, network: StyleNetwork, rows: Floats) -> float:
    """Largest difference between what ONNX Runtime and torch paint, over noise of 64 x 64 and of 40 x 56 pixels.

    The network's margin is added to these sizes. ``rows`` is one row (R,), or (K, R) for a graph with regions, which
    are noise too.
    """
    session = quiet.onnxruntime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    scale, shift = np.split(rows, 2, axis=-1)
    generator = np.random.default_rng(0)
    largest = 0.0
    for height, width in ((network.margin + 64, network.margin + 64), (network.margin + 40, network.margin + 56)):
        feeds = {"picture": generator.random((1, 3, height, width), np.float32), "scale": scale, "shift": shift}
        if rows.ndim == 2:
            noise = generator.random((1, len(rows), height, width), np.float32)
            feeds["masks"] = noise / noise.sum(1, keepdims=True)
        (painted,) = session.run(None, feeds)
        masks = torch.from_numpy(feeds["masks"]) if rows.ndim == 2 else None
        with torch.no_grad():
            expected = network(torch.from_numpy(feeds["picture"]), torch.from_numpy(rows)[None], masks).numpy()
        largest = max(largest, float(np.abs(painted - expected).max()))
    return largest


def _card(style: Mapping[str, Any], words: Mapping[str, Any] | None) -> Card:
    empty = {"artist": "", "title": style["name"], "year": "", "licence": "", "source": ""}
    extra = {"style_size": style["size"], "style_weight": style["weight"], CROP: style.get("crop")}
    words = style["card"] if words is None else {key: words[key] for key in words if key not in SPECIAL}
    return Card.from_json({**empty, **words, **{key: value for key, value in extra.items() if value}})
