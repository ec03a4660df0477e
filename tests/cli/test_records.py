"""Options made from the fields of records."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from typer.testing import CliRunner

from impasto import cli, limits
from impasto.cli import terminal
from impasto.cli.records import Fields, options
from impasto.learn.optimize.recipes import Changes, OptimizeSettings
from impasto.learn.train.settings import TrainSettings
from impasto.limits import Choice, field

Kind = Literal["round", "flat"]


@dataclass(frozen=True)
class Brush:
    """A record of a library."""

    width: int = field(12, "Of the brush.", limits.SIDE)
    kind: Kind = field("round", "round or flat.", Choice(typing.get_args(Kind)))
    weights: tuple[float, ...] = field((), "WEIGHT,...", limits.WEIGHTS)
    length: float | None = field(None, "Of a stroke.", limits.WEIGHT)


@dataclass(frozen=True)
class Ends:
    """A record of the command line."""

    output: Annotated[Path, typer.Option("--output", "-o", help="The file.")]
    quick: Annotated[bool, typer.Option("--quick", help="Soon.")] = False


NAMES = ("width", "weights", "kind", "length")
GOT: dict[str, Any] = {}


def paint(*, brush: Annotated[dict[str, Any], Fields(Brush, NAMES)], ends: Ends) -> None:
    """Paint."""
    GOT.update(brush=brush, ends=ends)


def repaint(*, brush: Annotated[dict[str, Any], Fields(Brush, NAMES, unset=True)], ends: Ends) -> None:
    """Paint again."""
    GOT.update(brush=brush, ends=ends)


def ran(*words: str, function: Any = paint) -> tuple[Any, dict[str, Any]]:
    """Typer's answer, and what a command with both records got."""
    app = terminal.App(rich_markup_mode=None)
    app.command()(options(function))
    GOT.clear()
    return CliRunner().invoke(app, list(words)), dict(GOT)


def test_defaults_and_values() -> None:
    """Defaults are the fields'; lists are read; what has no value is missing; a record of the command line is made."""
    _, got = ran("-o", "a.png")
    assert got == {"brush": {"width": 12, "kind": "round"}, "ends": Ends(Path("a.png"))}
    _, got = ran("-o", "a.png", "--weights", "1,2.5", "--width", "3", "--kind", "flat", "--length", "2", "--quick")
    assert got["brush"] == {"width": 3, "kind": "flat", "weights": (1.0, 2.5), "length": 2.0} and got["ends"].quick
    _, got = ran("-o", "a.png", "--width", "3", function=repaint)
    assert got["brush"] == {"width": 3}


def test_help_and_limits() -> None:
    """The help has the field's words, its limit and its default, and a value out of the limit is refused."""
    shown = " ".join(ran("--help")[0].output.split())
    assert "Of the brush (1 to 1,000,000). [default: 12]" in shown and "round or flat. [default: round]" in shown
    assert "--length <float> Of a stroke" in shown and "default: None" not in shown
    result, got = ran("-o", "a.png", "--width", "0")
    assert not got and "--width must be a whole number from 1" in str(result.exception)


COMMANDS = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["train", "teach", "match", "optimize", "grid", "replay", "eval"])
def test_commands_take_few_arguments(name: str) -> None:
    """A command that learns has at most twelve arguments of its own; the options come from records."""
    module = inspect.getmodule(inspect.unwrap(COMMANDS[name].callback))
    source = inspect.getsource(typing.cast(Any, module))
    signature = source.split(f"def {'evaluate' if name == 'eval' else name}(")[1].split(") -> None:")[0]
    own = [line for line in signature.splitlines() if line.startswith("    ") and line[4:5].isalpha()]
    assert 1 < len(own) <= 12


@pytest.mark.parametrize(("name", "record"), [("train", TrainSettings)])
def test_the_default_that_is_shown_is_the_records(name: str, record: Any) -> None:
    """What --help shows as a default is what the library does without the option."""
    defaults = {each.name: each.default for each in dataclasses.fields(record)}
    shown = {param.name: param.default for param in COMMANDS[name].params if param.default is not None}
    assert {key: defaults[key] for key in shown.keys() & defaults.keys()} == {
        key: shown[key] for key in shown.keys() & defaults.keys()
    }
    assert len(shown.keys() & defaults.keys()) > 15


def test_the_keywords_of_optimize_are_its_settings() -> None:
    """The typed keywords are the fields of the record, all but the recipe's name."""
    assert Changes.__optional_keys__ == {each.name for each in dataclasses.fields(OptimizeSettings)} - {"recipe"}
