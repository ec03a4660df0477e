"""A painting that shows how far it is, and what notebooks show of things."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.errors import OptionError
from impasto.painting.job import Progress
from impasto.painting.painter import Painter
from impasto.painting.watching import watched

pytest.importorskip("onnx")
PHOTO = np.random.default_rng(3).integers(0, 256, (40, 56, 3), np.uint8)
STEPS = (Progress(0.25), Progress(1.0, PHOTO))


@pytest.fixture(scope="module")
def painter(network_file: Path) -> Painter:
    return Painter(network_file, runtime="openvino", precision="f32", threads=1)


def test_a_function_gets_the_shares(painter: Painter) -> None:
    """What is given as progress is called with shares up to 1, and the painting is the same."""
    shares: list[float] = []
    shown = painter.paint(PHOTO, "red", progress=shares.append)
    assert shares[-1] == 1.0 and shares == sorted(shares)
    np.testing.assert_array_equal(np.asarray(shown), np.asarray(painter.paint(PHOTO, "red")))


def test_what_is_no_progress(painter: Painter) -> None:
    """Something that cannot be called is one sentence."""
    with pytest.raises(OptionError, match="progress is True, False or a function, not of type str"):
        painter.paint(PHOTO, "red", progress="yes")  # type: ignore[arg-type]


def test_nothing_where_there_is_no_notebook(capfd: pytest.CaptureFixture[str]) -> None:
    """Outside of notebooks True shows nothing: the library writes to no terminal."""
    np.testing.assert_array_equal(watched(STEPS, True), PHOTO)
    assert capfd.readouterr() == ("", "")


def test_none_is_no_progress() -> None:
    """None shows nothing, as False does."""
    np.testing.assert_array_equal(watched(STEPS, None), PHOTO)


def test_a_bar_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook one bar of HTML is shown, and changes in its place."""
    shown: list[str] = []

    class Handle:
        def update(self, bar: str) -> None:
            shown.append(bar)

    class Display:
        HTML = str

        @staticmethod
        def display(bar: str, display_id: bool) -> Any:
            shown.append(bar)
            return Handle()

    monkeypatch.setitem(sys.modules, "ipykernel", Display)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "IPython.display", Display)  # type: ignore[arg-type]
    watched(STEPS, True)
    assert [bar.split()[-1] for bar in shown] == ["0%", "25%", "100%"]


def test_a_painter_as_html(painter: Painter) -> None:
    """A notebook shows a painter with its network and its styles, each with its card; words are escaped."""
    shown = painter._repr_html_()
    assert painter.network.name in shown and "<td>red</td>" in shown and "openvino" in shown


def test_a_result_as_a_picture() -> None:
    """A notebook shows the last record as its painting, and the others as text."""
    last = STEPS[1]._repr_png_()
    assert STEPS[0]._repr_png_() is None and last is not None
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(last))), PHOTO)
