"""How the plug-ins call the installed impasto: found or not, old, slow, failing, cancelled. A stand-in is called."""

from __future__ import annotations

import ast
import importlib.util
import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from impasto import Painter
from impasto.painting.look import Look
from tests.conftest import pixels

INTEGRATIONS = Path(__file__).parents[2] / "integrations"
COPIES = [
    INTEGRATIONS / "krita" / "impasto_paint" / "command.py",
    INTEGRATIONS / "gimp" / "impasto-paint" / "command.py",
]
STAND_IN = """\
#!{python} -I
import os, sys, time
words = sys.argv[1:]
open({log!r}, "a").write(str(os.getpid()) + " " + " ".join(words) + "\\n")
if words == ["--version"]:
    print({version!r})
elif words == ["styles", "--json"]:
    print({styles!r})
elif words[0] == "paint":
{paint}
"""
STYLES = '{"network": "full", "styles": [{"name": "wave"}, {"name": "photo"}, {"name": "wave.9", "stroke_of": "wave"}]}'
INVERT = """\
    from PIL import Image, ImageChops
    image = Image.open(words[1])
    image.load()
    bands = image.split()
    bands = [ImageChops.invert(each) for each in bands[:3]] + list(bands[3:])
    Image.merge(image.mode, bands).save(words[words.index("--output") + 1])
"""
FAIL = """\
    print("note: it is old", file=sys.stderr)
    print("impasto: the bank has no style 'x'; did you mean 'wave'?", file=sys.stderr)
    sys.exit(2)
"""
SLOW = "    time.sleep(60)\n"
Fake = Callable[..., Path]


def load(path: Path, name: str) -> ModuleType:
    """A module of a plug-in, in a file that is in no package."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


command = load(COPIES[0], "impasto_command_under_test")


def stand_in(folder: Path, paint: str, version: str = "impasto 0.1.0", styles: str = STYLES) -> Path:
    """A stand-in for the command impasto in a folder, which writes its calls into a file beside it."""
    folder.mkdir(exist_ok=True)
    log, program = folder / "calls", folder / "impasto"
    text = STAND_IN.format(python=sys.executable, log=str(log), version=version, styles=styles, paint=paint)
    program.write_text(text)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Puts a stand-in where impasto is looked for, and gives the file to which that writes its calls."""

    if sys.platform == "win32":
        pytest.skip("the stand-in is a script, which Windows does not start")

    def make(paint: str = INVERT, **says: str) -> Path:
        program = stand_in(tmp_path / "bin", paint, **says)
        monkeypatch.setenv("IMPASTO", str(program))
        return program.with_name("calls")

    return make


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", (8, 6), (10, 20, 30)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_both_plug_ins_have_the_same_copy() -> None:
    """What calls impasto is one module, copied: neither program can import from the other's folder."""
    one, other = (path.read_bytes() for path in COPIES)
    assert one == other


@pytest.mark.parametrize("path", sorted(INTEGRATIONS.glob("[gk]*/**/*.py")), ids=lambda path: path.name)
def test_it_reads_as_python_3_8(path: Path) -> None:
    """Krita for Windows brings Python 3.8."""
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_defaults_and_limits_are_impastos() -> None:
    """The plug-ins' dials begin where those of the library begin, and end where they end."""
    look, choice = Look("photo"), command.Choice("photo")
    assert (choice.strength, choice.brush, choice.keep_color) == (look.strength, look.brush, look.keep_color)
    for strength in command.STRENGTHS:
        Look("photo", strength=strength)
    assert [Look("photo", brush=brush).brush for brush in command.BRUSHES] == list(command.BRUSHES)


def test_styles_are_the_installed_ones(fake: Fake) -> None:
    """The styles are those that impasto lists, without the photo and other stroke sizes."""
    fake()
    assert command.styles() == ["wave"]


def test_a_picture_is_painted_as_chosen(fake: Fake, photo: Path) -> None:
    """What was chosen goes to impasto as options, and its painting comes back."""
    log = fake()
    target = command.paint(photo, command.Choice("wave", 0.75, "large", True))
    assert tuple(pixels(target)[0, 0]) == (245, 235, 225)
    assert "--style wave --strength 0.75 --brush large --keep-color" in log.read_text()


def test_no_impasto_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where there is no impasto, one sentence says how to get it."""
    monkeypatch.delenv("IMPASTO", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(command, "PLACES", ())
    with pytest.raises(command.Trouble, match="not found; install it"):
        command.styles()
    monkeypatch.setenv("IMPASTO", "/nowhere/impasto")
    with pytest.raises(command.Trouble, match="/nowhere/impasto, which is no program"):
        command.styles()


@pytest.mark.parametrize(
    ("version", "styles", "word"),
    [
        ("impasto 0.0.9", STYLES, "is impasto 0.0.9, and 0.1.0 is needed; pip install --upgrade impasto"),
        ("another program", STYLES, "is not impasto 0.1.0 or newer"),
        ("impasto 9.0.0", "[]", "update the plug-in"),
        ("impasto 9.0.0", "wave", "update the plug-in"),
    ],
)
def test_an_odd_impasto_is_said(fake: Fake, version: str, styles: str, word: str) -> None:
    """An old impasto, another program of its name, and one of another age are one sentence."""
    fake(version=version, styles=styles)
    with pytest.raises(command.Trouble, match=word):
        command.styles()


def test_what_impasto_says_is_passed_on(fake: Fake, photo: Path) -> None:
    """Where impasto cannot paint, its own sentence comes back, without notes."""
    fake(FAIL)
    with pytest.raises(command.Trouble, match=r"^the bank has no style 'x'; did you mean 'wave'\?$"):
        command.paint(photo, command.Choice("x"))


def test_a_crash_is_a_sentence(fake: Fake, photo: Path) -> None:
    """A process that ends without a word, and one that paints nothing, are sentences too."""
    fake("    os._exit(9)\n")
    with pytest.raises(command.Trouble, match="ended with code 9"):
        command.paint(photo, command.Choice("wave"))
    fake("    pass\n")
    with pytest.raises(command.Trouble, match="painted nothing"):
        command.paint(photo, command.Choice("wave"))


def test_cancel_ends_the_process(fake: Fake, photo: Path) -> None:
    """Once cancelled, there is no painting, and no process is left."""
    log, begin = fake(SLOW), time.monotonic()
    assert command.paint(photo, command.Choice("wave"), lambda: log.exists() and bool(log.read_text())) is None
    assert time.monotonic() - begin < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int(log.read_text().split()[0]), 0)
    assert not (photo.parent / "painting.png").exists()


def test_an_error_of_the_caller_ends_the_process(fake: Fake, photo: Path) -> None:
    """Whatever the program does while impasto paints, no process is left."""
    log = fake(SLOW)

    def fail() -> bool:
        if log.exists() and log.read_text():
            raise RuntimeError("the window is gone")
        return False

    with pytest.raises(RuntimeError):
        command.paint(photo, command.Choice("wave"), fail)
    with pytest.raises(ProcessLookupError):
        os.kill(int(log.read_text().split()[0]), 0)


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not start the script")
def test_the_real_impasto_paints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The installed impasto lists its styles, and paints what its library paints."""
    program = tmp_path / "impasto"
    paths = os.pathsep.join(filter(None, sys.path))
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{paths}" exec {sys.executable} -m impasto "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("IMPASTO", str(program))
    style = command.styles()[0]
    assert command.styles() == list(Painter().styles)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)).save(tmp_path / "photo.png")
    target = command.paint(tmp_path / "photo.png", command.Choice(style, 0.8))
    expected = Painter().paint(tmp_path / "photo.png", style, strength=0.8)
    assert np.array_equal(pixels(target), np.asarray(expected))


def test_the_programs_own_python_is_kept_away(
    fake: Fake, photo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """impasto starts although the program has set paths of its own Python and libraries."""
    fake(f"    assert 'PYTHONHOME' not in os.environ and 'LD_LIBRARY_PATH' not in os.environ\n{INVERT}")
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    assert command.paint(photo, command.Choice("wave")) is not None
