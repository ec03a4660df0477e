"""The command line begins at once: it imports what the command that is called needs, and no more."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from impasto import cli
from impasto.cli import entry, root, terminal

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


def test_help_needs_no_command() -> None:
    """--help, -h, --version and no word at all load none of the commands, nor numpy, Pillow or pydantic."""
    for words in (["--help"], ["-h"], ["--version"], []):
        found = loaded(*words)
        assert not {f"impasto.cli.{module}" for module in entry.MODULES} & found, words
        assert not {"numpy", "PIL", "impasto.pictures", "impasto.painting.painter", "pydantic"} & found, words


def test_the_list_of_commands_says_what_they_say() -> None:
    """What --help says of a command without loading it is the first line of the command's own help."""
    commands = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
    for name, line in [pair for panel in root.PANELS.values() for pair in panel.items()]:
        assert commands[name].get_short_help_str(200) == line


def test_a_command_loads_itself_alone() -> None:
    """A command is loaded without the others."""
    found = loaded("paint", "--help")
    others = {f"impasto.cli.{module}" for module in entry.MODULES} - {"impasto.cli.paint"}
    assert "impasto.cli.paint" in found and not others & found


def test_painting_loads_no_films(photo_file: Path, network_file: Path) -> None:
    """Painting one photo loads no films, no bars for terminals, no rare formats, and no second checker of options."""
    pytest.importorskip("openvino")
    words = ["paint", photo_file, "-s", "red", "-o", photo_file.with_name("out.png"), "--network", network_file]
    loaded(*words)  # which compiles the network
    found = loaded(*words, "--force")
    assert photo_file.with_name("out.png").exists()
    assert not {"impasto.painting.tiles.large", "impasto.styles.unseen.search"} & found
    assert not {"impasto.film.reading", "rich", "PIL.DdsImagePlugin", "openvino.tools.ovc", "pydantic"} & found


def test_every_command_has_its_module() -> None:
    """The list of modules has each command once, and no other."""
    commands = [command for each in entry.MODULES.values() for command in each]
    assert sorted(commands) == sorted(name for names in root.PANELS.values() for name in names)
    assert set(commands) == set(typer.main.get_command(cli.app).commands)  # type: ignore[attr-defined]
    for module, names in entry.MODULES.items():
        source = (Path(entry.__file__).parent / f"{module}.py").read_text()
        assert source.count("@app.command(") == len(names) or module == "styles"


DOOR = """
import gc, sys
from impasto.cli import terminal
seen = []
terminal.TyperCommand.invoke = lambda self, context: seen.append((gc.isenabled(), gc.get_freeze_count() > 0))
from impasto.__main__ import main
sys.argv = ["impasto", "plan", "photo.jpg"]
try:
    main()
except SystemExit:
    pass
print(seen)
"""


def test_the_collector_works_in_commands() -> None:
    """Python's collector of cycles rests only until a command begins; what is loaded by then it looks at no more."""
    ran = subprocess.run([sys.executable, "-c", DOOR], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[(True, True)]"


def test_imports_leave_the_collector_as_it_was() -> None:
    """In a program that calls a command by itself nothing is kept from the collector."""
    with terminal.at_rest():
        assert not gc.isenabled()
    assert gc.isenabled() and not gc.get_freeze_count()
