"""Windows cover a picture, moments of parts are those of the whole, and files hold tensors and vanish."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from impasto.painting.tiles.windows import Mirrored, Moments, Store, spans, tiles


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 5), st.sampled_from([1, 4, 8]))
def test_the_cores_are_the_picture(length: int, more: int, halo: int, multiple: int) -> None:
    """Every pixel lies in one core, with its halo around it wherever the picture goes on, in windows all alike."""
    length, halo = length * multiple, halo * multiple
    size = 2 * halo + more * multiple
    found = spans(length, size, halo, multiple)
    assert found[0].first == 0 and found[-1].last == length
    assert all(one.last == other.first for one, other in zip(found[:-1], found[1:], strict=True))
    for span in found:
        assert 0 <= span.start <= span.first < span.last <= span.stop <= length
        assert span.start == 0 or span.first - span.start >= halo
        assert span.stop == length or span.stop - span.last >= halo
        assert span.start % multiple == span.first % multiple == span.last % multiple == 0
    assert len({span.stop - span.start for span in found}) == 1 and found[0].stop - found[0].start <= max(size, length)


def test_windows_are_no_larger_than_asked() -> None:
    """A row of windows is as high as asked at most, and a picture that fits into one is one."""
    for down, across in tiles((100, 60), 40, 28, 8, 4):
        assert down.stop - down.start <= 40 and all(span.stop - span.start <= 28 for span in across)
    assert len(list(tiles((100, 60), 100, 60, 8, 4))) == 1


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_moments_of_parts_are_those_of_the_whole(sizes: list[int], seed: int) -> None:
    """Mean and variance gathered part by part are numpy's, also far from zero."""
    parts = [np.random.default_rng([seed, i]).normal(1e4, 2, (3, n)) for i, n in enumerate(sizes)]
    moments = Moments()
    for part in parts:
        moments.add(part.shape[1], part.mean(1), part.var(1)[None])
    whole = np.concatenate(parts, 1)
    np.testing.assert_allclose(moments.mean, whole.mean(1), rtol=1e-12)
    np.testing.assert_allclose(moments.var, whole.var(1), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("size", [(16, 16), (17, 30), (31, 21)], ids=str)
def test_windows_of_a_picture_are_mirrored(kind: type, size: tuple[int, int]) -> None:
    """Windows are cut from the picture in 0..1, mirrored at the bottom and right up to the multiple."""
    values = (np.random.default_rng(0).random((*size, 3)) * 255).astype(kind)
    source = Mirrored(values, 8)
    unit = values.astype(np.float32) / (1 if kind == np.float32 else np.iinfo(kind).max)
    padded = np.pad(unit, ((0, -size[0] % 8), (0, -size[1] % 8), (0, 0)), "reflect")
    assert source.size == padded.shape[:2]
    for rows, columns in ((slice(0, 8), slice(0, 8)), (slice(8, None), slice(0, None)), (slice(0, None), slice(8, 16))):
        rows, columns = (slice(*each.indices(n)) for each, n in zip((rows, columns), source.size, strict=True))
        np.testing.assert_allclose(source(rows, columns)[0], padded[rows, columns].transpose(2, 0, 1), rtol=1e-6)


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_kept_tensors_come_back(kind: type, held: bool, tmp_path: Path) -> None:
    """Rows written in any order are read in any other, bit by bit, from files and from memory."""
    values = np.random.default_rng(0).normal(size=(12, 5, 7)).astype(kind)
    with Store(tmp_path, kind) as store:
        kept = store.new(12, 5, 7, held=held)
        for top, bottom in ((6, 12), (0, 6)):
            room = kept.room(top, bottom)
            room[:] = values[top:bottom]
            kept.write(top, room)
        for top, bottom in ((0, 12), (3, 8), (3, 8), (11, 12)):
            read = kept.read(top, bottom)
            np.testing.assert_array_equal(read, values[top:bottom])
            kept.done(read)


def test_files_are_used_again_and_vanish(tmp_path: Path) -> None:
    """A file given back serves the next tensor of its size; nothing lies in the folder, then or later."""
    with Store(tmp_path) as store:
        first = store.new(12, 5, 7)
        store.give_back(first)
        assert store.new(5, 12, 7).place is first.place
        other = store.new(5, 12, 7)
        assert other.place is not first.place
        store.give_back(other)
        store.clear()
        assert other.place.closed and not first.place.closed
        if os.name == "posix":
            assert not list(tmp_path.iterdir())
    assert first.place.closed and not list(tmp_path.iterdir())


def test_memory_is_used_again_and_let_go(tmp_path: Path) -> None:
    """Memory given back serves the next tensor of its size; for one of another size it is let go first."""
    with Store(tmp_path) as store:
        first = store.new(12, 5, 7, held=True)
        store.give_back(first)
        again = store.new(5, 12, 7, held=True)
        assert np.shares_memory(again.place, first.place) and again.shape == (5, 12, 7)
        place = weakref.ref(again.place.base if again.place.base is not None else again.place)
        store.give_back(again)
        del first, again
        assert place() is not None
        store.new(5, 12, 8, held=True)
        assert place() is None


def test_arrays_of_rows_come_again(tmp_path: Path) -> None:
    """What was read, or written, from a file is the next array of as many rows: fresh memory takes time."""
    with Store(tmp_path) as store:
        kept = store.new(12, 5, 7)
        room = kept.room(0, 6)
        kept.write(0, room)
        again = kept.read(0, 6)
        assert again is room
        kept.done(again)
        assert kept.room(0, 5).shape == (5, 5, 7)


def test_a_file_that_ends_early_is_an_error(tmp_path: Path) -> None:
    """Reading what was never written is an OSError, not noise."""
    with Store(tmp_path) as store, pytest.raises(OSError, match="ended"):
        store.new(1, 4, 4).read(0, 4)


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (7, 17)], ids=str)
def test_small_pictures_are_mirrored_again_and_again(size: tuple[int, int]) -> None:
    """A picture below the least size is mirrored until it is that large."""
    values = np.random.default_rng(0).random((*size, 3), np.float32)
    source = Mirrored(values, 8, 16)
    padded = np.pad(
        values, ((0, max(16, -(-size[0] // 8) * 8) - size[0]), (0, source.size[1] - size[1]), (0, 0)), "reflect"
    )
    assert source.size == padded.shape[:2] == (16, max(16, -(-size[1] // 8) * 8))
    np.testing.assert_array_equal(source(slice(0, 16), slice(8, 16))[0], padded[:, 8:16].transpose(2, 0, 1))
