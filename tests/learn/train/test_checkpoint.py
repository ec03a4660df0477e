"""The checkpoint's file: whole on every system."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch

from impasto.learn.train.checkpoint import Checkpoint


@pytest.mark.skipif(sys.platform == "win32", reason="Windows itself refuses what this looks for")
def test_flushed_through_a_file_that_may_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that is flushed to the disk is open for writing: Windows flushes no other."""
    import fcntl

    modes, flush = [], os.fsync

    def noted(number: int) -> None:
        modes.append(fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE)
        flush(number)

    monkeypatch.setattr(os, "fsync", noted)
    path = tmp_path / "checkpoint.safetensors"
    Checkpoint({"a": torch.arange(3.0)}, 1, 2.0, {}, []).write(path)
    assert modes and os.O_RDONLY not in modes
    assert Checkpoint.read(path).step == 1 and [found.name for found in tmp_path.iterdir()] == [path.name]
