"""What training/ does to the checkpoints of runs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from impasto.learn.train.checkpoint import CHECKPOINT, Checkpoint
from impasto.styles import strokes
from impasto.styles.bank import Bank, Card

TOOLS = Path(__file__).parents[3] / "training"


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SETTINGS = {"design": 2, "apart": True, "seed": 0}


def a_run(folder: Path, value: float) -> Path:
    """A checkpoint of the styles a and b, and the photo's row, whose tensors hold ``value``."""
    names = ("model.rows", "average.rows", "adam.rows.exp_avg", "adam.rows.exp_avg_sq")
    tensors = {name: torch.full((3, 4), value) for name in names} | {"behind": torch.full((3,), value)}
    folder.mkdir()
    Checkpoint(tensors, 7, 1.5, SETTINGS, [{"name": "a"}, {"name": "b"}]).write(folder / CHECKPOINT)
    return folder


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_mix(share: float, tmp_path: Path) -> None:
    """Weights lie between those of the two runs; all else, the optimiser's state too, is the second's."""
    tool("mix").mix(a_run(tmp_path / "one", 1.0), a_run(tmp_path / "other", 2.0), tmp_path / "new", share)
    found = Checkpoint.read(tmp_path / "new" / CHECKPOINT)
    for key, value in found.tensors.items():
        expected = 1 + share if key in ("model.rows", "average.rows") else 2
        assert torch.all(value == expected), key
    assert (found.step, found.seconds, found.settings) == (7, 1.5, SETTINGS)


def test_row(tmp_path: Path) -> None:
    """The row takes the place of the old one, and its momentum is 0; other rows keep their bits."""
    run = a_run(tmp_path / "run", 1.0)
    card = Card("", "b", "", "", "")
    bank = Bank(names=("b",), rows=np.full((1, 4), 5, np.float32), cards=(card,), network="full", fingerprint="f")
    tool("row").put(run, bank, "b")
    tensors = Checkpoint.read(run / CHECKPOINT).tensors
    for key, value in (("model.rows", 5), ("average.rows", 5), ("adam.rows.exp_avg", 0), ("adam.rows.exp_avg_sq", 1)):
        assert tensors[key].tolist() == [[1] * 4, [value] * 4, [1] * 4], key


def test_rows(tmp_path: Path) -> None:
    """A row taught on takes the old place, one of another stroke size is beside its style, a new style is last."""
    bank = Bank(
        names=("a", "b"), rows=np.zeros((2, 4), np.float32), cards=(Card("", "a", "", "", ""),) * 2, network="full",
        fingerprint="f", meta={"settings": {"style_size": 800}},
    )  # fmt: skip
    for value, name in enumerate(("a", "a.400", "c", "c.400"), 1):
        np.save(tmp_path / f"{name}.npy", np.full(4, value, np.float32))
    found = tool("rows").taught(bank, tmp_path)
    assert {name: float(found[name][0]) for name in found} == {"a": 1, "b": 0, "a.400": 2, "c": 3, "c.400": 4}
    assert found.styles == ("a", "b", "c")
    assert strokes.sizes(found, "a") == {400: "a.400", 800: "a"}
