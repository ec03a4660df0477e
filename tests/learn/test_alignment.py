"""What goes on from a file lies in memory as in a run that was never stopped: last bits depend on the alignment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from impasto.film.work import Made, Work
from impasto.learn.optimize import state
from impasto.learn.train.checkpoint import Checkpoint

ALIGNED = 64  # bytes, torch's own memory


@pytest.mark.parametrize("letters", range(0, 64, 8))
def test_state_of_an_optimization(tmp_path: Path, letters: int) -> None:
    """However long the words before them in the file are, its tensors lie where torch lays its own."""
    identity = {"settings": {"precision": "f32", "name": "x" * letters}, "scene": {}}
    state.write(tmp_path / "state", {"plane": torch.rand(5), "number": torch.rand(3).double()}, identity, {})
    _, tensors = state.read(tmp_path / "state", identity, torch.device("cpu"))
    assert [value.data_ptr() % ALIGNED for value in tensors.values()] == [0, 0]


@pytest.mark.parametrize("letters", range(0, 64, 8))
def test_checkpoint_of_a_training(tmp_path: Path, letters: int) -> None:
    """The same of a checkpoint, whose moments and averages are gone on with as they are read."""
    made = Checkpoint(
        {"average.rows": torch.rand(5), "b": torch.rand(3)}, 1, 2.0, {"design": 1}, [{"name": "x" * letters}]
    )
    made.write(tmp_path / "checkpoint")
    assert [value.data_ptr() % ALIGNED for value in Checkpoint.read(tmp_path / "checkpoint").tensors.values()] == [0, 0]


def test_state_of_a_film(tmp_path: Path) -> None:
    """What the frames behind a film's last part depend on are arrays of their own, not views of the file's bytes."""
    work = Work(tmp_path, {})
    work.add(Made({}, [], []), {"before": np.ones(3, np.float32)})
    found = Work.begun(tmp_path, {}, restart=False).state["before"]
    assert found.flags.owndata and found.flags.writeable
