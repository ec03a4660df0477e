"""The same page without a server: what it paints is the library's painting, and it paints with the cable out."""

from __future__ import annotations

import base64
import gzip
import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from driven import OTHER, STYLE, THIRD, drawn
from PIL import Image, ImageCms
from playwright.sync_api import Browser, expect
from sited import Served, Site, bare_page, served

import impasto
from impasto.styles.bank import Bank
from tests.pictures.drawn import swapped_profile

pytestmark = pytest.mark.browser
NEAR = 2  # of 255
AMPLIFIED = 6  # where what is painted differs by 1 of 255 itself: the network is bold
MOST = 5_000_000  # bytes of a first visit, packed


@pytest.fixture(scope="module")
def painter() -> impasto.Painter:
    """What the browser's paintings are held against."""
    return impasto.Painter("fast", precision="f32")


@pytest.fixture(scope="module")
def open_site(browser: Browser, site: Served) -> Iterator[Site]:
    """One page for all paintings that need no page of their own."""
    yield from bare_page(browser, site)


@pytest.fixture
def page(make_site: Any, site: Served) -> Site:
    return make_site(site.address).open()


def png(image: Image.Image, **options: Any) -> bytes:
    return encoded(image, "PNG", **options)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def library(painter: impasto.Painter, photo: bytes, style: Any, **dials: Any) -> np.ndarray:
    return np.asarray(painter.paint(io.BytesIO(photo), style, **dials)).astype(int)


def near(found: np.ndarray, expected: np.ndarray, most: int = NEAR) -> bool:
    """Within ``most`` of 255 where something is seen."""
    if found.shape != expected.shape:
        raise AssertionError((found.shape, expected.shape))
    return int(np.abs(found - expected).max()) <= most


def downloaded(page: Any, path: Path, button: str = "Download") -> Path:
    with page.page.expect_download(timeout=120_000) as coming:
        page.tool(button).click()
    target = path / coming.value.suggested_filename
    coming.value.save_as(target)
    return target


def as_png(page: Any) -> None:
    page.page.locator("#options").click()
    page.page.get_by_role("radio", name="PNG").check()
    page.page.keyboard.press("Escape")


def array(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


# ---- what is painted

MIX = {STYLE: 0.5, OTHER: 0.3, THIRD: 0.2}
LOOKS: dict[str, tuple[Any, dict[str, Any]]] = {
    "one style": (STYLE, {}),
    "a mix": (MIX, {}),
    "weak": (MIX, {"strength": 0.3}),
    "strong": (STYLE, {"strength": 1.4}),
    "the photo": (STYLE, {"strength": 0.0}),
    "half the photo": ({STYLE: 0.5, "photo": 0.5}, {}),
    "its colours": (OTHER, {"keep_color": True, "strength": 0.8}),
    "smaller": (STYLE, {"size": 200}),
    "larger": (STYLE, {"size": 400, "enlarge": True}),
    "two passes": (STYLE, {"brush": 150}),
    "two passes, its colours": (MIX, {"brush": 150, "keep_color": True, "strength": 0.4}),
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_is_painted_as_the_library_paints_it(open_site: Site, painter: impasto.Painter, look: str) -> None:
    """Every dial, on a photo of odd size: no pixel is further than 2 of 255 from ``impasto paint``, in two passes 6."""
    style, dials = LOOKS[look]
    photo = png(drawn(317, 243))
    most = AMPLIFIED if "brush" in dials else NEAR  # what differs in the first pass is painted on
    assert near(open_site.paint(photo, style, **dials), library(painter, photo, style, **dials), most)


FINE = [(500, {}), (2000, {}), (500, {"keep_color": True, "strength": 0.4})]


@pytest.mark.parametrize("size, dials", FINE, ids=["fine", "large", "fine, its colours"])
def test_strokes_are_painted_as_the_library_paints_them(
    open_site: Site, painter: impasto.Painter, size: int, dials: dict[str, Any]
) -> None:
    """Half and twice the stroke size of `fast`, which learned at 1000: painted larger and shrunk, or in two passes."""
    photo = png(drawn(317, 243))
    found = open_site.paint(photo, STYLE, finer=1000 / size, **dials)
    assert near(found, library(painter, photo, STYLE, stroke_size=size, **dials), AMPLIFIED)


def test_full_is_painted_as_the_library_paints_it(open_site: Site) -> None:
    """The other network, too."""
    photo = png(drawn(200, 136))
    expected = library(impasto.Painter("full", precision="f32"), photo, OTHER)
    assert near(open_site.paint(photo, OTHER, network="full"), expected)


@pytest.mark.parametrize("dials", [{}, {"brush": 120, "strength": 0.4}])
def test_regions_are_painted_as_the_library_paints_them(
    open_site: Site, painter: impasto.Painter, dials: dict[str, Any]
) -> None:
    """Soft masks that overlap, one of them smaller than the photo, one that keeps the photo."""
    photo, (y, x) = png(drawn(240, 160)), np.mgrid[:160, :240]
    left = (255 * np.clip(1.5 - x / 80, 0, 1)).astype(np.uint8)
    low = np.asarray(Image.fromarray((255 * np.clip(y / 60 - 1.5, 0, 1)).astype(np.uint8)).resize((120, 80)))
    stretched = np.asarray(Image.fromarray(low).resize((240, 160), Image.Resampling.BILINEAR))
    found = open_site.paint(photo, STYLE, [(left, {OTHER: 1}), (low, {"photo": 1})], **dials)
    masks = {OTHER: left, "photo": stretched}
    assert near(found, library(painter, photo, STYLE, masks=masks, **dials))


PROTECTS: dict[str, dict[str, Any]] = {
    "a face": {},
    "a weak one": {"strength": 0.5},
    "two passes": {"brush": 100},
    "smaller": {"size": 150},
}


@pytest.mark.parametrize("look", PROTECTS)
def test_what_is_protected_is_painted_as_the_library_paints_it(
    open_site: Site, painter: impasto.Painter, look: str
) -> None:
    """A face, with a hard edge, over two styles and the photo."""
    photo, (y, x) = png(drawn(240, 160)), np.mgrid[:160, :240]
    face = (255 * (np.hypot(x - 120, y - 70) < 45)).astype(np.uint8)
    left, low = ((255 * part).astype(np.uint8) for part in (x < 110, y > 140))
    kept = {"width": 240, "height": 160, "data": base64.b64encode(face.tobytes()).decode()}
    found = open_site.paint(photo, STYLE, [(left, {OTHER: 1}), (low, {"photo": 1})], protect=kept, **PROTECTS[look])
    masks = {OTHER: left, "photo": low}
    expected = library(painter, photo, STYLE, masks=masks, protect=face, **PROTECTS[look])
    assert near(found, expected, NEAR + ("brush" in PROTECTS[look]))  # as above


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright(open_site: Site, painter: impasto.Painter, orientation: int) -> None:
    """EXIF's orientation is applied, whichever it is."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = encoded(drawn(160, 96), "JPEG", quality=95, exif=exif)
    assert near(open_site.paint(photo, STYLE), library(painter, photo, STYLE))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_goes_along(open_site: Site, painter: impasto.Painter, mode: str) -> None:
    """Transparency stays, and what is behind it follows from what is seen."""
    image = drawn(150, 110)
    y, x = np.mgrid[:110, :150]
    alpha = Image.fromarray(np.clip(400 - 8 * np.hypot(x - 70, y - 50), 0, 255).astype(np.uint8))
    if mode == "P":
        image = image.quantize(64)
        image.info["transparency"] = bytes(range(0, 256, 4))
    else:
        image = image.convert(mode[:-1])
        image.putalpha(alpha)
    photo = png(image)
    assert near(open_site.paint(photo, STYLE), library(painter, photo, STYLE))


def wide_gamut() -> bytes:
    """A profile with the primaries of Display P3, adapted to D50, and sRGB's curve."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    places = {
        profile[at : at + 4]: struct.unpack(">I", profile[at + 4 : at + 8])[0] for at in range(132, 132 + 12 * 20, 12)
    }
    primaries = {
        b"rXYZ": (0.5151, 0.2412, -0.0011),
        b"gXYZ": (0.2919, 0.6922, 0.0419),
        b"bXYZ": (0.1572, 0.0666, 0.7841),
    }
    for name, values in primaries.items():
        numbers = struct.pack(">3i", *(round(65536 * value) for value in values))
        profile = profile[: places[name] + 8] + numbers + profile[places[name] + 20 :]
    return profile


@pytest.mark.parametrize("profile", [wide_gamut, swapped_profile])
def test_other_colours_become_those_of_the_screen(open_site: Site, painter: impasto.Painter, profile: Any) -> None:
    """A photo with a profile is brought to sRGB: Display P3, and one whose primaries are exchanged."""
    photo = encoded(drawn(160, 96), "JPEG", quality=95, icc_profile=profile())
    assert near(open_site.paint(photo, STYLE), library(painter, photo, STYLE), AMPLIFIED)


def test_the_download_is_the_painting(page: Site, painter: impasto.Painter, photo: Path, tmp_path: Path) -> None:
    """On the page: a photo, a mix, strength, colours; the PNG is the library's painting, and is known as ours."""
    page.add(photo)
    page.style(OTHER).click(modifiers=["Control"])
    for _ in range(20):
        page.page.locator("#strength").press("ArrowLeft")
    page.page.get_by_label("Keep the photo's colours").check()
    as_png(page)
    path = downloaded(page.painted(), tmp_path)
    assert path.suffix == ".png" and path.name.startswith("holiday")
    expected = library(painter, photo.read_bytes(), {STYLE: 0.5, OTHER: 0.5}, strength=0.8, keep_color=True)
    assert near(array(path), expected)
    assert impasto.pictures.made_by_impasto(path)


def test_the_dial_for_strokes(page: Site, painter: impasto.Painter, photo: Path, tmp_path: Path) -> None:
    """On the page: strokes half as large, and back again; preview and download are the library's painting."""
    page.add(photo)
    dial = page.page.get_by_role("slider", name="Stroke size")
    dial.fill("0")
    page.painted()
    expected = library(painter, photo.read_bytes(), STYLE, stroke_size=500)
    assert near(page.pixels()[..., :3].astype(int), expected, NEAR + 1)
    as_png(page)
    assert near(array(downloaded(page.painted(), tmp_path)), expected, NEAR + 1)
    dial.fill("50")
    assert near(page.painted().pixels()[..., :3].astype(int), library(painter, photo.read_bytes(), STYLE))


def test_the_dial_for_strength(page: Site, painter: impasto.Painter, photo: Path) -> None:
    """On the page every strength is the library's painting, also of what was painted at another one before."""
    page.add(photo)
    for strength in (0.4, 1.3, 0, 1):
        page.page.locator("#strength").fill(str(round(100 * strength)))
        found = page.painted().pixels()[..., :3].astype(int)
        assert near(found, library(painter, photo.read_bytes(), STYLE, strength=strength))
    page.style(OTHER).click()
    assert near(page.painted().pixels()[..., :3].astype(int), library(painter, photo.read_bytes(), OTHER))


def test_the_preview_is_the_painting(page: Site, painter: impasto.Painter, photo: Path) -> None:
    """What the page shows is the painting, at the size of the view."""
    page.add(photo)
    found = page.pixels()[..., :3].astype(int)
    assert near(found, library(painter, photo.read_bytes(), STYLE))


def test_the_loupe_shows_the_painting(page: Site, photo: Path) -> None:
    """The loupe shows the painting itself, not something about it."""
    page.add(photo)
    page.page.locator("#tool-loupe").click()
    expect(page.page.locator("#lens")).to_have_attribute("data-state", "painted")
    expect(page.page.locator("#lens-tag")).to_have_text("100 %")


# ---- what comes out


def test_many_photos_become_one_zip(page: Site, photo: Path, tmp_path: Path) -> None:
    """All photos are painted into one ZIP; one that is no picture is named."""
    second, broken = tmp_path / "second.png", tmp_path / "broken.png"
    drawn(200, 300, seed=1).save(second)
    broken.write_bytes(b"no picture")
    page.add(photo, second, broken)
    with zipfile.ZipFile(downloaded(page, tmp_path, "All 2 as ZIP")) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == [f"holiday-{STYLE}.jpg", f"second-{STYLE}.jpg"]
        with packed.open(f"second-{STYLE}.jpg") as file, Image.open(file) as picture:
            assert picture.size == (200, 300)
    expect(page.page.locator("#note-text")).to_contain_text("Not painted: broken.png.")


def test_a_size_and_dpi_are_kept(page: Site, photo: Path, tmp_path: Path) -> None:
    """The file has the size and the resolution that were asked for."""
    page.add(photo)
    page.page.locator("#options").click()
    page.page.get_by_label("Painted at").select_option(label="Other size")
    page.page.get_by_label("Longer side, px").fill("240")
    page.page.get_by_label("Longer side, px").press("Tab")
    page.page.get_by_label("Pixels per inch").fill("300")
    page.page.get_by_label("Pixels per inch").press("Tab")
    page.page.keyboard.press("Escape")
    path = downloaded(page.painted(), tmp_path)
    with Image.open(path) as picture:
        assert (picture.format, picture.size, picture.info["dpi"]) == ("JPEG", (240, 160), (300, 300))
    assert impasto.pictures.made_by_impasto(path)


def test_a_link_of_the_studio_brings_its_recipe(make_site: Any, site: Served, photo: Path) -> None:
    """A link says the same here as in the studio: styles, strength, network."""
    page = make_site(site.address).open(f"#style={STYLE}:0.5,{OTHER}:0.5&strength=0.6&network=fast").add(photo)
    expect(page.page.locator("#strength-value")).to_have_text("60%")
    page.tool("Copy the recipe").click()
    expect(page.page.locator("#share-link")).to_have_text(
        f"{site.address}#style={STYLE}:0.5,{OTHER}:0.5&strength=0.6&network=fast"
    )


def test_a_style_that_is_dropped_is_painted(page: Site, painter: impasto.Painter, photo: Path, tmp_path: Path) -> None:
    """A style's file becomes a style of the page, stays over a reload, and is painted as the library paints it."""
    bank = painter.bank
    row = (0.5 * bank[STYLE] + 0.5 * bank[THIRD]).astype("float32")
    own = bank.add("my-own", row, bank.card(STYLE)).select(["my-own"])
    own.save(tmp_path / "my-own.safetensors")
    page.add(photo)
    page.page.locator("#file").set_input_files(tmp_path / "my-own.safetensors")
    expect(page.style("my-own")).to_have_attribute("data-on", "")
    as_png(page)
    path = downloaded(page.painted(), tmp_path)
    assert near(array(path), library(painter, photo.read_bytes(), row))
    page.page.reload()
    expect(page.style("my-own")).to_be_visible()


@pytest.mark.parametrize(
    "kind, said", [("broken", "damaged or not a style"), ("other", "another network"), ("known", "here already")]
)
def test_a_style_that_cannot_be_taken(
    page: Site, painter: impasto.Painter, tmp_path: Path, kind: str, said: str
) -> None:
    """One sentence for a file that is damaged, of another network, or holds what is here."""
    path, bank = tmp_path / "one.safetensors", painter.bank.select([STYLE])
    if kind == "other":
        bank = Bank(names=bank.names, rows=bank.rows, cards=bank.cards, network="fast", fingerprint="another")
    bank.save(path)
    if kind == "broken":
        path.write_bytes(path.read_bytes()[:-10])
    page.page.locator("#file").set_input_files(path)
    expect(page.page.locator("#note-text")).to_contain_text(said)


def test_a_painting_is_cancelled(page: Site, tmp_path: Path) -> None:
    """Cancel ends it in the middle, nothing is saved, and the next download works."""
    drawn(2000, 1300).save(tmp_path / "large.jpg")
    page.page.locator("#file").set_input_files(tmp_path / "large.jpg")
    expect(page.page.get_by_test_id("painting")).to_have_attribute("data-state", "painted", timeout=60_000)
    page.tool("Download").click()
    expect(page.page.locator("#progress-text")).to_contain_text("%")
    page.tool("Cancel").click()
    expect(page.page.get_by_role("status")).to_contain_text("Cancelled")
    page.page.get_by_role("radio", name="Small", exact=True).check()
    page.page.locator("#options").click()
    page.page.get_by_label("Painted at").select_option(label="1,080 px")
    page.page.keyboard.press("Escape")
    with Image.open(downloaded(page, tmp_path)) as picture:
        assert picture.size == (1080, 702)


# ---- without a server


def test_the_first_visit_is_small(make_site: Any, site: Served, site_folder: Path, photo: Path) -> None:
    """What a first visit fetches until a photo is painted takes 5 MB packed, all of it from the site itself."""
    page = make_site(site.address).open().add(photo)
    paths = {urlsplit(each.url).path.strip("/") or "index.html" for each in page.asked if each.url.startswith("http")}
    sizes = {path: len(gzip.compress((site_folder / path).read_bytes(), 9)) for path in paths}
    assert sum(sizes.values()) <= MOST, sizes


def test_it_paints_with_the_cable_out(make_site: Any, site_folder: Path, photo: Path, tmp_path: Path) -> None:
    """After one visit the server stops: the page opens, paints and downloads, on several threads."""
    with served(site_folder) as away:
        page = make_site(away.address).open().add(photo)
        as_png(page)
        before = downloaded(page, tmp_path)
        away.stop()
        page.forgive("ERR_FAILED")  # tiles that were not in sight before
        page.page.reload()
        page.painted()
        assert page.page.evaluate("crossOriginIsolated")
        (tmp_path / "again").mkdir()
        assert np.array_equal(array(downloaded(page, tmp_path / "again")), array(before))


def test_what_is_not_there_offline_is_said(make_site: Any, site_folder: Path, photo: Path) -> None:
    """Offline, a network that was never fetched is one sentence, and the other goes on."""
    with served(site_folder) as away:
        page = make_site(away.address).open().add(photo)
        away.stop()
        page.forgive("ERR_")
        page.forgive("Failed to")
        page.page.get_by_role("radio", name="Fine").click()
        expect(page.page.locator("#note-text")).to_contain_text("not on this device yet")
        page.style(OTHER).click()
        page.painted()


def test_a_damaged_cache_is_mended(make_site: Any, site: Served, photo: Path) -> None:
    """A network that was kept damaged is fetched once more."""
    page = make_site(site.address).open().add(photo)
    page.page.evaluate("""(async () => {
      const cache = await caches.open("impasto-files");
      const networks = (await cache.keys()).filter((request) => request.url.endsWith(".onnx"));
      for (const request of networks) await cache.put(request, new Response("cut short"));
    })()""")
    page.page.reload()
    page.painted()


def test_it_paints_without_isolation(browser: Browser, make_site: Any, site: Served, photo: Path) -> None:
    """Where no service worker may run it paints on one thread."""
    page = make_site(site.address, service_workers="block")
    page.forgive("Service Worker registration blocked")
    page.open().add(photo)
    assert not page.page.evaluate("crossOriginIsolated")


@pytest.mark.parametrize("size, said", [((80, 60), "does not read"), ((4000, 4000), "up to 12.6 megapixels in “Fast”")])
def test_what_cannot_be_painted_is_one_sentence(page: Site, photo: Path, tmp_path: Path, size: Any, said: str) -> None:
    """A file that is no picture, and one that is too large for a browser; what was there is still painted."""
    page.add(photo)
    path = tmp_path / "next.png"
    Image.new("RGB", size, (90, 120, 60)).save(path)
    if size[0] < 100:
        path.write_bytes(b"II*\0" + path.read_bytes())
        page.page.locator("#file").set_input_files(path)
    else:
        page.page.get_by_role("radio", name="Small", exact=True).check()
        page.page.locator("#file").set_input_files(path)
        expect(page.page.locator("#photo-name")).to_contain_text("next.png", timeout=60_000)
        page.tool("Download").click()
    expect(page.page.locator("#note-text")).to_contain_text(said)


@pytest.mark.parametrize(
    "options", [{"color_scheme": "dark"}, {"locale": "de-DE"}, {"viewport": {"width": 390, "height": 844}}]
)
def test_everybody_can_use_it(make_site: Any, site: Served, photo: Path, options: dict[str, Any]) -> None:
    """axe finds nothing: empty, painted, and with the dialog for styles."""
    page = make_site(site.address, **options).open()
    for step in (lambda: None, lambda: page.add(photo), lambda: page.page.locator("#teach").click()):
        step()
        found = Axe().run(page.page)
        assert found.violations_count == 0, found.generate_report()
