"""Cut-outs in every command: hidden colours decide nothing; alpha stays where the format has it, else paper shows."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import ExifTags, Image

from impasto import pictures
from impasto.errors import PictureError
from impasto.painting.painter import Painter
from impasto.pictures import animation
from impasto.pictures.sheets import PAPER, contact_sheet, map_sheet
from tests.conftest import run

Pair = tuple[Path, Path]
Check = Callable[..., Path]


@pytest.fixture
def cutouts(tmp_path: Path) -> Pair:
    """Two cut-outs that differ only where they are fully transparent; their edge is soft."""
    coarse = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    photo = np.asarray(Image.fromarray(coarse).resize((60, 40), Image.Resampling.BICUBIC))
    y, x = np.mgrid[:40, :60]
    alpha = np.clip((1 - np.hypot((y - 20) / 14, (x - 30) / 22)) * 1000 + 128, 0, 255).astype(np.uint8)
    for name, hidden in (("black", 0), ("white", 255)):
        colors = np.where(alpha[..., None] > 0, photo, np.uint8(hidden))
        Image.fromarray(np.dstack([colors, alpha])).save(tmp_path / f"{name}.png")
    return tmp_path / "black.png", tmp_path / "white.png"


@pytest.fixture
def alike(cutouts: Pair, network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Runs a command on both cut-outs, checks that it writes the same bytes, and gives the first file."""

    def check(command: str, suffix: str, *words: object, said: str = "") -> Path:
        outputs = []
        for photo in cutouts:
            output = tmp_path / f"{command}-{photo.stem}{suffix}"
            parts = [command, photo, *words, "-o", output, "--network", network_file]
            code, _, err = run(*parts, capsys=capsys)
            assert code == 0, err
            assert err.count("no transparency") == bool(said) and said in err
            outputs.append(output)
        files = [sorted(each.iterdir()) if each.is_dir() else [each] for each in outputs]
        assert [each.read_bytes() for each in files[0]] == [each.read_bytes() for each in files[1]]
        return files[0][0]

    return check


def clear_of(path: Path) -> npt.NDArray[np.uint8]:
    """The colours of a painting where the cut-out is fully transparent."""
    with Image.open(path) as image, Image.open(path.parent / "black.png") as photo:
        return np.asarray(image.convert("RGB"))[np.asarray(photo)[..., 3] == 0]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--size", 30),
        ("--strength", 0.5),
        ("--strength", 0),
        ("--keep-color",),
        ("--mask", "green=alpha"),
        ("--mask", "green=alpha", "--size", 30),
    ],
)
def test_paint(alike: Check, words: tuple[object, ...]) -> None:
    """Whatever dial is turned, hidden colours do not count, and the painting is a cut-out too."""
    painted = alike("paint", ".png", "-s", "red", *words)
    with Image.open(painted) as image:
        assert image.mode == "RGBA" and image.getpixel((0, 0))[3] == 0  # type: ignore[index]


def test_paint_a_jpeg(alike: Check) -> None:
    """A JPEG of a cut-out is white around it, and one line says so."""
    assert clear_of(alike("paint", ".jpg", "-s", "red", said="transparent places are white")).min() > 240


def test_sheets(alike: Check) -> None:
    """On sheets, squares and maps the paper shows through."""
    for command, words in (("sheet", ("-s", "red,blue")), ("square", ("-s", "red,green,blue,photo", "--n", 2))):
        alike(command, ".png", *words, "--size", 30, said="transparent places show the paper")
    alike("map", ".png", "--method", "pca", "--k", 1, "--size", 30, said="transparent places show the paper")


def test_paths(alike: Check) -> None:
    """Frames and animated WebP keep their alpha; a GIF shows white."""
    words = ("-s", "red,blue", "--frames", 2, "--size", 30)
    for suffix, mode in (("", "RGBA"), (".webp", "RGBA")):
        with Image.open(alike("path", suffix, *words)) as image:
            assert image.mode == mode and image.getpixel((0, 0))[3] == 0  # type: ignore[index]
    with Image.open(alike("path", ".gif", *words, said="transparent places are white")) as image:
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_pipes(cutouts: Pair, network_file: Path) -> None:
    """From standard input to standard output a cut-out stays one, and hidden colours do not count."""
    words = [sys.executable, "-m", "impasto", "paint", "-", "-s", "red", "-o", "-", "--network", str(network_file)]
    one, other = (subprocess.run(words, input=each.read_bytes(), capture_output=True).stdout for each in cutouts)
    assert one == other and Image.open(io.BytesIO(one)).mode == "RGBA"


def test_the_library(cutouts: Pair, network_file: Path) -> None:
    """Painter.paint gives RGBA images that are alike, at any size, and nothing private beside the pixels."""
    painter = Painter(network_file)
    for size in (None, 30):
        one, other = (painter.paint(each, "red", size=size) for each in cutouts)
        assert one.mode == "RGBA" and one.tobytes() == other.tobytes() and not one.info


def test_what_is_solid_on_a_sheet_is_unchanged() -> None:
    """Alpha lets the paper through in proportion: nothing where it is 1, all where it is 0."""
    red, alpha = np.full((20, 30, 3), [1, 0, 0], np.float32), np.ones((20, 30), np.float32)
    alpha[:, :10], alpha[:, 10:20] = 0, 0.5
    sheet = contact_sheet([red], gap=4, alpha=alpha)
    paper = np.float32(PAPER) / 255
    assert np.array_equal(sheet[5, 30], red[0, 0]) and np.allclose(sheet[5, 5], paper)
    assert np.allclose(sheet[5, 20], (red[0, 0] + paper) / 2, atol=0.01)
    drawn = map_sheet(np.zeros((1, 2), np.float32), ["red"], [red], alpha=np.zeros((20, 30), np.float32))
    assert not (drawn[..., 0] > drawn[..., 1] + 0.5).any()


def test_metadata_on_the_command_line(network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """paint leaves the place out, and keeps it with --keep-metadata; the author stays in both."""
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "A. Tester"
    exif[ExifTags.IFD.GPSInfo] = {1: "N"}
    photo = tmp_path / "photo.jpg"
    Image.fromarray(np.full((30, 40, 3), 90, np.uint8)).save(photo, exif=exif.tobytes())
    for words, kept in (((), {}), (("--keep-metadata",), {1: "N"})):
        output = tmp_path / f"out-{len(words)}.jpg"
        assert run("paint", photo, "-s", "red", "-o", output, "--network", network_file, *words, capsys=capsys)[0] == 0
        with Image.open(output) as image:
            found = image.getexif()
            assert found[ExifTags.Base.Artist] == "A. Tester" and found.get_ifd(ExifTags.IFD.GPSInfo) == kept


# ---- what can be known before the work


@pytest.mark.parametrize(("suffix", "limit"), [("jpg", 65_500), ("webp", 16_383)])
def test_the_limits_of_a_format_are_known_before_the_work(suffix: str, limit: int, tmp_path: Path) -> None:
    """check_target refuses what the format cannot hold, and names the file and a way out."""
    target = tmp_path / f"wide.{suffix}"
    pictures.check_target(target, width=limit, height=20)
    with pytest.raises(PictureError, match=rf"wide.{suffix} .* at most {limit} pixels .* PNG or TIFF"):
        pictures.check_target(target, width=limit + 1, height=20)
    pictures.check_target(tmp_path / "wide.png", width=10 * limit, height=20)


@pytest.mark.parametrize(("suffix", "limit"), [("gif", 65_535), ("webp", 16_383)])
def test_the_limits_of_an_animation(suffix: str, limit: int, tmp_path: Path) -> None:
    """So are those of animations, also when frames come that are too large."""
    target = tmp_path / f"wide.{suffix}"
    animation.check_target(target, width=limit, height=2)
    for check in (
        lambda: animation.check_target(target, width=2, height=limit + 1),
        lambda: animation.save([np.zeros((1, limit + 1, 3), np.float32)], target),
    ):
        with pytest.raises(PictureError, match=f"at most {limit} pixels"):
            check()
    assert not target.exists()


@pytest.mark.parametrize("error", [MemoryError(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "gif"])
def test_a_failure_of_writing_is_a_sentence(
    suffix: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No memory or no room on the disk is one sentence that names the file, and the old file stays."""

    def fail(*_: object, **__: object) -> None:
        raise error

    target = tmp_path / f"out.{suffix}"
    target.write_text("old")
    monkeypatch.setattr(Image.Image, "save", fail)
    picture = np.zeros((4, 4, 3), np.float32)
    with pytest.raises(PictureError, match=rf"out.{suffix} cannot be written.*(memory ran out|No space left)"):
        animation.save([picture], target) if suffix == "gif" else pictures.save(picture, target)
    assert [each.read_text() for each in tmp_path.iterdir()] == ["old"]


def test_a_reader_that_goes_away(photos: Path, network_file: Path) -> None:
    """Standard output that is closed too early ends without a word."""
    words = [sys.executable, "-m", "impasto", "paint", str(photos / "photo0.png"), "-s", "red", "-o", "-"]
    pipe = subprocess.PIPE
    with subprocess.Popen([*words, "--network", str(network_file)], stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode != 0
