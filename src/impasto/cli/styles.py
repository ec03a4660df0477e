"""impasto styles: banks made out of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli import terminal
from impasto.cli.ends import claim, save_bank
from impasto.cli.options import AsJson, Banked
from impasto.cli.records import options
from impasto.cli.root import app
from impasto.cli.terminal import table, to_json
from impasto.errors import OptionError

if TYPE_CHECKING:
    from impasto.styles.bank import Bank

styles_app = terminal.App(invoke_without_command=True)
app.add_typer(styles_app, name="styles")
Output = Annotated[Path, typer.Option("--output", "-o", help="The file of styles to write.")]
Files = Annotated[list[Path], typer.Argument(help="Files of styles.")]
Merged = Annotated[list[Path], typer.Argument(help="Files of styles, of one network.")]
Gone = Annotated[list[str], typer.Argument(help="The styles to leave out.")]
Chosen = Annotated[list[str], typer.Argument(help="The styles to write.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")]
Replace = Annotated[bool, typer.Option("--replace", help="Let a style take the place of another of its name.")]


@dataclass(frozen=True)
class Done:
    """What becomes of a file of styles that is there, and how the new one is reported."""

    force: Force = False
    as_json: AsJson = False


@styles_app.callback()
@options
def styles(*, context: typer.Context, read: Banked, as_json: AsJson = False) -> None:
    """List the styles of a bank, or make a bank out of others."""
    if context.invoked_subcommand is None:
        _list(read, as_json)
    elif (read, as_json) != (Banked(), False):
        raise OptionError(f"options go behind the command: impasto styles {context.invoked_subcommand} --bank FILE ...")


@styles_app.command("list")
@options
def list_styles(*, read: Banked, as_json: AsJson = False) -> None:
    """List the styles of a bank, with their cards.

    Other stroke sizes of a style are in its line, or in the JSON.
    """
    _list(read, as_json)


def _list(read: Banked, as_json: bool) -> None:
    from impasto.styles import strokes
    from impasto.styles.bank import PHOTO

    opened = read.styles()
    cards = {name: {"name": name, **opened.card(name).to_json()} for name in opened.names}
    if as_json:
        head = {"network": opened.network, "fingerprint": opened.fingerprint}
        typer.echo(to_json({**head, "styles": list(cards.values())}))
        return
    columns = ["name", "artist", "title", "year", "licence"]
    for name in opened.styles:
        sizes = strokes.sizes(opened, name)
        if sizes:
            cards[name]["stroke sizes"] = ", ".join(map(str, sizes))
            columns = [*columns[:5], "stroke sizes"]
    shown = {*opened.styles, PHOTO}
    table(columns, [cards[name] for name in opened.names if name in shown])


@styles_app.command("add")
@options
def add_styles(*, files: Files, output: Output, read: Banked, replace: Replace = False, done: Done) -> None:
    """Write the bank with the styles of other files added."""
    _write(output, done, lambda: _merged(read.styles(), files, replace), files, read)


@styles_app.command("merge")
@options
def merge_styles(*, files: Merged, output: Output, replace: Replace = False, done: Done) -> None:
    """Write one bank with the styles of several files."""
    from impasto.styles.bank import Bank

    _write(output, done, lambda: _merged(Bank.load(files[0]), files[1:], replace), files)


@styles_app.command("remove")
@options
def remove_styles(*, names: Gone, output: Output, read: Banked, done: Done) -> None:
    """Write the bank without some of its styles."""
    from impasto.styles import strokes

    _change(output, read, done, lambda bank: bank.remove(*strokes.whole(bank, names)))


@styles_app.command("rename")
@options
def rename_style(
    *,
    old: Annotated[str, typer.Argument(help="What the style is called.")],
    new: Annotated[str, typer.Argument(help="What it is to be called.")],
    output: Output,
    read: Banked,
    done: Done,
) -> None:
    """Write the bank with a style renamed."""
    from impasto.styles import strokes

    _change(output, read, done, lambda bank: strokes.rename(bank, old, new))


@styles_app.command("export")
@options
def export_styles(*, names: Chosen, output: Output, read: Banked, done: Done) -> None:
    """Write only some styles of the bank.

    One style makes a file of about 14 KB, to send to a friend.
    """
    from impasto.styles import strokes

    _change(output, read, done, lambda bank: bank.select(strokes.whole(bank, names)))


def _change(output: Path, read: Banked, done: Done, change: Callable[[Bank], Bank]) -> None:
    """Write what becomes of a bank."""
    _write(output, done, lambda: change(read.styles()), [], read)


def _write(
    output: Path, done: Done, make: Callable[[], Bank], sources: Iterable[Path], opens: Banked | None = None
) -> None:
    claim([output], sources, opens=opens, force=done.force, keep=[output])
    save_bank(make(), output, done.force, as_json=done.as_json)


def _merged(bank: Bank, files: Iterable[Path], replace: bool) -> Bank:
    for file in files:
        bank = bank.merge(type(bank).load(file), replace=replace)
    return bank
