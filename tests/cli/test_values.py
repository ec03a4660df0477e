"""Words that become values without Typer's own validators, which find the same."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from impasto.cli import terminal


def parsed(monkeypatch: pytest.MonkeyPatch, words: list[str], *, plainly: bool) -> Any:
    """What a command gets from these words, or the error that Typer has for them."""
    got: dict[str, Any] = {}
    app = terminal.App(add_completion=False)

    @app.command()
    def command(
        photos: Annotated[list[Path], typer.Argument(readable=False)],
        names: Annotated[list[str] | None, typer.Option()] = None,
        file: Annotated[Path | None, typer.Option()] = None,
        quality: Annotated[int, typer.Option()] = 95,
        share: Annotated[float, typer.Option()] = 1,
        some: Annotated[float | None, typer.Option()] = None,
        text: Annotated[typing.Optional[str], typer.Option()] = None,  # noqa: UP045
        flag: Annotated[bool, typer.Option("--flag")] = False,
    ) -> None:
        got.update(locals())

    if not plainly:
        monkeypatch.setattr(terminal, "take_plainly", lambda param, hint: None)
    try:
        typer.main.get_command(app).main(words, standalone_mode=False)
    except terminal.USAGE_ERROR as error:
        return error.format_message()
    return {name: (value, type(value)) for name, value in got.items() if name != "got"}


@pytest.mark.parametrize(
    "words",
    [
        ["a.jpg"],
        ["a.jpg", "b.jpg", "--names", "x", "--names", "y", "--flag"],
        ["-", "--file", "some/where", "--text", " as it is "],
        ["a", "--quality", "-3", "--share", "2", "--some", "0.25"],
        ["a", "--quality", "+7", "--share", "1e3", "--some", "-.5"],
        ["a", "--quality", " 8 ", "--share", "inf", "--some", "1_000"],
        ["a", "--quality", "3.5"],
        ["a", "--quality", "9" * 40],
        ["a", "--some", "much"],
        ["a", "--share", ""],
        ["--flag"],
        [],
    ],
)
def test_plain_values_are_typers(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """Values, their types, and what is said of wrong ones are those that Typer finds by itself."""
    plain = parsed(monkeypatch, words, plainly=True)
    assert plain == parsed(monkeypatch, words, plainly=False) and plain


def test_unreadable_files_are_still_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file that is there and cannot be read is refused before the command begins."""
    file = tmp_path / "secret"
    file.touch()
    monkeypatch.setattr("os.access", lambda path, mode: str(path) != str(file))
    assert "not readable" in parsed(monkeypatch, ["a", "--file", str(file)], plainly=True)
