"""Grain in even places, which a network would otherwise paint as one colour."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto import Painter
from impasto.painting.grain import Grained, grained, noise

RNG = np.random.default_rng(0)
KINDS = [np.uint8, np.uint16, np.float32]


def most(kind: Any) -> float:
    return 1.0 if kind == np.float32 else float(np.iinfo(kind).max)


def even(kind: Any, value: float = 1.0, size: tuple[int, int] = (60, 80)) -> np.ndarray:
    return np.full((*size, 3), value * most(kind), kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.4, 1.0])
def test_what_is_even_gets_grain(kind: Any, value: float) -> None:
    """White and grey get noise of at most 2/255 that stays in the range, and the type is kept."""
    plain = even(kind, value)
    found = grained(plain)
    change = (found.astype(np.float64) - plain) * 255 / most(kind)
    assert found.dtype == kind and found.min() >= 0 and found.max() <= most(kind)
    assert 0.7 < change.std() < 0.9 and np.abs(change).max() < 2.01


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_even_keeps_its_bits(kind: Any) -> None:
    """A picture in which no neighbours are alike is given back as it is."""
    picture = ((0.25 + 0.75 * RNG.random((40, 50, 3))) * most(kind)).astype(kind)
    assert grained(picture) is picture


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_dark_gets_more(kind: Any) -> None:
    """The darker a place, the more noise it gets, whether it is even or not; what is not dark gets none."""
    tones = np.repeat(np.array([0, 20, 28, 29, 40, 52, 53, 60]), 50)
    chess = np.indices((60, 400)).sum(0)[..., np.newaxis] % 2  # nothing is even
    ramp = np.broadcast_to(tones[np.newaxis, :, np.newaxis] + chess, (60, 400, 3))
    dark = (ramp / 255 * most(kind) + (kind != np.float32) / 2).astype(kind)
    apart = np.abs(grained(dark).astype(np.float64) - dark).reshape(60, 8, 50, 3).max((0, 2, 3)) * 255 / most(kind)
    assert apart.round(2).tolist() == [14, 7, 7, 6, 4, 1, 0, 0]


def test_an_edge_is_where_it_was() -> None:
    """Between two even halves the edge stays: no value is further from its own than grain is."""
    halves = even(np.uint8, 0.2)
    halves[:, 40:] = 200
    assert np.abs(grained(halves).astype(int) - halves).max() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_has_the_grain_of_the_whole(kind: Any) -> None:
    """Wherever a part of a picture is read, it is what the whole has there."""
    picture = even(kind, 0.5, (150, 90))
    picture[20:60, 30:50] = (RNG.random((40, 20, 3)) * most(kind)).astype(kind)
    source = Grained(picture)
    whole = source.whole(2)
    for place in (np.s_[0:150, 0:90], np.s_[13:77, 5:60], np.s_[149:150, 89:90], np.s_[60:, :31]):
        assert np.array_equal(source[place], whole[place])


def test_noise_has_no_order() -> None:
    """Its values are evenly -1, 0 and 1, and no place or channel says anything about another."""
    rows, columns = (each.ravel() for each in np.indices((256, 256)))
    found = noise(rows, columns).reshape(256, 256, 3)
    assert np.allclose(np.bincount(found.ravel() + 1) / found.size, 1 / 3, atol=0.01)
    spectrum = np.square(np.abs(np.fft.fft2(found[..., 0])))
    assert spectrum.max() < 20 * spectrum.mean()
    assert np.abs(np.corrcoef(found.reshape(-1, 3).T) - np.eye(3)).max() < 0.02


def half_even(height: int = 96, width: int = 128) -> np.ndarray:
    photo = even(np.uint8, 1.0, (height, width))
    photo[:, width // 2 :] = RNG.integers(0, 256, (height, width - width // 2, 3))
    return photo


def test_the_network_sees_it(network_file: Path) -> None:
    """A photo that is even in part is painted as the network paints it with grain, and not as without."""
    painter, photo = Painter(network_file, runtime="onnxruntime", threads=1), half_even()
    row = painter.bank["red"]
    found = painter.paint_array(photo, "red")
    assert np.array_equal(found, painter.network.paint(grained(photo), row))
    assert not np.array_equal(found, painter.network.paint(photo, row))


def test_in_tiles_too(network_file: Path) -> None:
    """In tiles and through a loupe there is the grain of the whole."""
    whole = Painter(network_file, runtime="openvino", threads=1, precision="f32")
    tight = Painter(network_file, runtime="openvino", threads=1, precision="f32", max_memory=1)
    photo = half_even(200, 330)
    assert not tight.plan(330, 200, brush="small").whole
    paintings = [painter.paint_array(photo, "red", brush="small").astype(int) for painter in (whole, tight)]
    bare = whole.network.paint(photo, whole.bank["red"]).astype(int)
    apart, without = (np.abs(other - paintings[0])[:, :120] for other in (paintings[1], bare))
    assert apart.max() <= 2 and without.mean() > 2 * apart.mean()


@pytest.mark.parametrize("brush", ["small", 64])
def test_one_pass_or_two(network_file: Path, brush: Any) -> None:
    """In one pass or two, with grain the painting is another than without."""
    painter, photo = Painter(network_file, runtime="onnxruntime", threads=1), half_even()
    job = painter.prepare(photo, "red", brush=brush)
    bare = replace(job, work=replace(job.work, grain=False))
    assert (job.first is None) == (brush == "small")
    assert not np.array_equal(job.paint(), bare.paint())
