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

ALIKE = 8  # styles most like another that are listed
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


@dataclass(frozen=True)
class Wanted:
    """Which styles are listed."""

    artist: Annotated[str | None, typer.Option(help="Those by an artist, or a part of the name.")] = None
    kind: Annotated[str | None, typer.Option(help="Those of a kind: painting, print, drawing, mosaic, ...")] = None
    like: Annotated[str | None, typer.Option(metavar="NAME", help="The 8 most like a style, the nearest first.")] = None

    def among(self, bank: Bank) -> list[str]:
        """The names of those that are wanted, in their order."""
        from impasto.styles import blend

        found = bank.where(artist=self.artist, kind=self.kind)
        if self.like is None:
            return list(found)
        near = [name for name, _ in blend.neighbours(bank, self.like, len(bank)) if name in found]
        if not near:
            raise OptionError(f"{self.like!r} is the only style of that kind or artist")
        return near[:ALIKE]


@styles_app.callback()
@options
def styles(*, context: typer.Context, wanted: Wanted, read: Banked, as_json: AsJson = False) -> None:
    """List the styles of a bank, or make a bank out of others."""
    if context.invoked_subcommand is None:
        _list(read, wanted, as_json)
    elif (read, wanted, as_json) != (Banked(), Wanted(), False):
        raise OptionError(f"options go behind the command: impasto styles {context.invoked_subcommand} --bank FILE ...")


@styles_app.command("list")
@options
def list_styles(*, wanted: Wanted, read: Banked, as_json: AsJson = False) -> None:
    """List the styles of a bank, with their cards.

    Other stroke sizes of a style are in its line, or in the JSON.
    """
    _list(read, wanted, as_json)


def _list(read: Banked, wanted: Wanted, as_json: bool) -> None:
    from impasto.styles import strokes
    from impasto.styles.bank import KIND, PHOTO

    opened = read.styles()
    cards = {name: {"name": name, **opened.card(name).to_json()} for name in opened.names}
    chosen = wanted.among(opened) if wanted != Wanted() else None
    if as_json:
        head = {"network": opened.network, "fingerprint": opened.fingerprint}
        shown = list(opened.names) if chosen is None else strokes.whole(opened, chosen)
        typer.echo(to_json({**head, "styles": [cards[name] for name in shown]}))
        return
    if chosen is None:
        chosen = [name for name in opened.names if name in {*opened.styles, PHOTO}]
    columns = ["name", "artist", "title", "year", "licence"]
    columns += [KIND] if any(KIND in cards[name] for name in chosen) else []
    for name in chosen:
        sizes = strokes.sizes(opened, name)
        if sizes:
            cards[name]["stroke sizes"] = ", ".join(map(str, sizes))
            columns += [] if "stroke sizes" in columns else ["stroke sizes"]
    table(columns, [cards[name] for name in chosen])


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
