"""Large pictures in two passes, through the painter: every dial once, tiles as whole, nothing changed below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto import pictures
from impasto.errors import OptionError, PictureError
from impasto.painting import memory, passes
from impasto.painting.grain import grained
from impasto.painting.painter import Painter
from impasto.styles.bank import PHOTO, Bank

pytest.importorskip("onnx")

BRUSH = 120  # pixels: the first pass of these tests


@pytest.fixture(scope="module")
def painter(network_file: Path) -> Painter:
    return Painter(network_file, runtime="openvino", precision="f32", threads=2)


@pytest.fixture
def tight(network_file: Path, monkeypatch: pytest.MonkeyPatch) -> Painter:
    """A painter that has so little memory that it paints everything in small tiles."""
    monkeypatch.setattr("impasto.painting.planner.LEAST_BYTES", 1_600_000)
    monkeypatch.setattr("impasto.painting.tiles.cutting.KEPT_LIMIT", 0.0)  # nothing is rounded to float16 on its way
    return Painter(network_file, runtime="openvino", precision="f32", threads=2, max_memory=1)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """A photo of 330 x 201 pixels, with large and fine things in it."""
    rng = np.random.default_rng(7)
    coarse = np.asarray(Image.fromarray(rng.integers(0, 200, (11, 15, 3), np.uint8)).resize((330, 201)))
    return coarse + rng.integers(0, 56, coarse.shape, np.uint8)


def two_passes(painter: Painter, photo: np.ndarray, style: str) -> pictures.Picture:
    """What should come out, step by step."""
    small = passes.shrunk(photo, (73, 120))
    first = painter.network.paint(grained(np.ascontiguousarray(small.transpose(1, 2, 0))), painter.bank[style])
    planes = np.ascontiguousarray(first.transpose(2, 0, 1))
    seen = passes.Second(planes, photo, small).whole()
    second = painter.network.paint(pictures.unit(seen), painter.bank[style])
    return np.clip(second + passes.crossed(planes, second)(slice(None)).transpose(1, 2, 0), 0, 1)


def test_two_passes(painter: Painter, photo: np.ndarray) -> None:
    """Small, then that enlarged with the photo's detail, and the first one's coarse band: uint8, float32 and uint16."""
    expected = two_passes(painter, photo, "red")
    floats = painter.prepare(photo, "red", brush=BRUSH, kind=np.float32).paint()
    np.testing.assert_allclose(floats, expected, atol=1e-4)
    apart = painter.paint_array(photo, "red", brush=BRUSH).astype(int) - pictures.to_bytes(expected)
    assert np.abs(apart).max() <= 5 and np.abs(apart).mean() < 0.6  # bytes are rounded on the way, and clipped
    floats = two_passes(painter, pictures.unit(photo), "red")
    for pixels in (pictures.unit(photo), photo.astype(np.uint16) * 257):
        painted = painter.paint_array(pixels, "red", brush=BRUSH)
        assert painted.dtype == pixels.dtype
        np.testing.assert_allclose(pictures.unit(painted), floats, atol=1e-4)
    assert np.abs(expected - painter.paint_array(pictures.unit(photo), "red", brush="small")).mean() > 0.01


def test_both_runtimes(painter: Painter, photo: np.ndarray, network_file: Path) -> None:
    """ONNX Runtime paints the same in two passes."""
    other = Painter(network_file, runtime="onnxruntime", threads=1)
    apart = other.paint_array(photo, "red", brush=BRUSH).astype(int) - painter.paint_array(photo, "red", brush=BRUSH)
    assert np.abs(apart).max() <= 2  # what the second pass sees is rounded to 8 bits, as the photo is


@pytest.mark.usefixtures("planned_alone")
def test_smaller_pictures_stay_as_they_were(network_file: Path, photo: np.ndarray) -> None:
    """A picture that the brush's first pass would hardly shrink is painted in one pass, bit by bit as without."""
    painter = Painter(network_file, runtime="onnxruntime", threads=1)  # OpenVINO's last bits depend on what came before
    once = painter.paint_array(photo, "red", brush="small")
    for brush in ("medium", "large", 330, 240):
        np.testing.assert_array_equal(painter.paint_array(photo, "red", brush=brush), once)
    np.testing.assert_array_equal(painter.paint_array(photo, "red"), once)
    assert painter.plan(1400, 1000) == painter.plan(1400, 1000, brush="small")


def test_the_default_begins_at_1024_pixels(painter: Painter) -> None:
    """A plan says where a large picture begins: at 1,024 pixels, 640 with a large brush."""
    found = [painter.plan(4000, 3000, brush=brush).first for brush in ("medium", "large", "small", 500)]
    assert painter.plan(4000, 3000).first == 1024 and found == [1024, 640, 0, 500]


LONG = [(700, 16), (64, 300), (20, 30)]  # sizes whose tiles take their time
MASK = np.zeros((201, 330), np.uint8)
MASK[:, :150] = 200
DIALS: dict[str, dict[str, Any]] = {
    "plain": {},
    "strength": {"strength": 0.4},
    "color": {"keep_color": True},
    "size": {"size": 250},
    "enlarge": {"size": 400, "enlarge": True},
    "masks": {"masks": {"blue": MASK, "photo": np.float32(0.7) * (np.arange(201) < 50)[:, None] * np.ones(330)}},
    "all": {"strength": 0.8, "keep_color": True, "size": 300, "masks": {"blue": MASK}},
}


SLOW = {name: () if name in ("plain", "all") else pytest.mark.process for name in DIALS}


@pytest.mark.parametrize("dials", [pytest.param(each, marks=SLOW[name]) for name, each in DIALS.items()], ids=DIALS)
def test_in_tiles_as_whole(painter: Painter, tight: Painter, photo: np.ndarray, dials: dict[str, Any]) -> None:
    """In tiles two passes paint what they paint whole, with every dial."""
    whole = painter.paint_array(photo, "red", brush=BRUSH, **dials)
    tiled = tight.paint_array(photo, "red", brush=BRUSH, **dials)
    size = {name: dials[name] for name in ("size", "enlarge") if name in dials}
    planned = tight.plan(330, 201, brush=BRUSH, masks=len(dials.get("masks", {})), **size)
    assert not planned.whole and planned.tiles > 1 and planned.first == BRUSH
    assert tiled.dtype == np.uint8 and tiled.shape == whole.shape == (planned.height, planned.width, 3)
    assert np.abs(tiled.astype(int) - whole).max() <= 2 + ("masks" in dials)  # both round twice, blends once more


@pytest.mark.parametrize("dials", [{}, {"keep_color": True}], ids=["deep", "color"])
def test_deep_pictures_in_tiles(painter: Painter, tight: Painter, photo: np.ndarray, dials: dict[str, Any]) -> None:
    """What is painted in floats is rounded once, at the end: 16 bits and kept colours are in tiles as in the whole."""
    deep = photo.astype(np.uint16) * 257
    whole, tiled = (each.paint_array(deep, "red", brush=BRUSH, **dials) for each in (painter, tight))
    assert np.abs(tiled.astype(int) - whole).max() <= 257  # 1 of 255


def test_enlarge_needs_a_size(painter: Painter, photo: np.ndarray) -> None:
    """To enlarge without a size, or perhaps, is an error in painting, previews and plans."""
    for wrong in ({"enlarge": True}, {"enlarge": "no", "size": 400}):
        for action in (painter.paint, painter.preview):
            with pytest.raises(OptionError, match="enlarge"):
                action(photo, "red", **wrong)
        with pytest.raises(OptionError, match="enlarge"):
            painter.plan(330, 201, **wrong)


def test_a_plan_beyond_memory_is_refused(painter: Painter) -> None:
    """A plan for what no memory holds is the sentence that painting it would give, at once."""
    with pytest.raises(PictureError, match="GB of memory"):
        painter.plan(300, 200, size=1_000_000, enlarge=True)


def test_tiles_do_not_round_floats(painter: Painter, tight: Painter, photo: np.ndarray) -> None:
    """In float32 two passes in tiles are those over the whole; of 8-bit photos within the rounding of what is seen."""
    for pixels, close in ((pictures.unit(photo), 2e-4), (photo, 0.01)):
        jobs = (each.prepare(pictures.Photo(pixels), "red", brush=BRUSH, kind=np.float32) for each in (painter, tight))
        whole, tiled = (job.paint() for job in jobs)
        np.testing.assert_allclose(tiled, whole, rtol=0, atol=close)


def test_nothing_of_a_style_is_the_photo(painter: Painter, photo: np.ndarray) -> None:
    """Strength 0 and the style ``photo`` are the photo itself, to the last bit."""
    for dials in ({"style": "red", "strength": 0}, {"style": PHOTO}):
        np.testing.assert_array_equal(painter.paint_array(photo, brush=BRUSH, **dials), photo)
    inside = np.zeros((201, 330), np.uint8)
    inside[50:150, 100:200] = 255
    painted = painter.paint_array(photo, PHOTO, brush=BRUSH, masks={"red": inside})
    np.testing.assert_array_equal(painted[inside == 0], photo[inside == 0])
    assert np.abs(painted[inside > 0].astype(int) - photo[inside > 0]).mean() > 5


def test_strength_acts_once(painter: Painter, photo: np.ndarray) -> None:
    """The photo shines through a weak painting once: a little more strength changes a little."""
    weak = [painter.paint_array(pictures.unit(photo), "red", brush=BRUSH, strength=s) for s in (0.02, 0.1, 0.2, 0.4)]
    apart = [float(np.abs(each - pictures.unit(photo)).mean()) for each in weak]
    assert apart == sorted(apart) and apart[0] < 0.01


def test_colors_are_kept_once(painter: Painter, photo: np.ndarray) -> None:
    """With the photo's colours kept, luma is that of the painting in two passes, hue the photo's."""
    plain = painter.paint_array(pictures.unit(photo), "red", brush=BRUSH)
    kept = painter.paint_array(pictures.unit(photo), "red", brush=BRUSH, keep_color=True)
    np.testing.assert_allclose(kept, pictures.keep_color(plain, pictures.unit(photo)), atol=1e-5)


def test_progress(tight: Painter, photo: np.ndarray) -> None:
    """Both passes tell how far they are, and the painting comes once, at the end."""
    steps = list(tight.steps(photo, "red", brush=BRUSH))
    shares = [step.share for step in steps]
    assert shares == sorted(shares) and shares[-1] == 1
    assert [step.painted is None for step in steps] == [True] * (len(steps) - 1) + [False]


def test_preview_is_the_first_pass(painter: Painter, photo: np.ndarray) -> None:
    """A preview is the first pass; where there is none it is the painting; both with the photo's transparency."""
    small = np.ascontiguousarray(passes.shrunk(photo, (73, 120)).transpose(1, 2, 0))
    shown = painter.preview(photo, "red", brush=BRUSH)
    assert shown.size == (120, 73)
    assert np.abs(np.asarray(shown).astype(int) - pictures.to_bytes(painter.paint_array(small, "red"))).max() <= 1
    once = [np.asarray(show(photo, "red"), int) for show in (painter.preview, painter.paint)]
    assert np.abs(once[0] - once[1]).max() <= 1
    clear = Image.fromarray(np.dstack([photo, MASK]))
    shown = painter.preview(clear, "red", brush=BRUSH, strength=0.7, keep_color=True, masks={"blue": "alpha"})
    assert shown.mode == "RGBA" and shown.size == (120, 73)
    assert painter.preview(photo, "red", size=1000, enlarge=True, brush=400).size == (400, 244)


def test_enlarged(painter: Painter, photo: np.ndarray) -> None:
    """A size beyond the photo's own counts only where it is asked for; then the painting has it."""
    assert painter.paint(photo, "red", size=600).size == (330, 201)
    assert painter.paint(photo, "red", size=600, enlarge=True).size == (600, 365)
    assert painter.paint(photo, "red", size=200, enlarge=True).size == (200, 122)
    painted = painter.paint(Image.fromarray(np.dstack([photo, MASK])), "red", size=400, enlarge=True)
    assert painted.mode == "RGBA" and painted.size == (400, 244)
    picture = painter.paint_array(photo, "red", size=400, enlarge=True, strength=0)
    np.testing.assert_array_equal(picture, passes.enlarged(photo, (244, 400)))


def test_too_large_to_be_enlarged(painter: Painter, photo: np.ndarray) -> None:
    """A size that no memory holds is one sentence, at once."""
    with pytest.raises(PictureError, match="takes .* GB of memory, and .* GB are free; give a smaller size"):
        painter.paint(photo, "red", size=900_000, enlarge=True)


@pytest.mark.parametrize("brush", ["huge", "", "100", 15, 0, -5, 1.5, True, None, float("nan"), 10**7], ids=str)
def test_no_brush(painter: Painter, photo: np.ndarray, brush: Any) -> None:
    """What is no brush is an OptionError that says what one is."""
    with pytest.raises(OptionError, match="brush must be small, medium, large or a whole number from 16"):
        painter.paint_array(photo, "red", brush=brush)
    with pytest.raises(OptionError, match="brush must be"):
        painter.plan(100, 100, brush=brush)


@pytest.mark.parametrize(
    "shape", [(2, 700), (1, 1), *(pytest.param(size, marks=pytest.mark.process) for size in LONG)], ids=str
)
def test_thin_and_small(painter: Painter, tight: Painter, shape: tuple[int, int]) -> None:
    """Photos that are thin, or smaller than the first pass, are painted, whole and in tiles alike."""
    photo = np.random.default_rng(4).integers(0, 256, (*shape, 3), np.uint8)
    whole, tiled = (each.paint_array(photo, "red", brush=16) for each in (painter, tight))
    assert whole.shape == photo.shape and np.abs(tiled.astype(int) - whole).max() <= 2


def test_mask_of_another_size(painter: Painter, photo: np.ndarray) -> None:
    """A mask of another size is one sentence, as in one pass."""
    with pytest.raises(PictureError, match="make the mask as large as the photo"):
        painter.paint_array(photo, "red", brush=BRUSH, masks={"blue": MASK[:50]})


@pytest.mark.usefixtures("planned_alone")
def test_memory_of_two_passes(network_file: Path) -> None:
    """A plan for two passes takes little more than one for one, whole and in tiles."""
    for limit in (1e9, 1e12):
        painter = Painter(network_file, runtime="openvino", max_memory=limit)
        one, two = (painter.plan(8000, 6000, brush=brush) for brush in ("small", "medium"))
        assert one.whole == two.whole
        assert one.memory < two.memory < 1.1 * one.memory


def test_no_claim_stays(painter: Painter, photo: np.ndarray) -> None:
    """Memory that both passes claimed is given back, also where the second one is given up."""
    steps = painter.steps(photo, "red", brush=BRUSH)
    next(steps)
    steps.close()
    assert memory.claims._total == 0


# ---- another network for the first pass


def test_another_network_begins(painter: Painter, photo: np.ndarray, network_file: Path) -> None:
    """``first`` makes the first pass, if it knows the styles as they came with the painter's own network."""
    composer = Painter(network_file, runtime="openvino", precision="f32")
    composer.bank = composer.bank.remove("blue")
    calls: list[Any] = []
    composer.network.paint = lambda *a: calls.append(a) or np.full(a[0].shape, 0.5, np.float32)  # type: ignore
    two = Painter(network_file, runtime="openvino", precision="f32")
    assert two.first is None
    two.first = composer
    painted = two.paint_array(pictures.unit(photo), "red:1,green:1", brush=BRUSH)
    assert len(calls) == 1 and calls[0][0].shape == (73, 120, 3)
    assert abs(float(painted.mean()) - 0.5) < 0.05
    np.testing.assert_array_equal(two.preview(photo, "red", brush=BRUSH), 128)
    for style in ("blue", two.bank["red"]):
        two.paint_array(pictures.unit(photo), style, brush=BRUSH)
    two.bank = two.bank.add("red", -two.bank["red"], two.bank.card("red"), replace=True)
    two.paint_array(pictures.unit(photo), "red", brush=BRUSH)
    assert len(calls) == 2  # none of these three is the other network's


def test_full_begins_for_fast() -> None:
    """The network ``fast`` that comes along lets ``full`` make the first pass, in the same precision."""
    from impasto import assets

    if not {"full", "fast"} <= set(assets.networks()):
        pytest.skip("no trained networks in this checkout")
    first = Painter("fast", precision="f32").first
    assert first is not None and first.network.name == "full" and first.network.precision == "f32"
    assert Painter("full").first is None
    assert isinstance(first.bank, Bank)


def test_first_is_a_painter(painter: Painter) -> None:
    """What is no painter is refused when it is set."""
    with pytest.raises(OptionError, match="first is a Painter or None, not of type int"):
        painter.first = 3  # type: ignore[assignment]
