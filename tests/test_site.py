"""The documents as a site, and the notebook among them: both are made and run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process
ROOT = Path(__file__).parents[1]
ELSEWHERE = re.compile(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="((?:https?:)?//[^"]+)"')


@pytest.fixture(scope="module")
def site() -> Path:
    made = subprocess.run(["make", "site", f"PYTHON={sys.executable}"], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "No issues found" in made.stdout + made.stderr
    return ROOT / "build" / "site"


def test_every_page_of_the_contents_is_there(site: Path) -> None:
    """Each page that the contents name was made, and says something."""
    pages = re.findall(r'= "([a-z-]+)\.md"', (ROOT / "zensical.toml").read_text(encoding="utf-8"))
    made = {name: site / ("index.html" if name == "index" else f"{name}/index.html") for name in pages}
    assert len(made) > 20
    assert not [name for name, page in made.items() if not page.exists() or page.stat().st_size < 4000]


def test_nothing_comes_from_elsewhere(site: Path) -> None:
    """No script, font, style or picture of a page is another host's."""
    found = {page.name: ELSEWHERE.findall(page.read_text(encoding="utf-8")) for page in site.rglob("*.html")}
    assert found and not any(found.values())
    assert not [page for page in site.rglob("*.css") if "//fonts." in page.read_text(encoding="utf-8")]


def test_a_style_has_its_recipe(site: Path) -> None:
    """The gallery shows how to paint in each style."""
    assert "impasto paint photo.jpg -s hokusai-great-wave" in re.sub(
        "<[^>]*>", "", (site / "gallery" / "index.html").read_text(encoding="utf-8")
    )


def test_the_notebook_runs(tmp_path: Path) -> None:
    """docs/tutorial.ipynb runs from its first cell to its last, and its last result is a picture."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    (tmp_path / "images").symlink_to(ROOT / "docs" / "images")
    book = nbformat.read(ROOT / "docs" / "tutorial.ipynb", as_version=4)
    nbclient.NotebookClient(book, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert "image/png" in outputs[-1].data
    assert any("<progress" in output.get("data", {}).get("text/html", "") for output in outputs)
    assert (tmp_path / "mine.safetensors").stat().st_size < 20_000
