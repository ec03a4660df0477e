"""The documents as a site: what is read is copied and made ready for the generator, in build/docs.

    pip install '.[docs]' && make site        # build/site, one folder of plain files

Pages are those of docs/ as they stand. README is the first one. Files of the repository that pages link to are copied
along, so that no link leads out of the site. The gallery has a recipe for every style, made from the shipped bank.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path

from impasto.painting.painter import Painter
from impasto.styles.bank import PHOTO, Bank

ROOT = Path(__file__).parents[1]
MADE = ROOT / "build" / "docs"
LINK = re.compile(r"(?<=\]\()(?P<path>[^)#:\s]+)(?P<rest>(#[^)]*)?)(?=\))")
PAGES = {"README.md": "index.md", "docs/README.md": "pages.md", "CONTRIBUTING.md": "contributing.md"}
PAGES |= {"CHANGELOG.md": "changelog.md"}
REFERENCE = {
    "Paint": ("impasto.paint", "impasto.Painter", "impasto.Look"),
    "Styles": ("impasto.Bank", "impasto.Card", "impasto.styles.blend"),
    "Pictures": ("impasto.pictures.load", "impasto.pictures.save"),
    "Films": ("impasto.film.render.render",),
    "Optimise, train, teach, measure": (
        "impasto.optimize",
        "impasto.learn.teach.lesson.Lesson",
        "impasto.learn.train.run.Run",
    ),
    "Errors": ("impasto.errors",),
}


def main() -> None:
    """Make build/docs anew."""
    shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir(parents=True)
    shutil.copytree(ROOT / "docs" / "images", MADE / "images")
    for page in (*ROOT.glob("docs/*.md"), *(ROOT / name for name in PAGES if "/" not in name)):
        (MADE / _place(page)).write_text(_text(page), encoding="utf-8")
    (MADE / "tutorial.md").write_text(tutorial(), encoding="utf-8")
    (MADE / "gallery.md").write_text(gallery(Painter().bank), encoding="utf-8")
    (MADE / "reference.md").write_text(reference(), encoding="utf-8")


def tutorial() -> str:
    """The notebook as a page."""
    cells = json.loads((ROOT / "docs" / "tutorial.ipynb").read_text(encoding="utf-8"))["cells"]
    texts = ("".join(cell["source"]) for cell in cells)
    parts = (
        f"```python\n{text}\n```" if cell["cell_type"] == "code" else text
        for cell, text in zip(cells, texts, strict=True)
    )
    place = _place(ROOT / "docs" / "tutorial.ipynb")
    return "\n\n".join([*parts, f"[This page as a notebook]({place})"]) + "\n"


def reference() -> str:
    """A page that the generator fills from the docstrings of what is public."""
    parts = ["# Python", "Made from the docstrings."]
    for title, names in REFERENCE.items():
        parts += [f"## {title}", *(f"::: {name}" for name in names)]
    return "\n\n".join(parts) + "\n"


def gallery(bank: Bank) -> str:
    """A page with a recipe for every style of a bank, beside its card."""
    parts = ["# The gallery", (ROOT / "docs" / "styles.md").read_text(encoding="utf-8").partition("\n")[2].strip()]
    parts.append("## Recipes\n\nA click opens the recipe of a style.")
    for name in bank:
        card = bank.card(name)
        words = ", ".join(each for each in (card.artist, card.title, card.year) if each) if card else ""
        words = words or ("the photo itself" if name == PHOTO else "")
        parts.append(
            f'??? note "{name}: {html.escape(words.replace(chr(34), chr(39)))}"\n\n'
            f"    ```sh\n    impasto paint photo.jpg -s {name} -o painted.jpg\n    ```\n\n"
            f'    ```python\n    impasto.paint("photo.jpg", "{name}").save("painted.jpg")\n    ```'
        )
    return "\n\n".join(parts) + "\n"


def _text(page: Path) -> str:
    """The text of a page with its links turned to where things stand in the site."""

    def turned(link: re.Match[str]) -> str:
        target = (page.parent / link["path"]).resolve()
        assert target.exists(), f"{page.name} links to {link['path']}, which is not there"
        return _place(target) + link["rest"]

    return LINK.sub(turned, page.read_text(encoding="utf-8"))


def _place(target: Path) -> str:
    """Where a file of the repository stands in the site; a file that is no page is copied there."""
    inside = target.relative_to(ROOT).as_posix()
    if inside in PAGES:
        return PAGES[inside]
    if target.is_relative_to(ROOT / "docs") and (target.suffix == ".md" or "images" in target.parts):
        return target.relative_to(ROOT / "docs").as_posix()
    copy = MADE / "files" / inside
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(target, copy)
    return f"files/{inside}"


if __name__ == "__main__":
    main()
