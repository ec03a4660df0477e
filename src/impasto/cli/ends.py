"""The two ends of commands: what they read, and what they write."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto import limits
from impasto.cli.options import Banked
from impasto.cli.terminal import report, say, to_json
from impasto.errors import OptionError, PictureError, TargetError
from impasto.files import STDIO

if TYPE_CHECKING:
    from impasto.painting.look import Look, Style
    from impasto.pictures import Photo
    from impasto.styles.bank import Bank


at_end = ExitStack()  # what main does when a command has ended, however it ended


def claim(
    outputs: Iterable[Path],
    sources: Iterable[Path],
    *,
    opens: Banked | None = None,
    pictures: bool = False,
    folder: Path | None = None,
    stdout: bool = False,
    **options: Any,
) -> None:
    """Check all that a command will write, as ``targets.claimed`` does, to which the ``options`` go.

    opens: a network and bank that are read, besides ``sources``. pictures: the outputs have to be pictures.
    stdout: one of them may be standard output.
    """
    from impasto.cli import targets

    outputs = list(outputs)
    for output in outputs if not stdout else ():
        _refuse_stdout(output)
    for output in outputs if pictures and folder is None else ():
        if output != STDIO:
            check_suffix(output)
    sources = [*sources, *(targets.network_files(opens.network, opens.bank) if opens else ())]
    at_end.enter_context(targets.claimed(outputs, sources, folder=folder, **options))


def given_files(*paths: Path | str | None) -> list[Path]:
    return [Path(path) for path in paths if path is not None]


def look_of(style: Style, dials: dict[str, Any]) -> Look:
    """A style with the dials that were given as options."""
    from impasto.painting.look import Look

    if dials.get("enlarge") and "size" not in dials:
        raise OptionError("--enlarge needs --size N, the longer side that smaller photos are brought to")
    return Look(style, **{**dials, "brush": limits.BRUSH.parse(dials["brush"])})


def save_bank(bank: Bank, output: Path, force: bool, *, note: str = "", as_json: bool = False) -> None:
    bank.save(output, overwrite=force)
    size = output.stat().st_size
    line = f"{output}: {len(bank)} style{'s' * (len(bank) != 1)}, {size:,} bytes{f'; {note}' if note else ''}"
    report({"output": str(output), "styles": list(bank.names), "bytes": size}, line, as_json)


def one_mix(styles: list[str]) -> str:
    """All of -s as one mix; OptionError for a weight that would count for nothing."""
    from impasto.styles import blend

    mix = ",".join(styles)
    weights = blend.parse(mix)
    if len(weights) == 1 and set(weights.values()) != {1.0}:
        raise OptionError(f"the weight in {mix!r} has nothing to be weighed against; --strength says how strong it is")
    return mix


def plain_names(styles: list[str]) -> list[str]:
    """All of -s as names; OptionError for weights, which nothing would use."""
    from impasto.styles import blend

    text = ",".join(styles)
    if ":" in text:
        raise OptionError(f"weights as in {text!r} are not used here; give names alone, -s NAME,NAME,...")
    return list(blend.parse(text))


def counted(things: Sized, name: str) -> str:
    return f"{len(things)} {name} is" if len(things) == 1 else f"{len(things)} {name}s are"


@contextmanager
def interrupted(done: Callable[[], str]) -> Iterator[None]:
    """Ctrl-C inside says what is ``done``, and kept."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(done()) from stop


def check_suffix(output: Path) -> None:
    from impasto.pictures import check_target

    _refuse_stdout(output)
    check_target(output)  # before the work, not after


def _refuse_stdout(output: Path) -> None:
    if output == STDIO:
        raise TargetError("only impasto paint writes to standard output (-); name a file with -o")


def load_photo(source: Path, max_pixels: int, size: int | None = None) -> Photo:
    from impasto import pictures

    source_or_stdin = sys.stdin.buffer if source == STDIO else source
    photo = pictures.load(source_or_stdin, max_pixels=max_pixels, max_side=size)
    for note in photo.notes:
        say(f"note: {note}")
    return photo


def progress(
    items: Iterable[Any], total: int | None = None, *, quiet: bool, description: str = "painting"
) -> Iterator[Any]:
    if quiet:
        return iter(items)
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return iter(track(items, description=description, total=total, console=console, disable=not console.is_terminal))


def numbers_in(text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    numbers: tuple[float, ...] = limits.WEIGHTS.parse(text)
    return numbers


def write_json(path: Path, value: Any) -> None:
    from impasto.files import write_atomically

    try:
        write_atomically(path, to_json(value, indent=1).encode())
    except OSError as error:
        raise PictureError(f"{path} cannot be written ({error.strerror})") from error
