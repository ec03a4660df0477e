"""A folder of photos as batches: every crop a function of seed and step, and bad files no obstacle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.errors import LearnError, PictureError
from impasto.learn import photos as module
from impasto.learn.photos import PhotoFolder, load_painting, load_paintings, to_tensor
from impasto.styles.bank import Bank, Card


def save_color(path: Path, color: tuple[int, int, int], size: tuple[int, int] = (40, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)
    return path


def test_to_tensor() -> None:
    """A PIL image becomes channels x height x width in 0..1, whatever its mode."""
    image = Image.new("RGBA", (3, 2), (255, 0, 51, 128))
    tensor = to_tensor(image)
    assert tensor.shape == (3, 2, 3) and tensor.dtype == torch.float32
    assert tensor[:, 0, 0].tolist() == pytest.approx([1, 0, 0.2])


# Which photos


def test_recursive(tmp_path: Path) -> None:
    """Photos are found at any depth, in the order of their names; other files are left out."""
    paths = [save_color(tmp_path / name, (9, 9, 9)) for name in ("a.png", "b/c.jpg", "b/d/e.PNG")]
    (tmp_path / "notes.txt").write_text("no photo")
    assert PhotoFolder.open(tmp_path).paths == paths


@pytest.mark.parametrize(("hold_out", "left"), [(0, 5), (2, 3), (4, 1)])
def test_hold_out(photos: Path, hold_out: int, left: int) -> None:
    """The last photos by name can be held out, for measuring."""
    assert PhotoFolder.open(photos, hold_out=hold_out).paths == sorted(photos.iterdir())[:left]


@pytest.mark.parametrize("hold_out", [5, 7, 100])
def test_all_held_out(photos: Path, hold_out: int) -> None:
    """To hold out as many photos as there are, or more, is a LearnError."""
    with pytest.raises(LearnError, match="holds no pictures to train on"):
        PhotoFolder.open(photos, hold_out=hold_out)


def test_empty_folder(tmp_path: Path) -> None:
    """A folder without photos is a LearnError that says where was searched."""
    with pytest.raises(LearnError, match="searched recursively"):
        PhotoFolder.open(tmp_path)


def test_no_folder(photos: Path, tmp_path: Path) -> None:
    """A folder that is not there, or is a file, is a LearnError."""
    for path in (tmp_path / "missing", photos / "photo0.png"):
        with pytest.raises(LearnError, match="is not a folder of photos"):
            PhotoFolder.open(path)


# Batches


def test_batch(photos: Path) -> None:
    """A batch is so many square crops in 0..1, and the crops differ."""
    batch = PhotoFolder.open(photos).batch(0, 0, 4, 24)
    assert batch.shape == (4, 3, 24, 24) and batch.dtype == torch.float32
    assert 0 <= batch.min() < batch.max() <= 1
    assert len({crop.numpy().tobytes() for crop in batch}) == 4


def test_batch_depends_on_seed_and_step_only(photos: Path) -> None:
    """Equal seed and step give equal crops, from a folder just opened and from one long in use."""
    used = PhotoFolder.open(photos)
    first = used.batch(3, 7, 2, 16)
    for step in range(8):
        used.batch(3, step, 2, 16)
    assert torch.equal(used.batch(3, 7, 2, 16), first)
    assert torch.equal(PhotoFolder.open(photos).batch(3, 7, 2, 16), first)
    assert not torch.equal(used.batch(4, 7, 2, 16), first)
    assert not torch.equal(used.batch(3, 8, 2, 16), first)


def test_cache_changes_nothing(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may keep nothing in memory gives the same crops."""
    kept = PhotoFolder.open(photos).batch(0, 1, 6, 16)
    monkeypatch.setattr(module, "CACHE_BYTES", 0)
    folder = PhotoFolder.open(photos)
    assert torch.equal(folder.batch(0, 1, 6, 16), kept)
    assert not folder._cache


def test_larger_than_the_photo(tmp_path: Path) -> None:
    """Photos smaller than the crops are enlarged, down to a single pixel."""
    save_color(tmp_path / "dot.png", (255, 0, 0), (1, 1))
    batch = PhotoFolder.open(tmp_path).batch(0, 0, 2, 16)
    torch.testing.assert_close(batch[:, 0], torch.ones(2, 16, 16))


def test_crops_keep_their_shape(tmp_path: Path) -> None:
    """A crop is a square of at least half the short side: in a ramp of 1/100 a pixel it spans 0.5 to 1, either way."""
    ramp = np.repeat(np.linspace(0, 1, 100)[None, :, None], 100, 0).repeat(3, 2)
    Image.fromarray((255 * ramp).astype(np.uint8)).save(tmp_path / "ramp.png")
    crops = PhotoFolder.open(tmp_path).batch(0, 0, 40, 32)
    spans = (crops[:, 0, 16, -1] - crops[:, 0, 16, 0]).numpy()
    assert 0.45 < np.abs(spans).min() < 0.6 and 0.8 < np.abs(spans).max() <= 1
    assert 8 < (spans < 0).sum() < 32  # half of them are mirrored
    assert float((crops[:, 0, 0] - crops[:, 0, -1]).abs().max()) < 0.01  # and none is turned


def test_crops_that_show_nothing(tmp_path: Path) -> None:
    """An even crop is drawn again, from the same photo or another; where there is nothing else it is taken."""
    save_color(tmp_path / "even.png", (200, 100, 50), (64, 64))
    assert PhotoFolder.open(tmp_path).batch(0, 0, 2, 16).std((2, 3)).max() < 0.01
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    assert PhotoFolder.open(tmp_path).batch(0, 0, 20, 16).std((2, 3)).min() > 0.03


# Bad files


def test_bad_files(tmp_path: Path) -> None:
    """A file that cannot be read is skipped, named with its reason, and costs the batch nothing."""
    save_color(tmp_path / "good.png", (255, 255, 255))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:60])
    folder = PhotoFolder.open(tmp_path)
    batch = folder.batch(0, 0, 30, 8)
    torch.testing.assert_close(batch, torch.ones(30, 3, 8, 8))
    assert {path.name for path in folder.skipped} == {"bad.png", "cut.png"}
    assert "bad.png" in folder.skipped[tmp_path / "bad.png"]


def test_bad_files_change_no_batch(photos: Path, tmp_path: Path) -> None:
    """A batch is the same whether the bad files have been met before or not."""
    for path in photos.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for i in range(4):
        (tmp_path / f"bad{i}.png").write_bytes(b"no picture")
    used = PhotoFolder.open(tmp_path)
    for step in range(8):
        used.batch(0, step, 3, 8)
    assert len(used.skipped) == 4
    for step in range(8):
        assert torch.equal(used.batch(0, step, 3, 8), PhotoFolder.open(tmp_path).batch(0, step, 3, 8))


def test_only_bad_files(tmp_path: Path) -> None:
    """If none of the photos can be read, that is a LearnError, not an endless search."""
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(b"no picture")
    with pytest.raises(LearnError, match="none of the photos can be read"):
        PhotoFolder.open(tmp_path).batch(0, 0, 1, 8)


# Paintings


@pytest.mark.parametrize(
    ("size", "shape"), [(20, (1, 3, 15, 20)), (1000, (1, 3, 30, 40)), (1, (1, 3, 1, 1)), (40, (1, 3, 30, 40))]
)
def test_painting(size: int, shape: tuple[int, ...], tmp_path: Path) -> None:
    """A painting has its long side at the size asked for, keeps its shape, and is never enlarged."""
    painting = load_painting(save_color(tmp_path / "a.png", (51, 102, 255)), size)
    assert painting.shape == shape
    assert painting[0, :, 0, 0].tolist() == pytest.approx([0.2, 0.4, 1])


def test_part_of_a_painting(tmp_path: Path) -> None:
    """A crop is taken before the painting gets its size, and has a pixel at least."""
    picture = Image.new("RGB", (40, 30), (255, 0, 0))
    picture.paste((0, 0, 255), (20, 0, 40, 30))
    picture.save(tmp_path / "a.png")
    right = load_painting(tmp_path / "a.png", 15, (0.5, 0, 1, 1))
    assert right.shape == (1, 3, 15, 10)
    assert right[0].amin((1, 2)).tolist() == [0, 0, 1]
    assert load_painting(tmp_path / "a.png", 15, (0.5, 0.5, 0.501, 0.501)).shape == (1, 3, 1, 1)


def test_paintings_are_measured_as_they_were_learned(tmp_path: Path) -> None:
    """Only the part counts that a bank's style learned; without a bank, or a part, it is the whole painting."""
    for name in ("a", "b"):
        save_color(tmp_path / f"{name}.png", (9, 9, 9))
    cards = [
        Card("", name, "", "", "", extra=extra) for name, extra in (("a", {"style_crop": [0, 0, 0.5, 1]}), ("b", {}))
    ]
    bank = Bank(names=("a", "b"), rows=np.zeros((2, 4), np.float32), cards=tuple(cards), network="n", fingerprint="f")
    found = load_paintings(tmp_path, ["a", "b"], size=20, bank=bank)
    assert found["a"].shape == (1, 3, 20, 13) and found["b"].shape == (1, 3, 15, 20)
    assert load_paintings(tmp_path, ["a"], size=20)["a"].shape == (1, 3, 15, 20)


def test_bad_painting(tmp_path: Path) -> None:
    """A painting that cannot be read is an error that names it, never skipped."""
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(PictureError, match="bad.png"):
        load_painting(tmp_path / "bad.png", 64)
