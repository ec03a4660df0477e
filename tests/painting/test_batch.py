"""Many photos painted into files: in their order, overlapping, and one that fails stops no other."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto import Look, Painter, pictures
from impasto.painting import batch
from impasto.painting.batch import Batch, Saving, streams

Jobs = list[tuple[Path, Path]]


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    """Six photos with places for their paintings."""
    for i in range(6):
        photo = np.random.default_rng(i).integers(0, 256, (20, 24 + i, 3), np.uint8)
        pictures.save(photo, tmp_path / f"{i}.png")
    return [(tmp_path / f"{i}.png", tmp_path / f"{i}-red.png") for i in range(6)]


@pytest.fixture
def painter(network_file: Path) -> Painter:
    return Painter(network_file, runtime="openvino", precision="f32", threads=1)


def test_a_record_for_each(painter: Painter, jobs: Jobs) -> None:
    """Each photo comes out in its order, painted into its file as it is alone."""
    work = Batch(painter, Look("red"), Saving(comment="hello"))
    for i, (done, (photo, target)) in enumerate(zip(work.paint(jobs), jobs, strict=True)):
        assert (done.photo, done.target, done.width, done.height) == (photo, target, 24 + i, 20)
        assert done.error is None and done.seconds > 0
        apart = pictures.load(target).pixels.astype(int) - np.asarray(painter.paint(photo, "red"))
        assert np.abs(apart).max() <= 1
        assert pictures.made_by_impasto(target)
    assert sorted(map(str, work.saved)) == sorted(str(target) for _, target in jobs)


def test_one_that_fails_stops_no_other(painter: Painter, jobs: Jobs) -> None:
    """What cannot be read, painted or written is in the record of its photo."""
    jobs[1][0].write_bytes(b"no picture")
    jobs[3] = jobs[3][0], jobs[3][1].with_suffix(".webpx")
    done = list(Batch(painter, Look("red")).paint(jobs))
    assert [each.error is None for each in done] == [True, False, True, False, True, True]


def test_reading_goes_on_while_one_is_painted(painter: Painter, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is painted, another is read; but never are two painted at once: else this would wait for ever."""
    changed, loaded, painted, at_once, most = threading.Condition(), 0, 0, 0, 0
    load, paint = pictures.load, painter.network.paint

    def loading(*args: Any, **options: Any) -> Any:
        nonlocal loaded
        with changed:
            loaded += 1
            changed.notify_all()
        return load(*args, **options)

    def painting(*args: Any) -> Any:
        nonlocal painted, at_once, most
        with changed:
            at_once += 1
            most = max(most, at_once)
            assert changed.wait_for(lambda: loaded >= min(6, painted + 2), 60)
        found = paint(*args)
        with changed:
            at_once, painted = at_once - 1, painted + 1
        return found

    monkeypatch.setattr(batch.pictures, "load", loading)
    monkeypatch.setattr(painter.network, "paint", painting)
    assert all(each.error is None for each in Batch(painter, Look("red")).paint(jobs)) and most == 1


def test_who_leaves_waits_for_what_is_under_way(painter: Painter, jobs: Jobs) -> None:
    """Once the records are not taken any more, no thread stays, and what was written is known."""
    before = set(threading.enumerate())
    work = Batch(painter, Look("red"))
    done = work.paint(jobs)
    next(done)
    done.close()
    assert set(threading.enumerate()) <= before  # others may have ended meanwhile
    assert {target for _, target in jobs if target.exists()} == set(work.saved)


def test_notes_are_kept(painter: Painter, jobs: Jobs) -> None:
    """What should be said of a photo or its painting is in its record."""
    clear = np.full((20, 24), 100, np.uint8)
    pictures.save(np.zeros((20, 24, 3), np.uint8), jobs[0][0], like=pictures.Photo(np.zeros((20, 24, 3)), clear))
    jobs[0] = jobs[0][0], jobs[0][1].with_suffix(".jpg")
    first = next(Batch(painter, Look("red")).paint(jobs[:1]))
    assert len(first.notes) == 1 and "has no transparency" in first.notes[0]


def test_streams(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several photos are painted at once where there are many, all small, and no masks."""
    monkeypatch.setattr(batch, "cores", lambda: 2)
    photos = [photo for photo, _ in jobs] * 2
    assert streams(photos, Look("red")) == 2
    assert streams(photos[:8], Look("red")) == streams(photos, Look("red", masks={"blue": "alpha"})) == 1
    assert streams(photos, Look("red", size=5000)) == 1
