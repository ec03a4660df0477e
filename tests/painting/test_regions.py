"""Masks: which style goes where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto import pictures
from impasto.errors import NetworkError, PictureError
from impasto.limits import RuntimeName
from impasto.painting import regions
from impasto.painting.network import Network
from impasto.painting.painter import Painter
from tests.conftest import pixels, run

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


def test_a_mask_of_another_size() -> None:
    """The message names both sizes."""
    with pytest.raises(PictureError, match="'a' is 40 x 51 pixels and the photo 51 x 40"):
        regions.load({"a": LEFT.T}, pictures.load(PHOTO))


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


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_one_region_is_the_plain_painting(network_file: Path, runtime: RuntimeName) -> None:
    """K = 1 paints what the plain graph paints, and constant masks what the blended row paints."""
    network = Network(network_file, runtime=runtime)
    rows = Painter(network_file).bank.rows[:3]
    one = network.paint_regions(PHOTO, rows[:1], np.ones((1, 40, 51), np.float32))
    np.testing.assert_allclose(one, network.paint(PHOTO, rows[0]), atol=1e-5)
    weights = np.array([0.2, 0.3, 0.5], np.float32)
    mixed = network.paint_regions(PHOTO, rows, np.broadcast_to(weights[:, None, None], (3, 40, 51)))
    np.testing.assert_allclose(mixed, network.paint(PHOTO, weights @ rows), atol=1e-4)


def test_two_masks_of_one_style_are_that_style(painter: Painter) -> None:
    """If all regions have the same style, there are no regions to be seen."""
    plain = painter.paint_array(PHOTO, "red")
    np.testing.assert_allclose(painter.paint_array(PHOTO, "red", masks={"red:1": LEFT}), plain, atol=1e-5)


def test_an_empty_mask_changes_nothing(painter: Painter) -> None:
    """A black mask leaves all to the main style; a white one nothing."""
    red, blue = (painter.paint_array(PHOTO, name) for name in ("red", "blue"))
    np.testing.assert_allclose(painter.paint_array(PHOTO, "red", masks={"blue": LEFT * 0}), red, atol=1e-5)
    np.testing.assert_allclose(painter.paint_array(PHOTO, "red", masks={"blue": LEFT * 0 + 1}), blue, atol=1e-5)


def test_every_region_leans_to_its_own_style(painter: Painter) -> None:
    """Left of a hard edge the painting lies nearer to the mask's style, right of it to the main one."""
    red, blue = (painter.paint_array(PHOTO, name) for name in ("red", "blue"))
    both = painter.paint_array(PHOTO, "red", masks={"blue": LEFT})
    to_red, to_blue = (np.abs(both - one).mean((0, 2)) for one in (red, blue))
    assert to_blue[:15].mean() < to_red[:15].mean()
    assert to_red[-15:].mean() < to_blue[-15:].mean()


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


def test_a_region_may_stay_the_photo(painter: Painter) -> None:
    """The style photo is a mask's style like any other, and takes its tones from the photo."""
    masks = {"photo": LEFT * 0 + 1}
    expected = painter.paint_array(PHOTO, "photo")
    np.testing.assert_allclose(painter.paint_array(PHOTO, "red", masks=masks), expected, atol=1e-5)


def test_masks_shrink_with_the_photo(painter: Painter) -> None:
    """With a size the masks are those of the whole photo, resized like it."""
    painted = painter.paint(PHOTO, "red", masks={"blue": (LEFT * 255).astype(np.uint8)}, size=32)
    assert painted.size == (32, 25)


def test_a_network_without_a_file_for_regions(network_file: Path, tmp_path: Path) -> None:
    """The message names the file that is missing; one of another network is refused; alone it is no network."""
    for suffix in ("onnx", "safetensors"):
        (tmp_path / f"tiny.{suffix}").write_bytes(network_file.with_suffix(f".{suffix}").read_bytes())
    alone = Painter(tmp_path / "tiny.onnx")
    assert alone.paint_array(PHOTO, "red").shape == PHOTO.shape
    with pytest.raises(NetworkError, match="has no tiny-regions.onnx to paint regions with"):
        alone.paint_array(PHOTO, "red", masks={"blue": LEFT})
    whole = network_file.with_name("tiny-regions.onnx").read_bytes()
    fingerprint = alone.network.fingerprint.encode()
    (tmp_path / "tiny-regions.onnx").write_bytes(whole.replace(fingerprint, fingerprint[::-1]))
    with pytest.raises(NetworkError, match="belongs to another network"):
        alone.paint_array(PHOTO, "red", masks={"blue": LEFT})
    with pytest.raises(NetworkError, match="only paints regions"):
        Network(network_file.with_name("tiny-regions.onnx"))


def test_masks_that_do_not_fit(painter: Painter) -> None:
    """Masks of another shape than the picture are a NetworkError before anything runs."""
    with pytest.raises(NetworkError, match=r"2 styles need masks of shape \(2, 40, 51\)"):
        painter.network.paint_regions(PHOTO, painter.bank.rows[:2], np.ones((2, 40, 50), np.float32))


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
