"""impasto styles: banks made out of others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli import terminal
from impasto.cli.ends import claim_bank, open_bank, save_bank
from impasto.cli.options import BankFile, Network
from impasto.cli.root import app
from impasto.cli.terminal import table, to_json
from impasto.errors import BankError

styles_app = terminal.App(invoke_without_command=True)
app.add_typer(styles_app, name="styles")
Output = Annotated[Path, typer.Option("--output", "-o", help="The file of styles to write.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")]
Replace = Annotated[bool, typer.Option("--replace", help="Let a style take the place of another of its name.")]


@styles_app.callback()
def styles(
    context: typer.Context,
    network: Network = "full",
    bank: BankFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the styles of a bank, or make a bank out of others."""
    if context.invoked_subcommand is None:
        list_styles(network, bank, as_json)
    elif (network, bank, as_json) != ("full", None, False):
        raise BankError(f"options go behind the command: impasto styles {context.invoked_subcommand} --bank FILE ...")


@styles_app.command("list")
def list_styles(
    network: Network = "full",
    bank: BankFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the styles of a bank, with their cards.

    Other stroke sizes of a style are in its line, or in the JSON.
    """
    from impasto.styles import strokes
    from impasto.styles.bank import PHOTO

    opened = open_bank(network, bank)
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
def add_styles(
    files: Annotated[list[Path], typer.Argument(help="Files of styles.")],
    output: Output,
    network: Network = "full",
    bank: BankFile = None,
    replace: Replace = False,
    force: Force = False,
) -> None:
    """Write the bank with the styles of other files added."""
    from impasto.styles.bank import Bank

    claim_bank(output, files, force, opens=(network, bank))
    opened = open_bank(network, bank)
    for file in files:
        opened = opened.merge(Bank.load(file), replace=replace)
    save_bank(opened, output, force)


@styles_app.command("merge")
def merge_styles(
    files: Annotated[list[Path], typer.Argument(help="Files of styles, of one network.")],
    output: Output,
    replace: Replace = False,
    force: Force = False,
) -> None:
    """Write one bank with the styles of several files."""
    from impasto.styles.bank import Bank

    claim_bank(output, files, force)
    merged = Bank.load(files[0])
    for file in files[1:]:
        merged = merged.merge(Bank.load(file), replace=replace)
    save_bank(merged, output, force)


@styles_app.command("remove")
def remove_styles(
    names: Annotated[list[str], typer.Argument(help="The styles to leave out.")],
    output: Output,
    network: Network = "full",
    bank: BankFile = None,
    force: Force = False,
) -> None:
    """Write the bank without some of its styles."""
    from impasto.styles import strokes

    claim_bank(output, [], force, opens=(network, bank))
    opened = open_bank(network, bank)
    save_bank(opened.remove(*strokes.whole(opened, names)), output, force)


@styles_app.command("rename")
def rename_style(
    old: Annotated[str, typer.Argument(help="What the style is called.")],
    new: Annotated[str, typer.Argument(help="What it is to be called.")],
    output: Output,
    network: Network = "full",
    bank: BankFile = None,
    force: Force = False,
) -> None:
    """Write the bank with a style renamed."""
    from impasto.styles import strokes

    claim_bank(output, [], force, opens=(network, bank))
    save_bank(strokes.rename(open_bank(network, bank), old, new), output, force)


@styles_app.command("export")
def export_styles(
    names: Annotated[list[str], typer.Argument(help="The styles to write.")],
    output: Output,
    network: Network = "full",
    bank: BankFile = None,
    force: Force = False,
) -> None:
    """Write only some styles of the bank.

    One style makes a file of about 14 KB, to send to a friend.
    """
    from impasto.styles import strokes

    claim_bank(output, [], force, opens=(network, bank))
    opened = open_bank(network, bank)
    save_bank(opened.select(strokes.whole(opened, names)), output, force)
