"""Large photos and prints on the command line: --brush, --enlarge, --dpi."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.painting.painter import Painter
from tests.conftest import pixels, run

pytest.importorskip("onnx")


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """A photo of 200 x 120 pixels."""
    path = tmp_path / "wide.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (120, 200, 3), np.uint8)).save(path)
    return path


def test_a_brush(wide: Path, network_file: Path, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    """--brush is the painter's, for a file and for standard input; small paints as before."""
    out = tmp_path / "out.png"
    painter = Painter(network_file)
    for word, brush in (("small", "small"), ("medium", "medium"), ("110", 110)):
        words = ("-s", "red", "--network", network_file, "--brush", word, "-o", out, "--force")
        expected = painter.paint_array(pixels(wide), "red", brush=brush)
        assert run("paint", wide, *words, capsys=capsys)[0] == 0
        assert np.abs(pixels(out).astype(int) - expected).max() <= 2
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(wide.read_bytes())))
        assert run("paint", "-", *words, capsys=capsys)[0] == 0
        assert np.abs(pixels(out).astype(int) - expected).max() <= 2


def test_every_command_that_paints_has_a_brush(wide: Path, network_file: Path, tmp_path: Path, capsys: Any) -> None:
    """sheet, square and path paint in two passes too."""
    for command, styles, name in (("sheet", "red", "a.png"), ("square", "red,green,blue,red", "b.png")):
        files = []
        for brush in ("small", "110"):
            out = tmp_path / f"{brush}-{name}"
            words = (wide, "-s", styles, "-o", out, "--size", "200", "--network", network_file, "--brush", brush)
            assert run(command, *words, *(("--n", "2") if command == "square" else ()), capsys=capsys)[0] == 0
            files.append(pixels(out))
        assert files[0].shape == files[1].shape and not np.array_equal(*files)
    frames = tmp_path / "frames"
    words = ("-s", "red,blue", "-o", f"{frames}/", "--frames", "2", "--size", "200", "--network", network_file)
    assert run("path", wide, *words, "--brush", "110", capsys=capsys)[0] == 0
    assert len(list(frames.iterdir())) == 2


def test_a_plan_says_where_it_begins(tmp_path: Path, network_file: Path, capsys: Any) -> None:
    """plan reports the size of the first of two passes."""
    Image.new("RGB", (2000, 1500)).save(tmp_path / "large.png")
    words = ("plan", tmp_path / "large.png", "--network", network_file)
    code, out, _ = run(*words, capsys=capsys)
    assert code == 0 and "first at 1024 px" in " ".join(out.split())
    for more, first, width in ((("--brush", "small"), 0, 2000), (("--size", "3000", "--enlarge"), 1024, 3000)):
        record = json.loads(run(*words, *more, "--json", capsys=capsys)[1])
        assert record["first"] == first and record["width"] == width


def test_a_brush_without_effect(wide: Path, network_file: Path, tmp_path: Path, capsys: Any) -> None:
    """A first painting that was asked for in pixels, on a photo too small for it, is noted in one line."""
    words = ("paint", wide, "-s", "red", "--network", network_file, "-o", tmp_path / "a.png", "--force")
    for brush, noted in (("150", True), ("142", False), ("medium", False)):
        code, _, err = run(*words, "--brush", brush, capsys=capsys)
        assert code == 0 and ("note: the brush 150 changes nothing: 200 x 120 pixels" in err) == noted


@pytest.mark.parametrize("brush", ["huge", "", "0", "-3", "1.5", "1e3", "Medium"])
def test_no_brush(brush: str, wide: Path, network_file: Path, capsys: Any) -> None:
    """What is no brush is one sentence and exit 2, and nothing is written."""
    code, out, err = run("paint", wide, "-s", "red", "--network", network_file, "--brush", brush, capsys=capsys)
    assert code == 2 and not out and err.count("\n") == 1
    assert "--brush must be small, medium, large or a whole number from 16" in err
    assert list(wide.parent.iterdir()) == [wide]


def test_a_poster(wide: Path, network_file: Path, tmp_path: Path, capsys: Any) -> None:
    """--size with --enlarge makes a painting larger than its photo, and alone never does."""
    out = tmp_path / "out.png"
    words = ("paint", wide, "-s", "red", "--network", network_file, "-o", out, "--size", "500", "--force")
    for more, shape in (((), (120, 200, 3)), (("--enlarge", "--brush", "100"), (300, 500, 3))):
        assert run(*words, *more, capsys=capsys)[0] == 0
        assert pixels(out).shape == shape


def test_enlarging_needs_a_size(wide: Path, network_file: Path, capsys: Any) -> None:
    """--enlarge alone is refused, and so is a size that the file's format cannot hold."""
    words = ("paint", wide, "-s", "red", "--network", network_file)
    code, _, err = run(*words, "--enlarge", capsys=capsys)
    assert code == 2 and "--enlarge needs --size N" in err
    code, _, err = run(*words, "--enlarge", "--size", "70000", "-o", wide.with_suffix(".jpg"), capsys=capsys)
    assert code == 2 and "JPEG holds at most 65500 pixels a side" in err


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_dots_per_inch(suffix: str, wide: Path, network_file: Path, tmp_path: Path, capsys: Any) -> None:
    """--dpi writes the resolution into the file, in place of the photo's own."""
    Image.open(wide).save(wide, dpi=(72, 72))
    out = tmp_path / f"out.{suffix}"
    words = ("paint", wide, "-s", "red", "--network", network_file, "-o", out)
    assert run(*words, "--dpi", "300", capsys=capsys)[0] == 0
    with Image.open(out) as image:
        exif = image.getexif()
        assert (float(exif[0x011A]), float(exif[0x011B]), exif[0x0128]) == (300, 300, 2)
        if suffix != "webp":  # which says it in EXIF alone
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    code, _, err = run(*words, "--dpi", "0", "--force", capsys=capsys)
    assert code == 2 and "--dpi must be a number from 1 to 65,535" in err
