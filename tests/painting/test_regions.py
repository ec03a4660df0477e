"""Masks: which style goes where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto import pictures
from impasto.errors import NetworkError, PictureError
from impasto.painting import regions
from impasto.painting.network import Network
from impasto.painting.painter import Painter
from tests.conftest import pixels, run

onnx = pytest.importorskip("onnx")

PHOTO = np.random.default_rng(0).random((40, 51, 3)).astype(np.float32)
LEFT = np.zeros((40, 51), np.float32)
LEFT[:, :25] = 1


@pytest.fixture(scope="module")
def painter(network_file: Path) -> Painter:
    return Painter(network_file, precision="f32")


def test_a_mask_is_a_grey_picture(tmp_path: Path) -> None:
    """Grey values are weights, whatever the mask comes as; a mask's own alpha counts as well."""
    photo = pictures.load(PHOTO)
    grey = (LEFT * 128).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "mask.png")
    Image.merge("LA", [Image.new("L", (51, 40), 255), Image.fromarray(grey)]).save(tmp_path / "alpha.png")
    for mask in (grey, tmp_path / "mask.png", tmp_path / "alpha.png"):
        found = pictures.unit(regions.load({"a": mask}, photo)["a"])
        np.testing.assert_allclose(found, LEFT * 128 / 255, atol=1e-6)


def test_the_photos_alpha_is_a_mask() -> None:
    """ "alpha" is the photo's own alpha; a photo without one is a PictureError."""
    photo = pictures.load(np.dstack([PHOTO, LEFT]))
    assert np.array_equal(regions.load({"a": "alpha"}, photo)["a"], LEFT)
    with pytest.raises(PictureError, match="has no alpha to be the mask of 'a'"):
        regions.load({"a": "alpha"}, pictures.load(PHOTO))


def test_a_mask_of_other_proportions() -> None:
    """The message names both sizes."""
    with pytest.raises(PictureError, match="'a' is 40 x 51 pixels and the photo 51 x 40"):
        regions.load({"a": LEFT.T}, pictures.load(PHOTO))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, bool])
@pytest.mark.parametrize("size", [(20, 26), (20, 25), (80, 102), (119, 153)], ids=str)
def test_a_mask_of_the_photos_proportions(size: tuple[int, int], kind: type) -> None:
    """A mask that was made of the photo at another size, whichever way that was rounded, is stretched to it."""
    most = np.iinfo(kind).max if np.issubdtype(kind, np.integer) else 1
    mask = np.broadcast_to(np.arange(size[1]) < size[1] // 2, size).astype(kind) * kind(most)
    found = pictures.unit(regions.load({"a": mask}, pictures.load(PHOTO))["a"])
    assert found.shape == (40, 51) and found[:, :22].min() > 0.99 and found[:, 29:].max() < 0.01


def test_masks_are_stacked_to_a_sum_of_one() -> None:
    """What is left goes to the first; where masks overlap they share the place; overlap tells by how much."""
    masks = [LEFT, LEFT * 0.5, LEFT[:, ::-1] * 0.25]
    stacked = regions.stack(masks)
    assert stacked.shape == (4, 40, 51) and stacked.dtype == np.float32
    np.testing.assert_allclose(stacked.sum(0), 1, atol=1e-6)
    np.testing.assert_allclose(stacked[:, 0, 0], [0, 2 / 3, 1 / 3, 0], atol=1e-6)
    np.testing.assert_allclose(stacked[:, 0, -1], [0.75, 0, 0, 0.25], atol=1e-6)
    assert regions.overlap([LEFT, LEFT * 0.5]) == 1.5
    assert regions.overlap([]) == 0


def test_two_masks_of_one_style_are_that_style(painter: Painter) -> None:
    """If all regions have the same style, there are no regions to be seen."""
    plain = painter.paint_array(PHOTO, "red")
    np.testing.assert_allclose(painter.paint_array(PHOTO, "red", masks={"red:1": LEFT}), plain, atol=1e-5)


def test_an_empty_mask_changes_nothing(painter: Painter) -> None:
    """A black mask leaves all to the main style; a white one nothing."""
    red, blue = (painter.paint_array(PHOTO, name) for name in ("red", "blue"))
    np.testing.assert_allclose(painter.paint_array(PHOTO, "red", masks={"blue": LEFT * 0}), red, atol=1e-5)
    np.testing.assert_allclose(painter.paint_array(PHOTO, "red", masks={"blue": LEFT * 0 + 1}), blue, atol=1e-5)


def test_a_soft_mask_is_a_soft_transition(painter: Painter) -> None:
    """Along a ramp the painting goes over from one style to the other without a jump."""
    flat = np.full((32, 128, 3), 0.5, np.float32) + 0.05 * np.random.default_rng(1).random((32, 128, 3), np.float32)
    ramp = np.tile(np.linspace(0, 1, 128, dtype=np.float32), (32, 1))
    hard = (ramp > 0.5).astype(np.float32)
    columns = {
        name: painter.paint_array(flat, "red", masks={"blue": mask}).mean(0)
        for name, mask in (("soft", ramp), ("hard", hard))
    }
    edge = {name: np.abs(values[68:76] - values[52:60]).mean() for name, values in columns.items()}
    ends = {name: np.abs(values[-8:] - values[:8]).mean() for name, values in columns.items()}
    assert edge["soft"] < 0.8 * edge["hard"]
    assert ends["soft"] > 0.4 * ends["hard"]


def test_masks_shrink_with_the_photo(painter: Painter) -> None:
    """With a size the masks are those of the whole photo, resized like it."""
    painted = painter.paint(PHOTO, "red", masks={"blue": (LEFT * 255).astype(np.uint8)}, size=32)
    assert painted.size == (32, 25)


@pytest.mark.parametrize("brush", ["small", 64])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_every_region_is_its_own_painting(painter: Painter, kind: type, brush: int | str) -> None:
    """Where a mask is white its style is painted as it is alone, and the main one where all are black."""
    large = np.random.default_rng(2).random((150, 200, 3)).astype(np.float32)
    photo: Any = large if kind == np.float32 else (255 * large).astype(kind)
    blue, green = (np.zeros((150, 200), np.float32) for _ in range(2))
    blue[:, :50], green[100:, 50:] = 1, 1
    red_one, blue_one, green_one = (painter.paint_array(photo, name, brush=brush) for name in ("red", "blue", "green"))
    made = painter.paint_array(photo, "red", masks={"blue": blue, "green": green}, brush=brush)
    assert made.dtype == kind
    for mask, one in ((blue, blue_one), (green, green_one), (1 - np.maximum(blue, green), red_one)):
        apart = np.abs(made[mask == 1].astype(float) - one[mask == 1])  # last bits depend on what was painted before
        assert apart.max() <= (2 if kind == np.uint8 else 1e-4)


def test_a_soft_place_is_a_blend(painter: Painter) -> None:
    """Where three masks meet, the painting is the mean of theirs with the masks' weights, to half a step each."""
    photo = (255 * PHOTO).astype(np.uint8)
    weights = np.random.default_rng(4).dirichlet((1, 1, 1), (40, 51)).astype(np.float32)
    made = painter.paint_array(photo, "red", masks={"blue": weights[..., 1], "green": weights[..., 2]})
    ones = [painter.paint_array(photo, name).astype(np.float32) for name in ("red", "blue", "green")]
    expected = sum(weights[..., k, None] * one for k, one in enumerate(ones))
    assert np.abs(made - expected).max() <= 1.01


def test_only_what_is_seen_is_painted(painter: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A style whose mask is black, or that is covered by others, and the style photo take no time."""
    painted: list[float] = []
    plain = painter.network.paint
    monkeypatch.setattr(painter.network, "paint", lambda photo, row: painted.append(row[0]) or plain(photo, row))
    painter.paint_array(PHOTO, "red", masks={"blue": LEFT, "green": LEFT * 0, "photo": 1 - LEFT})
    assert painted == [painter.bank["blue"][0]]


def test_steps_of_regions(painter: Painter) -> None:
    """How far it is grows from painting to painting, and only the last step has the painting."""
    steps = list(painter.steps(PHOTO, "red", masks={"blue": LEFT}))
    shares = [step.share for step in steps]
    assert shares == sorted(shares) and shares[-1] == 1 and any(0.4 < share < 0.6 for share in shares)
    assert [step.painted is not None for step in steps] == [False] * (len(steps) - 1) + [True]


@pytest.mark.usefixtures("planned_alone")
def test_a_plan_counts_the_paintings(painter: Painter) -> None:
    """Two masks are three paintings, which take three times as long, and a little more memory."""
    plain, masked = painter.plan(600, 400), painter.plan(600, 400, masks=2)
    assert (plain.paintings, masked.paintings) == (1, 3) and masked.memory > plain.memory
    assert painter.seconds(masked) == pytest.approx(3 * painter.seconds(plain))


def test_the_graph_for_regions_is_gone(painter: Painter, network_file: Path, tmp_path: Path) -> None:
    """Who paints regions with a network alone, or opens a file that older versions had for them, reads what to do."""
    with pytest.raises(AttributeError, match="a Painter paints regions"):
        _ = painter.network.paint_regions  # type: ignore[attr-defined]
    model = onnx.load(network_file)
    model.metadata_props.add(key="impasto.graph", value="regions")
    onnx.save(model, tmp_path / "tiny-regions.onnx")
    with pytest.raises(NetworkError, match="for regions alone; name the network beside it"):
        Network(tmp_path / "tiny-regions.onnx")


# The command line


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with photo.png, whose alpha is its left half, and left.png, right.png and all.png."""
    pictures.save(PHOTO, tmp_path / "photo.png", like=pictures.Photo(PHOTO, LEFT))
    for name, mask in (("left", LEFT), ("right", 1 - LEFT), ("all", LEFT * 0 + 1)):
        Image.fromarray((mask * 255).astype(np.uint8)).save(tmp_path / f"{name}.png")
    return tmp_path


def test_masks_on_the_command_line(files, network_file, tmp_path, capsys) -> None:
    """--mask NAME=FILE may be repeated; NAME=alpha is the same as the alpha in a file."""
    words = ["paint", files / "photo.png", "-s", "red", "--network", network_file, "-o"]
    for out, masks in (("a.png", ["blue=alpha"]), ("b.png", [f"blue={files}/left.png", f"red={files}/right.png"])):
        options = [word for mask in masks for word in ("--mask", mask)]
        code, _, err = run(*words, tmp_path / out, *options, capsys=capsys)
        assert code == 0 and "overlap" not in err, err
    assert np.abs(pixels(tmp_path / "a.png").astype(int) - pixels(tmp_path / "b.png")).max() <= 1


def test_an_overlap_is_told(files, network_file, tmp_path, capsys) -> None:
    """Masks that add up to more than 1 are shared out, and a line says so."""
    words = ["paint", files / "photo.png", "-s", "red", "--network", network_file, "-o", tmp_path / "a.png"]
    masks = ["--mask", f"blue={files}/all.png", "--mask", f"green={files}/left.png"]
    code, _, err = run(*words, *masks, capsys=capsys)
    assert code == 0 and "overlap, adding up to 2.00" in err


@pytest.mark.parametrize(
    ("mask", "hint"),
    [
        ("blue", "NAME=FILE"),
        ("bleu={tmp}/left.png", "'blue'"),
        ("blue={tmp}/none.png", "none.png"),
        ("=a", "NAME=FILE"),
    ],
)
def test_bad_masks(mask, hint, files, network_file, capsys) -> None:
    """A mask that cannot be is one sentence and exit code 2, and nothing is written."""
    before = sorted(files.iterdir())
    words = ["paint", files / "photo.png", "-s", "red", "--network", network_file, "-o", files / "out.png"]
    code, _, err = run(*words, "--mask", mask.format(tmp=files), capsys=capsys)
    assert code == 2 and hint in err and err.count("\n") == 1
    assert sorted(files.iterdir()) == before
