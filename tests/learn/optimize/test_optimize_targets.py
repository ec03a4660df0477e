"""What optimize, replay, grid and training write, and what they leave as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import TINY, do as do
from PIL import Image

from impasto import pictures
from impasto.cli import targets

Do = Callable[..., tuple[int, str, str]]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A photo and a painting."""
    found = [tmp_path / "photo.png", tmp_path / "painting.png"]
    for seed, path in enumerate(found):
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)).save(path)
    return found


def test_a_state_of_ours_is_overwritten_without_asking(do: Do, files: list[Path], tmp_path: Path) -> None:
    """A run that was stopped leaves picture, state and log; the next one may begin anew in their place."""
    words = ["optimize", *files, "--size", 32, "--style-layers", "relu1_1", "--content-layers", "relu2_1"]
    words += ["-o", tmp_path / "o.png", "--json-log", tmp_path / "log"]
    do(*words, "--steps", 1000, "--max-seconds", 0.01)
    state = tmp_path / "o.png.state"
    assert state.exists()
    targets.check([state, tmp_path / "o.png", tmp_path / "log"], files)
    assert do(*words, "--steps", 2)[0] == 0 and not state.exists()


def test_replay_touches_no_state(do: Do, files: list[Path], tmp_path: Path) -> None:
    """A file OUTPUT.state beside what replay writes is none of its business."""
    assert do("optimize", *files, *TINY, "--content-layers", "relu2_1", "-o", tmp_path / "o.png")[0] == 0
    (tmp_path / "again.png.state").write_text("a diary")
    assert do("replay", tmp_path / "o.png", "-o", tmp_path / "again.png")[0] == 0
    assert (tmp_path / "again.png.state").read_text() == "a diary"


@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "force"])
def test_replay_overwrites_nothing_that_it_reads(do: Do, files: list[Path], tmp_path: Path, force: list[str]) -> None:
    """Neither the picture that is made again, nor the photo or the painting that it was made of."""
    assert do("optimize", *files, *TINY, "--content-layers", "relu2_1", "-o", tmp_path / "o.png")[0] == 0
    before = {path: path.read_bytes() for path in (*files, tmp_path / "o.png")}
    for path in before:
        code, _, err = do("replay", tmp_path / "o.png", "-o", path, *force)
        assert code == 2 and err.count("\n") == 1 and "would be lost" in err
    assert {path: path.read_bytes() for path in before} == before


def test_cells_of_a_larger_grid_are_reported(do: Do, files: list[Path], tmp_path: Path) -> None:
    """They took long, so they stay; a line says that they are there."""
    words = ["grid", *files, "-o", tmp_path / "g.png", "--size", 32, "--steps", 2, "--layers", "relu1_1"]
    assert do(*words, "--ratios", "1e-3,1e-2")[0] == 0
    code, _, err = do(*words, "--ratios", "1e-3")
    assert code == 0 and "cell-1-2.png" in err
    assert pictures.made_by_impasto(tmp_path / "g-cells" / "cell-1-2.png")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_log_on_a_full_disk_costs_no_picture(do: Do, files: list[Path], tmp_path: Path) -> None:
    """The log's lines are lost with a warning each, and the picture is written."""
    words = ["optimize", *files, *TINY, "--content-layers", "relu2_1", "-o", tmp_path / "o.png"]
    assert do(*words, "--json-log", "/dev/full")[0] == 0
    Image.open(tmp_path / "o.png").verify()
