"""The command line begins at once: it imports what the command that is called needs, and no more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from impasto import cli
from impasto.cli import entry, root

LOADED = """
import json, sys
from impasto.cli import main
sys.argv = ["impasto", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)))
"""


def loaded(*words: object) -> set[str]:
    """The modules that a fresh process has loaded when the command has ended."""
    ran = subprocess.run([sys.executable, "-c", LOADED, *map(str, words)], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_help_needs_no_numbers() -> None:
    """--help loads all commands, but neither numpy nor Pillow, nor a module that reads pictures."""
    found = loaded("--help")
    assert {f"impasto.cli.{module}" for module in entry.MODULES} <= found
    assert not {"numpy", "PIL", "impasto.pictures", "impasto.painting.painter", "pydantic"} & found


def test_version_needs_no_command() -> None:
    """--version loads none of the commands."""
    assert not {f"impasto.cli.{module}" for module in entry.MODULES} & loaded("--version")


def test_a_command_loads_itself_alone() -> None:
    """A command is loaded without the others."""
    found = loaded("paint", "--help")
    others = {f"impasto.cli.{module}" for module in entry.MODULES} - {"impasto.cli.paint"}
    assert "impasto.cli.paint" in found and not others & found


def test_painting_loads_no_films(photo_file: Path, network_file: Path) -> None:
    """Painting one photo loads neither films nor what draws bars on terminals, nor rare formats of Pillow's."""
    pytest.importorskip("openvino")
    words = ["paint", photo_file, "-s", "red", "-o", photo_file.with_name("out.png"), "--network", network_file]
    found = loaded(*words)
    assert photo_file.with_name("out.png").exists()
    assert not {"impasto.film.reading", "rich", "PIL.DdsImagePlugin", "openvino.tools.ovc"} & found


def test_every_command_has_its_module() -> None:
    """The list of modules has each command once, and no other."""
    commands = [command for each in entry.MODULES.values() for command in each]
    assert sorted(commands) == sorted(name for names in root.PANELS.values() for name in names)
    assert set(commands) == set(typer.main.get_command(cli.app).commands)  # type: ignore[attr-defined]
    for module, names in entry.MODULES.items():
        source = (Path(entry.__file__).parent / f"{module}.py").read_text()
        assert source.count("@app.command(") == len(names) or module == "styles"
