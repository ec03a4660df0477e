"""What the site computes in JavaScript is what the library computes: Python's numbers beside the browser's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from driven import STYLE
from PIL import Image, ImageFilter
from playwright.sync_api import Browser
from sited import Served, Site, bare_page, modules

from impasto import assets, pictures
from impasto.painting import passes
from impasto.painting.grain import grained
from impasto.pictures import recolor, transparency
from impasto.styles import blend, strokes
from impasto.styles.bank import Bank

pytestmark = pytest.mark.browser
HEIGHT, WIDTH = 61, 83
STYLES = (STYLE, "hokusai-great-wave", "munch-the-scream", "klimt-the-kiss")


@pytest.fixture(scope="module")
def page(browser: Browser, site: Served) -> Iterator[Site]:
    """A page of the site, whose modules are asked."""
    yield from bare_page(browser, site)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank.load(assets.bank_file("fast"))


def planes(pixels: np.ndarray) -> Any:
    return list(pixels.transpose(2, 0, 1))


def joined(planes: Any, height: int, width: int) -> np.ndarray:
    return np.array(planes).reshape(-1, height, width).transpose(1, 2, 0)


PICTURE = f"const p = {{width: {WIDTH}, height: {HEIGHT}, planes: D.a.map(u8)}};"


@pytest.mark.parametrize("size", [(40, 29), (100, 90), (83, 20), (37, 61)])
def test_bytes_are_resized_alike(page: Site, pixels: np.ndarray, size: tuple[int, int]) -> None:
    """Lanczos on bytes gives Pillow's bytes, larger and smaller."""
    found = modules(page, PICTURE + "return list(R.resized(p, ...D.size).planes)", a=planes(pixels), size=size)
    expected = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    assert np.array_equal(joined(found, size[1], size[0]), expected)


def test_floats_are_resized_alike(page: Site, pixels: np.ndarray) -> None:
    """Lanczos on floats gives Pillow's floats, and colours count as far as they are seen."""
    opacity = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
    code = PICTURE + "return list(R.shrunkColors(p, 50, 37, D.opacity && u8(D.opacity)).planes)"
    for each in (None, opacity):
        expected = pictures.to_bytes(pictures.resize(pixels, 50, opacity=each))
        given = each
        assert np.array_equal(joined(modules(page, code, a=planes(pixels), opacity=given), 37, 50), expected)


@pytest.mark.parametrize("kind", ["bytes", "floats"])
def test_grain_is_alike(page: Site, pixels: np.ndarray, kind: str) -> None:
    """The grain in even places, white, black and grey, and in dark ones is the library's to the last bit."""
    pixels[:30, :40], pixels[30:, :40], pixels[40:, 50:] = 255, 0, (90, 91, 92)
    pixels[30:40, 50:] >>= 2
    given = pixels if kind == "bytes" else pictures.unit(pixels)
    code = "const planes = D.a.map(u8);" if kind == "bytes" else "const planes = D.a.map(f4);"
    code += f"return list(G.grained({{width: {WIDTH}, height: {HEIGHT}, planes}}).planes)"
    found = modules(page, code, a=planes(given))
    expected = grained(given)
    assert 0.4 < (expected != given).any(-1).mean() < 0.8
    assert np.array_equal(joined(found, HEIGHT, WIDTH), expected)


def test_masks_are_stretched_alike(page: Site, pixels: np.ndarray) -> None:
    """A mask that is stretched to its photo is Pillow's, bilinear."""
    found = modules(page, PICTURE + "return list(R.resized(p, 200, 150, 'bilinear').planes)", a=planes(pixels))
    expected = np.asarray(Image.fromarray(pixels).resize((200, 150), Image.Resampling.BILINEAR))
    assert np.array_equal(joined(found, 150, 200), expected)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 1.7, 8.25, 40.0])
def test_edges_are_softened_alike(page: Site, sigma: float) -> None:
    """A blurred mask is Pillow's, byte for byte, also where the blur is wider than the mask."""
    mask = np.random.default_rng(6).integers(0, 2, (HEIGHT, WIDTH)).astype(np.uint8) * 255
    mask[:20], mask[40:, :30] = 255, 0
    found = modules(
        page, "return coded(R.blurredPlane(u8(D.mask), ...D.given))", mask=mask, given=[WIDTH, HEIGHT, sigma]
    )
    expected = np.asarray(Image.fromarray(mask).filter(ImageFilter.GaussianBlur(sigma)))
    assert np.array_equal(found.reshape(HEIGHT, WIDTH), expected)


SIZES = [(4000, 3000, "medium"), (1500, 1000, "medium"), (1434, 900, "medium"), (9000, 500, "large"), (300, 200, 100)]


@pytest.mark.parametrize("width, height, brush", [*SIZES, (5000, 4000, "small"), (1025, 3001, 333)])
def test_the_first_pass_has_the_same_size(page: Site, width: int, height: int, brush: Any) -> None:
    """Width and height of the first of two passes, or that there is none."""
    found = modules(page, "return P.firstSize(...D.given)", given=[width, height, brush])
    assert found == (lambda size: size and [*size[::-1]])(passes.first_size(height, width, brush))


@pytest.mark.parametrize("finer", [0.25, 0.7, 1, 1.4, 4])
@pytest.mark.parametrize("width, height, brush", [*SIZES, (300, 200, "small"), (16, 8000, "medium")])
def test_finer_strokes_have_the_same_size(page: Site, width: int, height: int, brush: Any, finer: float) -> None:
    """Of strokes that are finer, or larger, too: the pass may be larger than the picture then."""
    found = modules(page, "return P.firstSize(...D.given)", given=[width, height, brush, finer])
    assert found == (lambda size: size and [*size[::-1]])(passes.first_size(height, width, brush, finer))


def test_two_passes_cross_alike(page: Site) -> None:
    """What the second pass paints, and what the painting takes from the first, of photos and paintings of noise."""
    rng = np.random.default_rng(2)
    photo, painted = (rng.integers(0, 256, (150, 201, 3), np.uint8) for _ in range(2))
    first = rng.random((3, 48, 64), np.float32)
    code = """
      const p = (planes, width, height, kind) => ({width, height, planes: planes.map(kind)});
      const photo = p(D.photo, 201, 150, u8), first = p(D.first, 64, 48, f4), painted = p(D.painted, 201, 150, u8);
      const small = P.shrunk(photo, 64, 48);
      return [list(small.planes), list(P.second(first, photo, small).planes), list(P.crossed(first, painted).rows())];
    """
    found = modules(page, code, photo=planes(photo), painted=planes(painted), first=list(first))
    small = passes.shrunk(photo, (48, 64))
    assert np.abs(np.array(found[0]).reshape(3, 48, 64) - small).max() < 1e-6
    assert np.abs(joined(found[1], 150, 201) - passes.Second(first, photo, small).whole()).max() <= 1
    assert np.abs(np.array(found[2]).reshape(3, 150, 201) - passes.crossed(first, painted)(slice(None))).max() < 1e-5


MIXES = [
    ({STYLES[0]: 1}, 1),
    ({STYLES[0]: 0.3, STYLES[1]: 0.9}, 1),
    ({STYLES[0]: 0.3, STYLES[1]: 0.9}, 0.4),
    ({STYLES[2]: 3, "photo": 1}, 1.5),
    ({STYLES[3]: 1}, 0),
]


def test_rows_are_mixed_alike(page: Site, bank: Bank) -> None:
    """The rows of mixes are those of ``blend.mix``, one style bitwise its own, and as much is shown of a painting."""
    rows = {name: bank[name] for name in (*STYLES, "photo")}
    code = """
      const rows = Object.fromEntries(Object.entries(D.rows).map(([name, row]) => [name, f4(row)]));
      const row = (styles) => coded(B.mix((name) => rows[name], styles));
      return D.mixes.map(([styles, strength]) => [row(styles), B.styleShare(styles, strength)]);
    """
    found = modules(page, code, rows=rows, mixes=MIXES)
    for (styles, strength), (row, share) in zip(MIXES, found, strict=True):
        assert np.abs(np.array(row) - blend.mix(bank, styles)).max() < 1e-5
        assert share == pytest.approx(blend.style_share(styles, strength=strength))
    assert np.array_equal(np.float32(found[0][0]), bank[STYLES[0]])


def test_squares_are_alike(page: Site, bank: Bank) -> None:
    """A square of four styles is ``blend.square``."""
    found = modules(page, "return list(B.square(D.rows.map(f4), 3))", rows=[bank[name] for name in STYLES])
    assert np.abs(np.array(found).reshape(3, 3, -1) - blend.square(bank, STYLES, 3)).max() < 1e-6


def test_colours_are_kept_alike(page: Site, pixels: np.ndarray) -> None:
    """``keep_color`` of a painting and a photo of noise."""
    photo = np.random.default_rng(4).integers(0, 256, pixels.shape, np.uint8)
    code = "return list(K.keepColor(D.a.map(u8).map(R.unit), D.b.map(u8).map(R.unit)))"
    found = modules(page, code, a=planes(pixels), b=planes(photo))
    assert (
        np.abs(joined(found, HEIGHT, WIDTH) - recolor.keep_color(pictures.unit(pixels), pictures.unit(photo))).max()
        < 1e-6
    )


@pytest.mark.parametrize("kind", ["ragged", "nothing", "solid", "island"])
def test_what_is_behind_transparency_is_alike(page: Site, pixels: np.ndarray, kind: str) -> None:
    """Colours that nobody sees follow from the visible ones, pixel for pixel as in the library."""
    rng = np.random.default_rng(5)
    opacity = rng.integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
    opacity[rng.random((HEIGHT, WIDTH)) < 0.5] = 0
    opacity[:10], opacity[20:30, :40] = 0, rng.integers(0, 20, (10, 40))
    if kind != "ragged":
        opacity[:] = 255 * (kind == "solid")
    if kind == "island":
        opacity[20:40, 30:50] = 255
    code = PICTURE + "return list(T.cover(p, u8(D.opacity)).planes)"
    found = modules(page, code, a=planes(pixels), opacity=opacity)
    assert np.array_equal(joined(found, HEIGHT, WIDTH), transparency.cover(pixels, opacity))


def test_stroke_sizes_are_alike(page: Site, bank: Bank) -> None:
    """The row between two known stroke sizes is that of ``strokes.row``."""
    one, other = bank[STYLES[0]], bank[STYLES[1]]
    cards = [strokes.card(bank.card(STYLES[0]), 350), strokes.card(bank.card(STYLES[1]), 1400, of="own")]
    taught = bank.select([STYLES[0], STYLES[1]])
    taught = type(bank)(
        names=("own", "own.1400"), rows=taught.rows, cards=tuple(cards), network="fast", fingerprint="x"
    )
    for size in (350, 500, 1400):
        given = {"350": one, "1400": other}
        code = "return coded(F.rowAtSize({350: f4(D.sizes[350]), 1400: f4(D.sizes[1400])}, D.size))"
        found = modules(page, code, sizes=given, size=size)
        assert np.abs(np.array(found) - strokes.row(taught, "own", size)).max() < 1e-6


def test_a_file_of_styles_is_read_alike(page: Site, bank: Bank, tmp_path: Any) -> None:
    """Names, fingerprint and rows of a bank's file are those that ``Bank.load`` gives."""
    path = tmp_path / "two.safetensors"
    bank.select(STYLES[:2]).save(path)
    code = """
      const {styles, ...rest} = await F.readBank(u8(D.data).buffer);
      return [rest, styles.map(({name, row}) => [name, coded(row)])];
    """
    rest, styles = modules(page, code, data=np.frombuffer(path.read_bytes(), np.uint8))
    assert rest == {"network": "fast", "fingerprint": bank.fingerprint}
    assert [name for name, _ in styles] == list(STYLES[:2])
    assert all(np.array_equal(np.float32(row), bank[name]) for name, row in styles)


@pytest.mark.parametrize(
    "break_it", [lambda data: data[:-4], lambda data: data[:-1] + b"\1", lambda data: b"PK\3\4" + data]
)
def test_a_damaged_file_of_styles_is_refused(page: Site, bank: Bank, tmp_path: Any, break_it: Any) -> None:
    """A file that is cut short, changed, or of another kind is no style."""
    path = tmp_path / "one.safetensors"
    bank.select(STYLES[:1]).save(path)
    code = "return F.readBank(u8(D.data).buffer).then(() => 'read', ({code}) => code)"
    assert modules(page, code, data=np.frombuffer(break_it(path.read_bytes()), np.uint8)) == "bad-style"
