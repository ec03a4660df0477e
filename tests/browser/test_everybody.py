"""The page for everybody: keyboard, screen readers, phones, languages, large type; and what it weighs."""

from __future__ import annotations

import gzip
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
LOOKS = [(language, scheme) for language in ("en-GB", "de-DE") for scheme in ("light", "dark")]


def violations(studio: Any) -> list[str]:
    found = Axe().run(studio.page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:120]} {node.get('failureSummary', '')}"
        for each in found
        for node in each["nodes"]
    ]


@pytest.mark.parametrize(("locale", "scheme"), LOOKS)
def test_axe_finds_nothing(make_studio: Any, photo: Path, locale: str, scheme: str) -> None:
    """axe-core finds no violation at first sight, with a mix, with the brush, in the dialogs."""
    studio = make_studio(locale=locale, color_scheme=scheme, reduced_motion="reduce").open()
    assert violations(studio) == []
    studio.add(photo)
    for name in ("hokusai-great-wave", "munch-the-scream"):
        studio.style(name).click(modifiers=["Control"])
    assert violations(studio.painted()) == []
    studio.page.locator("#tool-brush").click()
    studio.page.locator("#options").click()
    assert violations(studio) == []
    studio.page.keyboard.press("Escape")
    for button in ("#share", "#help", "#teach"):
        studio.page.locator(button).click()
        assert violations(studio) == []
        studio.page.keyboard.press("Escape")


def test_axe_finds_nothing_on_a_phone(make_studio: Any, photo: Path) -> None:
    """The same on a phone."""
    studio = make_studio(**PHONE, reduced_motion="reduce").open()
    assert violations(studio) == []
    assert violations(studio.add(photo)) == []


TABBED = """() => {
  const shown = (node) => node.checkVisibility({visibilityProperty: true}) && !node.disabled && node.tabIndex >= 0;
  const nodes = [...document.querySelectorAll("button, input, select, [tabindex='0']")].filter(shown);
  const stops = nodes.filter((node) => node.type !== "radio" || node.checked);
  return stops.map((node, at) => (node.dataset.tab = String(at)));
}"""


def test_every_control_is_reached_by_tab(painted: Any) -> None:
    """Tab comes by every control that is shown; of the styles by one, from which arrows go on."""
    expect(painted.page.locator(".thumb img")).to_be_visible()
    wanted = set(painted.page.evaluate(TABBED))
    reached = set()
    painted.page.locator("body").click(position={"x": 5, "y": 200})
    for _ in range(len(wanted) + 8):
        painted.page.keyboard.press("Tab")
        reached.add(painted.page.evaluate("document.activeElement.dataset.tab"))
    missed = wanted - reached
    names = [
        painted.page.locator(f'[data-tab="{each}"]').evaluate("node => node.outerHTML.slice(0, 90)") for each in missed
    ]
    assert not names


def test_arrows_choose_styles(painted: Any) -> None:
    """Arrow keys go through the styles and paint in each."""
    first = painted.page.locator("#grid .tile").nth(0)
    first.focus()
    first.press("ArrowRight")
    painted.painted()
    second = painted.page.locator("#grid .tile").nth(1)
    expect(second).to_be_focused()
    expect(second).to_have_attribute("aria-checked", "true")


CUT_OFF = """() => {
  const meant = ".tile, .hidden, .weights, .similar, .chip, .card, .photo-name", slides = ".brushes, .strip";
  const texts = [...document.querySelectorAll("button, h1, h2, h3, label, legend, p, output, .segments span")];
  return texts.filter((node) => {
    if (!node.checkVisibility() || node.closest(meant) || !node.innerText.trim()) return false;
    const narrow = node.scrollWidth > node.clientWidth + 2 && getComputedStyle(node).display !== "inline";
    return narrow || (node.getBoundingClientRect().right > innerWidth + 1 && !node.closest(slides));
  }).map((node) => node.outerHTML.slice(0, 100));
}"""


def cut_off(studio: Any) -> list[str]:
    """Words on controls that do not fit, less those that are meant to end in dots."""
    return studio.page.evaluate(CUT_OFF)


WINDOWS = [PHONE, {"viewport": {"width": 720, "height": 450}}, {"viewport": {"width": 1440, "height": 900}}]


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
@pytest.mark.parametrize("window", WINDOWS)
def test_nothing_is_cut_off(make_studio: Any, photo: Path, window: dict[str, Any], locale: str) -> None:
    """On a phone, at 200 % and on a desktop, in both languages: no words cut off, nothing to scroll to the side."""
    studio = make_studio(**window, locale=locale).open()
    assert cut_off(studio) == []
    studio.add(photo)
    assert cut_off(studio) == []
    studio.page.locator("#tool-brush").click()
    assert cut_off(studio) == []
    assert studio.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert studio.page.locator("#download").bounding_box()["width"] > 100


CLIPPED = """() => [...document.querySelectorAll(".ends button, .brushes button, .brushes input")].filter((node) => {
  const box = node.getBoundingClientRect();
  const words = document.createRange();
  words.selectNodeContents(node);
  const ink = [...words.getClientRects()].filter((each) => each.width > 2);
  return box.width && (box.left < 0 || box.right > innerWidth || box.bottom > innerHeight
    || !node.closest(".chip, .pair") && ink.some((each) => each.left < box.left + 3 || each.right > box.right - 3));
}).map((node) => node.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
@pytest.mark.parametrize("window", [PHONE, {}], ids=["phone", "desktop"])
def test_many_photos_and_regions_fit(
    make_studio: Any, photo: Path, tmp_path: Path, window: dict[str, Any], locale: str
) -> None:
    """With many photos and two regions no words run over a button's borders, and the brush's controls are in sight."""
    studio = make_studio(**window, locale=locale).open()
    studio.forgive("status of 409")  # the strip's small paintings give way
    studio.add(photo, *(shutil.copy(photo, tmp_path / f"{at}.png") for at in range(5)))
    studio.page.locator("#tool-brush").click()
    for at, name in enumerate(("hokusai-great-wave", "munch-the-scream")):
        studio.style(name).click()
        box = studio.page.locator("#picture").bounding_box()
        studio.page.mouse.click(box["x"] + (0.3 + 0.4 * at) * box["width"], box["y"] + box["height"] / 2)
        studio.painted()
    studio.page.evaluate("document.querySelector('#regions').scrollLeft = 0")
    chips = studio.page.locator("#regions .chip")
    expect(chips).to_have_count(4)
    found = studio.page.evaluate(CLIPPED)
    later = [chips.nth(at).evaluate("node => node.outerHTML.slice(0, 120)") for at in (2, 3)]
    assert [each for each in found if not (window and each in later)] == []  # a phone's row of regions slides
    second, row = chips.nth(1).bounding_box(), studio.page.locator("#regions").bounding_box()
    assert second["x"] + second["width"] <= row["x"] + row["width"]


def test_a_note_is_as_wide_as_the_screen_lets_it(make_studio: Any) -> None:
    """On a phone a sentence takes two lines, not four."""
    studio = make_studio(**PHONE).open()
    studio.page.evaluate(
        "import('./notes.js').then(({note}) => note('The studio no longer has that photo. Drop it once more.'))"
    )
    assert studio.page.locator("#note-text").bounding_box()["height"] < 50


CONTRAST = """node => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((each) => each / 255)
      .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const {color, backgroundColor} = getComputedStyle(node);
  const [a, b] = [light(color), light(backgroundColor)].sort((a, b) => b - a);
  return (a + 0.05) / (b + 0.05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_tool_that_was_just_pressed_is_read(make_studio: Any, photo: Path, scheme: str) -> None:
    """A pressed tool with the mouse on it has a contrast of 4.5 and more."""
    studio = make_studio(color_scheme=scheme, reduced_motion="reduce").open().add(photo)
    for name in ("tool-compare", "tool-brush", "tool-loupe"):
        button = studio.page.locator(f"#{name}")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        assert button.evaluate(CONTRAST) >= 4.5


def test_a_finger_paints(make_studio: Any, photo: Path) -> None:
    """On a phone targets have 44 px, and a tap puts the brush down."""
    studio = make_studio(**PHONE).open().add(photo)
    for name in ("Compare", "Brush", "Download", "Undo"):
        assert studio.tool(name).bounding_box()["height"] >= 44
    studio.tool("Brush").tap()
    box = studio.page.locator("#picture").bounding_box()
    studio.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    studio.painted()
    assert studio.mask()[160, 240] > 200


def test_the_language_is_the_browsers_and_can_be_chosen(make_studio: Any) -> None:
    """German where the browser asks for it; another choice is kept."""
    studio = make_studio(locale="de-AT").open()
    expect(studio.page.get_by_text("Dein Foto bleibt auf diesem Computer.").first).to_be_visible()
    studio.page.get_by_label("Sprache").select_option("en")
    expect(studio.page.locator("html")).to_have_attribute("lang", "en")
    studio.page.reload()
    expect(studio.page.get_by_text("Your photo stays on this computer.").first).to_be_visible()


def test_a_note_changes_its_language(make_studio: Any, tmp_path: Path) -> None:
    """A note that is shown is in the new language as soon as that is chosen."""
    studio = make_studio(locale="de-DE").open()
    studio.forgive("status of 4")
    path = tmp_path / "notes.png"
    path.write_bytes(b"no picture")
    studio.page.locator("input[type=file]").set_input_files(path)
    note = studio.page.locator("#note-text")
    expect(note).to_have_text("Solche Dateien liest das Studio nicht. Speichere sie als JPEG oder PNG.")
    studio.page.get_by_label("Sprache").select_option("en")
    expect(note).to_have_text("The studio does not read that kind of file. Save it as JPEG or PNG.")


def test_errors_are_sentences(studio: Any) -> None:
    """A known error has the page's own words, with the studio's limits; another has the server's, as a sentence."""
    said = studio.page.evaluate("""async () => {
      const {explain} = await import("./notes.js");
      const limits = {body: 64e6, pixels: 5e7};
      return [["too-large", "the body is large"], ["too-many-pixels", ""], ["odd", "it is odd; do this"], ["odd", ""]]
        .map(([code, message]) => explain({code, message}, limits));
    }""")
    assert said == [
        "That file is too large. The studio takes up to 64 MB.",
        "That picture is too large. The studio takes up to 50 megapixels.",
        "It is odd; do this.",
        "Something went wrong: odd",
    ]


def test_every_phrase_is_there_in_every_language(studio: Any) -> None:
    """The languages have the same phrases with the same holes, and the page has no phrase without words."""
    differences = studio.page.evaluate("""async () => {
      const {LANGUAGES} = await import("./strings.js");
      const holes = (text) => (text.match(/\\{\\w+\\}/g) ?? []).sort().join();
      const [en, ...others] = Object.values(LANGUAGES).map(({words}) => words), wrong = [];
      for (const words of others)
        for (const key of new Set([...Object.keys(en), ...Object.keys(words)]))
          if (!(key in en) || !(key in words) || holes(en[key]) !== holes(words[key])) wrong.push(key);
      const kinds = ["t", "tLabel", "tName", "tHint", "tTitle"];
      for (const node of document.querySelectorAll("*"))
        for (const kind of kinds) if (node.dataset[kind] && !(node.dataset[kind] in en)) wrong.push(node.dataset[kind]);
      return wrong;
    }""")
    assert differences == []


def test_the_theme_can_be_chosen(studio: Any) -> None:
    """The switch turns light into dark, and a reload keeps it."""
    background = "getComputedStyle(document.body).backgroundColor"
    light = studio.page.evaluate(background)
    studio.tool("Light or dark").click()
    dark = studio.page.evaluate(background)
    studio.page.reload()
    expect(studio.page.locator("#grid .tile").first).to_be_visible()
    assert studio.page.evaluate(background) == dark != light


def test_teaching_without_its_extra_shows_the_line(studio: Any) -> None:
    """Without ``impasto[learn]``, and OpenVINO, the + tile shows the pip line, with a copy button."""
    less = {"teach": False, "own_styles": False}
    studio.page.route("**/api/v1/session", lambda route: route.fulfill(json=route.fetch().json() | less))
    studio.page.reload()
    studio.tool("Teach a style").click()
    expect(studio.page.get_by_text("pip install 'impasto[studio,learn]'")).to_be_visible()
    expect(studio.page.locator("#teach-body").get_by_role("button", name="Copy")).to_be_visible()


def test_nothing_leaves_the_computer(painted: Any) -> None:
    """Every request of a session goes to the studio, under a policy that forbids all else."""
    policy = painted.page.evaluate("fetch('.').then((answer) => answer.headers.get('content-security-policy'))")
    assert "default-src 'none'" in policy and "unsafe-inline" not in policy
    origin = painted.address.partition("/?")[0]
    assert all(each.url.startswith((origin, "blob:", "data:")) for each in painted.asked)


def test_the_page_is_light() -> None:
    """The page weighs at most 80 KB gzipped, the samples at most 300 KB, and no module is longer than 400 lines."""
    page = files("impasto") / "server" / "page"
    texts = [each for each in page.iterdir() if each.is_file()]
    assert sum(len(gzip.compress(each.read_bytes())) for each in texts) <= 80 * 1024
    assert sum(len(each.read_bytes()) for each in (page / "samples").iterdir()) <= 300_000
    assert [each.name for each in texts if each.read_text(encoding="utf-8").count("\n") > 400] == []
    assert not any(
        mark in each.read_text(encoding="utf-8") for each in texts for mark in ('style="', 'onclick="', "<style")
    )
