"""Write docs/cli.md from the command line's own --help, so that the page cannot say anything else."""

from __future__ import annotations

from pathlib import Path

import typer
from typer.testing import CliRunner

from impasto.cli import app
from impasto.cli.root import PANELS

PAGE = Path(__file__).parent / "cli.md"


def page() -> str:
    """The whole page as Markdown: the program's help, then every command's."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    parts = ["# The command line", "Made from `--help` by `make docs`.", _block()]
    for name in (name for panel in PANELS.values() for name in panel):
        command = commands[name]
        parts += [f"## impasto {name}", _block(name)]
        for inner in getattr(command, "commands", {}):
            parts += [f"### impasto {name} {inner}", _block(name, inner)]
    return "\n\n".join(parts) + "\n"


def _block(*words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--help"], prog_name="impasto", terminal_width=100)
    assert result.exit_code == 0, result.output
    lines = (line.rstrip() for line in result.output.strip().splitlines())
    return "```\n" + "\n".join(lines) + "\n```"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
