"""An optimisation made again, and the grid of the paper's figure 3."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from optimizing import SMALL, opened, painting as painting, photo as photo, saved

from impasto import pictures
from impasto.errors import LearnError
from impasto.learn.loss.features import LossNetwork
from impasto.learn.optimize.grid import Cell, grid, numbers, sheet
from impasto.learn.optimize.manifest import manifest, read_manifest, replay, save_picture
from impasto.learn.optimize.run import OptimizeStep


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_replay(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture, tmp_path: Path, suffix: str
) -> None:
    """A picture's file tells how it was made, and a replay makes the same bits, also of a run cut short by time."""
    files = saved(tmp_path, photo, painting)
    run = opened(*files, loss_network, start="noise", steps=1000)
    made = list(run.run(max_seconds=0.5))[-1].picture
    save_picture(run, tmp_path / f"out{suffix}")
    found = read_manifest(tmp_path / f"out{suffix}")
    assert found == json.loads(json.dumps(manifest(run)))
    again = replay(found, folder=tmp_path, loss_network=loss_network)
    np.testing.assert_array_equal(list(again.run())[-1].picture, made)


def test_replay_refuses(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture, tmp_path: Path
) -> None:
    """Files that are gone, have changed or never held a manifest are named."""
    files = saved(tmp_path, photo, painting)
    run = opened(*files, loss_network, steps=1)
    list(run.run())
    found = json.loads(json.dumps(manifest(run)))
    pictures.save(painting[::-1].copy() * 0.5, files[1])
    with pytest.raises(LearnError, match="pixels differ"):
        replay(found, folder=tmp_path, loss_network=loss_network)
    files[0].unlink()
    with pytest.raises(LearnError, match="photo.png is needed"):
        replay(found, folder=tmp_path, loss_network=loss_network)
    with pytest.raises(LearnError, match="no manifest"):
        read_manifest(files[1])


def test_grid(loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture, tmp_path: Path) -> None:
    """A grid paints every cell once, finds the cells that are there, and tells their numbers."""
    files = saved(tmp_path, photo, painting)
    options = {key: value for key, value in SMALL.items() if key != "style_layers"} | {"steps": 2}

    def items() -> list[OptimizeStep | Cell]:
        layers, ratios = ("relu1_1", "relu2_1"), (1e-4, 1e-2)
        return list(
            grid(*files, tmp_path / "cells", layers=layers, ratios=ratios, loss_network=loss_network, **options)
        )

    first, second = items(), items()
    cells = [item for item in first if isinstance(item, Cell)]
    assert [(cell.row, cell.column) for cell in cells] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert cells[3].label == "relu1_1 to relu2_1, 0.01"
    assert all(isinstance(item, Cell) for item in second) and len(second) == 4
    assert sheet(cells).shape[1] > 2 * 32
    told = numbers(cells)
    assert [cell["ratio"] for cell in told["cells"]] == [1e-4, 1e-2, 1e-4, 1e-2]
