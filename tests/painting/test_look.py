"""One record holds every dial of a painter, checks them, and makes the options of the command line."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import impasto
from impasto import Look, Painter
from impasto.errors import ImpastoError, OptionError
from impasto.painting.look import Dials

PHOTO = np.random.default_rng(3).integers(0, 256, (24, 31, 3), np.uint8)


def test_the_keywords_are_the_fields() -> None:
    """The dials as keywords are the record's fields, so that both have the same names, and each has a help."""
    fields = [each.name for each in dataclasses.fields(Look)]
    assert set(fields) == {"style", *Dials.__annotations__}
    assert all(each.metadata["help"] for each in dataclasses.fields(Look)[1:])


def test_a_look_with_other_dials() -> None:
    """A look is turned into another one by keywords, and checked again; it is never changed itself."""
    look = Look("red", strength=0.5)
    assert Look.of(look, size=20) == Look("red", strength=0.5, size=20) and Look.of(look) == look
    with pytest.raises(OptionError, match="strength"):
        Look.of(look, strength=9)
    with pytest.raises(dataclasses.FrozenInstanceError):
        look.strength = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("dials", "message"),
    [
        ({"strength": None}, "strength must be a number"),
        ({"size": 0}, "size must be"),
        ({"brush": "wide"}, "brush must be"),
        ({"stroke_size": -1}, "stroke_size must be"),
        ({"keep_color": "yes"}, "keep_color must be True or False, not 'yes'"),
        ({"enlarge": 1, "size": 30}, "enlarge must be True or False, not 1"),
        ({"enlarge": True}, "enlarge needs size"),
        ({"masks": ["red"]}, "masks are a dict"),
    ],
    ids=str,
)
def test_dials_that_are_none(dials: dict[str, Any], message: str) -> None:
    """A look that cannot be is refused when it is made, in a sentence that names the dial."""
    with pytest.raises(ImpastoError, match=message):
        Look("red", **dials)


def test_names_in_a_look() -> None:
    """A look knows the names in its mixes and masks, each once; a row has none."""
    assert Look("red:1,blue:1", masks={"blue,green": "alpha"}).names == ["red", "blue", "green"]
    assert Look(np.ones(7, np.float32)).names == []


def test_a_look_is_what_its_keywords_are(network_file: Path) -> None:
    """A look paints what its style and dials as keywords paint."""
    painter = Painter(network_file, runtime="onnxruntime")
    look = Look("red", strength=0.7, keep_color=True)
    expected = painter.paint_array(PHOTO, "red", strength=0.7, keep_color=True)
    np.testing.assert_array_equal(painter.paint_array(PHOTO, look), expected)
    assert impasto.paint(PHOTO, look, network=network_file).size == (31, 24)


def test_a_job_is_prepared_planned_and_painted(network_file: Path) -> None:
    """A job has the plan of its photo as it will be painted, and its steps end with the painting."""
    painter = Painter(network_file, runtime="openvino", precision="f32", threads=1)
    job = painter.prepare(PHOTO, "red", size=20)
    assert (job.plan.width, job.plan.height) == (20, 15) == job.size[::-1] and job.plan.whole
    assert job.plan.memory > 0 and job.notes == []
    *_, last = job.steps()
    np.testing.assert_array_equal(last.painted, job.paint())
    assert last.share == 1 and job.paint().shape == (15, 20, 3)


def test_masks_that_overlap_are_noted(network_file: Path) -> None:
    """A job says that its masks overlap, and that its brush changes nothing."""
    full = np.full(PHOTO.shape[:2], 255, np.uint8)
    notes = Painter(network_file).prepare(PHOTO, "red", masks={"blue": full, "green": full}, brush=50).notes
    assert "adding up to 2.00" in notes[0] and "the brush 50 changes nothing" in notes[1]


@pytest.mark.parametrize(
    ("old", "new"), [("paint_picture", "paint_array"), ("paint_steps", "steps"), ("draw", "no dr")]
)
def test_old_names(network_file: Path, old: str, new: str) -> None:
    """A name that has moved fails with the new one."""
    with pytest.raises(AttributeError, match=new):
        getattr(Painter(network_file), old)
