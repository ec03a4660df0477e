"""The script for measures that need downloads, with stand-ins for the packages that download."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import judge_downloads


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    """One photo, given back in two styles, one of them at another size."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    for name in ("photos/a.png", "painted/a-x.png", "painted/a-y.png", "paintings/x.png", "paintings/y.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(noise).resize((32, 24) if name.endswith("y.png") else (64, 48)).save(tmp_path / name)
    return [str(tmp_path / name) for name in ("photos", "painted", "paintings")]


def module(monkeypatch: pytest.MonkeyPatch, name: str, **contents: Any) -> None:
    """A package of this name that has these contents, or none."""
    made = ModuleType(name)
    vars(made).update(contents)
    monkeypatch.setitem(sys.modules, name, made if contents else None)


class Apart(torch.nn.Module):
    """As ``lpips.LPIPS``: takes two pictures in -1..1, (1, 3, H, W)."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        assert options == {"net": "alex", "verbose": False}

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        assert a.shape == b.shape and max(a.shape) == judge_downloads.SIZE and a.min() < -0.5 and a.max() > 0.5
        return (a - b).abs().mean((1, 2, 3), keepdim=True)


def compute_art_fid(painted: str, paintings: str, photos: str, batch: int, device: str, *, mode: str) -> float:
    """As that of ``art_fid``: pairs are files of one name in three folders."""
    names = [sorted(path.name for path in Path(place).iterdir()) for place in (painted, paintings, photos)]
    assert names == [["000000.png", "000001.png"]] * 3 and (batch, mode) == (1, "art_fid")
    return 7.0


def test_pictures_are_paired(
    places: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """LPIPS gets picture and photo at one size, ArtFID folders of equal names; the last line is JSON."""
    monkeypatch.setattr(judge_downloads, "SIZE", 64)
    module(monkeypatch, "lpips", LPIPS=Apart)
    module(monkeypatch, "art_fid", art_fid=type("art_fid", (), {"compute_art_fid": staticmethod(compute_art_fid)}))
    monkeypatch.setattr(sys, "argv", ["judge_downloads", *places, "--only", "lpips,artfid"])
    judge_downloads.main()
    lines = capsys.readouterr().out.splitlines()
    found = json.loads(lines[-1])
    assert [line.split()[0] for line in lines[:-1]] == ["x", "y", "(all)"] and found["artfid"] == 7
    given_back, smaller = (record["lpips"] for record in found["pictures"])
    assert given_back == 0 and smaller > 0


def test_a_package_that_is_missing(places: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says what to install."""
    module(monkeypatch, "lpips")
    monkeypatch.setattr(sys, "argv", ["judge_downloads", *places, "--only", "lpips"])
    with pytest.raises(SystemExit, match="lpips is not installed: pip install"):
        judge_downloads.main()


def test_shapes_are_not_guessed(places: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of another shape is refused as ``impasto judge`` refuses it."""
    Image.new("RGB", (48, 48)).save(tmp_path / "painted" / "a-x.png")
    module(monkeypatch, "lpips", LPIPS=Apart)
    monkeypatch.setattr(sys, "argv", ["judge_downloads", *places, "--only", "lpips"])
    with pytest.raises(SystemExit, match="another shape"):
        judge_downloads.main()
