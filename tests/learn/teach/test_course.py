"""A painting becomes a style by one call of the library."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.errors import BankError, LearnError, OptionError, StyleNameError
from impasto.learn.loss.features import LossNetwork
from impasto.learn.photos import PhotoFolder
from impasto.learn.teach.course import Course, open_network, teach
from impasto.learn.teach.lesson import LessonStep
from impasto.learn.teach.settings import LessonSettings
from impasto.painting.painter import Painter
from impasto.styles import strokes
from impasto.styles.bank import Bank

SETTINGS = LessonSettings(
    steps=3,
    batch=1,
    size=16,
    checks=1,
    match_size=16,
    match_photos=1,
    match_steps=1,
    style_size=80,
    content_layer="relu1_1",
    style_layers=("relu1_1",),
)


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    path = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (88, 96, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def options(network_file: Path, photos: Path, loss_network: LossNetwork) -> dict[str, Any]:
    return {"network": network_file, "photos": photos, "loss_network": loss_network, "settings": SETTINGS}


def test_a_painting_becomes_a_style(painting: Path, options: dict[str, Any], network_file: Path) -> None:
    """The steps come first, then the bank with one style more, whose other rows are what they were."""
    *steps, bank = teach(painting, "mine", precision="float32", **options)
    assert [step.step for step in steps if isinstance(step, LessonStep)] == [1, 2, 3]
    before = Bank.load(network_file.with_suffix(".safetensors"))
    assert isinstance(bank, Bank) and bank.names == (*before.names, "mine") and bank.card("mine").title == "mine"
    assert bank.rows[:-1].tobytes() == before.rows.tobytes()


def test_several_stroke_sizes(painting: Path, options: dict[str, Any]) -> None:
    """Each size is a lesson; the middle one has the name, and the others go on from its row."""
    *steps, bank = teach(painting, "mine", stroke_sizes=(96, 72, 80), precision="float32", **options)
    assert len(steps) == 9 and isinstance(bank, Bank)
    assert strokes.sizes(bank, "mine") == {72: "mine.72", 80: "mine", 96: "mine.96"}


def test_what_is_wrong_is_found_at_once(painting: Path, options: dict[str, Any]) -> None:
    """A name that is taken, the photo's, and sizes that make no sense are refused before the first step."""
    with pytest.raises(StyleNameError):
        teach(painting, "red", **options)
    with pytest.raises(BankError):
        teach(painting, "photo", **options)
    with pytest.raises(OptionError, match="96 pixels"):
        teach(painting, "mine", stroke_sizes=(72, 900), **options)


def test_a_course_that_is_stopped(painting: Path, network_file: Path, photos: Path, loss_network: LossNetwork) -> None:
    """It keeps what was learned, and has nothing of the sizes that it did not come to."""
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    settings = replace(SETTINGS, steps=50)
    course = Course(
        painting,
        "mine",
        open_network(network_file),
        bank,
        PhotoFolder.open(photos),
        settings,
        stroke_sizes=(72, 80),
        loss_network=loss_network,
    )
    for step in course.run():
        if step.step == 2:
            course.stop()
    assert course.stopped and list(course.rows()) == ["mine"] and course.bank().names[-1] == "mine"


def test_a_painting_twice(painting: Path, network_file: Path, photos: Path, tmp_path: Path) -> None:
    """A painting that is there twice, under whatever name, would count twice: both are named."""
    shutil.copy(painting, tmp_path / "again.png")
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    with pytest.raises(LearnError, match=r"noise\.png and .*again\.png are the same painting"):
        Course([painting, tmp_path / "again.png"], "mine", open_network(network_file), bank, PhotoFolder.open(photos))


def test_a_painting_of_one_colour(network_file: Path, photos: Path, tmp_path: Path) -> None:
    """It shows no style, as `impasto row` says, too."""
    Image.new("RGB", (90, 90), "teal").save(tmp_path / "flat.png")
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    with pytest.raises(LearnError, match=r"flat\.png is of one colour"):
        Course(tmp_path / "flat.png", "mine", open_network(network_file), bank, PhotoFolder.open(photos))


def test_a_course_begins_with_what_a_search_finds(
    painting: Path, network_file: Path, photos: Path, loss_network: LossNetwork, tmp_path: Path
) -> None:
    """Where the painting has the size that the network was trained with, the start is `impasto row`'s, else the mix."""
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    given = (painting, "mine", open_network(network_file), bank, PhotoFolder.open(photos))
    trained = replace(SETTINGS, style_size=LessonSettings.of(bank).style_size)
    course, other = (Course(*given, each, loss_network=loss_network) for each in (trained, SETTINGS))
    assert other.searched(network_file) is None
    start = course.searched(network_file)
    assert start is not None
    np.testing.assert_array_equal(start, Painter(network_file, bank=bank).row(painting))
    steps = course.run(start=start)
    next(steps)
    best = course.lesson.best
    assert best is not None and best.tobytes() == start.tobytes()  # so there is a preview before the first step
    beside = tmp_path / "beside.png"
    Image.open(painting).rotate(90).save(beside)
    alone, several = (
        Course(paintings, *given[1:], trained, loss_network=loss_network)
        for paintings in ([painting], [painting, beside])
    )
    np.testing.assert_array_equal(alone.searched(network_file), start)  # a list of one, as the command line gives
    assert several.searched(network_file) is None
