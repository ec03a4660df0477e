"""What is between the commands and the terminal: options are checked, errors become exits, records become lines.

It knows no command.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
import io
import math
import os
import signal
import sys
import typing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from json import dumps
from pathlib import Path
from typing import Any, ClassVar, NoReturn, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from impasto.cli.values import take_plainly
from impasto.errors import ImpastoError, OptionError, lacks_memory
from impasto.limits import Limit

Function = TypeVar("Function", bound=Callable[..., Any])
Panels = dict[str, dict[str, str]]  # titles, and below each its commands, as --help lists them: names and first lines
DEBUG = "IMPASTO_DEBUG"  # set in the environment, it shows where a fault of ours comes from
USAGE_ERROR: Any = typer.BadParameter.__bases__[0]  # Typer has no public name for it
WORDY = ("artist", "title", "year", "licence", "stroke sizes")  # columns that may be wrapped: nobody types them
NARROWEST = 8  # characters of a column that is wrapped


# ---- options


class _Checked:
    """A command whose options are checked while they are parsed: given once, and within the limits of their type.

    A limit is in the annotation, behind Typer's option: ``Annotated[int, typer.Option(...), limits.SIDE]``. The
    help says it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.limits = limits_of(self.callback)  # type: ignore[attr-defined]
        self.paths = paths_of(self.callback)  # type: ignore[attr-defined]
        for param in self.params:  # type: ignore[attr-defined]
            limit = self.limits.get(param.name)
            if limit is not None and limit.short and param.help is not None:
                param.help = f"{param.help.rstrip('.')} ({limit.short})."

    def parse_args(self, context: Any, words: list[str]) -> list[str]:
        hints = _hints(self.callback)  # type: ignore[attr-defined]
        for param in self.get_params(context):  # type: ignore[attr-defined]
            if "process_value" not in vars(param):  # not yet
                take_plainly(param, hints.get(param.name))
        try:
            given, _, order = self.make_parser(context).parse_args(args=list(words))  # type: ignore[attr-defined]
        except USAGE_ERROR as error:
            error.ctx = error.ctx or context  # Typer forgets it for an option without its value
            raise
        for param in order:  # an empty text would be the current folder: impasto paint "$UNSET"
            value = given[param.name]
            if param.name in self.paths and "" in (value if isinstance(value, (list, tuple)) else [value]):
                raise OptionError(f"{_name(param)} is empty; name a file or a folder")
        options = [param for param in order if param.param_type_name == "option"]
        for param, times in Counter(options).items():
            if times > 1 and not (param.multiple or param.is_flag):
                raise OptionError(
                    f"{_name(param)} is given {'twice' if times == 2 else f'{times} times'}; give it once"
                )
            if param.name in self.limits:
                for text in given[param.name] if param.multiple else [given[param.name]]:
                    self.limits[param.name].read(_name(param), text)
        return super().parse_args(context, words)  # type: ignore[misc,no-any-return]


class Command(_Checked, TyperCommand):
    """A command with checked options. Python's collector, which may rest while modules are imported, works in it."""

    def invoke(self, context: Any) -> Any:
        if not gc.isenabled():
            gc.freeze()  # modules stay
            gc.enable()
        return super().invoke(context)


class Group(_Checked, TyperGroup):
    """Several commands, listed in panels. Ctrl-C in one becomes ``Interrupted``, which Typer leaves alone."""

    panels: ClassVar[Panels] = {}

    def format_commands(self, context: Any, formatter: Any) -> None:
        """The list of commands in --help: a list for each panel, for which no command has to be there."""
        if not self.panels:
            return super().format_commands(context, formatter)
        for title, commands in self.panels.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().make_context(*arguments, **options)
        except KeyboardInterrupt as stop:  # Typer would leave without a word
            raise Interrupted("nothing was written") from stop

    def invoke(self, context: Any) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt as stop:
            raise Interrupted(str(stop) or "nothing was written") from stop


class App(typer.Typer):
    """Typer with commands and groups as above; ``panels`` are those of the group."""

    def __init__(self, *, panels: Panels | None = None, **options: Any) -> None:
        super().__init__(cls=type("Group", (Group,), {"panels": panels or {}}), **options)

    def command(self, name: str | None = None, **options: Any) -> Callable[[Function], Function]:
        return super().command(name, cls=Command, **options)


class Interrupted(Exception):
    """Ctrl-C, on its way through Typer; the message says what is done and kept."""


def limits_of(function: Any) -> dict[str, Limit]:
    """The limits in the annotations of a function's parameters."""
    hints = _hints(function)
    marks = [(name, mark) for name, hint in hints.items() for mark in getattr(hint, "__metadata__", ())]
    return {name: mark for name, mark in marks if isinstance(mark, Limit)}


def paths_of(function: Any) -> set[str]:
    """The parameters of a function that are a path, or several."""
    return {name for name, hint in _hints(function).items() if _holds_path(hint)}


def _hints(function: Any) -> dict[str, Any]:
    return typing.get_type_hints(inspect.unwrap(function), include_extras=True) if function else {}


def _holds_path(hint: Any) -> bool:
    return hint is Path or any(map(_holds_path, typing.get_args(hint)))


def _name(param: Any) -> str:
    name = str(max(param.opts, key=len))
    return name.upper() if param.param_type_name == "argument" else name


# ---- the way out


def run(app: typer.Typer, shown: Callable[[str], object] | None = None) -> NoReturn:
    """Run the command line and exit: 0, or 2 behind one sentence; 130 when interrupted, 1 for a fault of ours.

    SIGTERM ends it as Ctrl-C does. With --json, what fails is a record on standard output as well. ``shown`` is for
    who has no terminal: it gets the sentence, too, and no words are needed.
    """
    _fill_closed()
    for stream, errors in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)  # whatever the encoding lacks
    try:
        with contextlib.suppress(ValueError):  # not in the main thread
            for kind in (signal.SIGTERM, signal.SIGINT):
                if signal.getsignal(kind) is not signal.SIG_IGN:  # as behind nohup, or in a shell's background
                    signal.signal(kind, signal.default_int_handler)
        words = None if sys.argv[1:] or shown else ["--help"]
        code = typer.main.get_command(app).main(words, prog_name="impasto", standalone_mode=False)
        _flush()
    except (Interrupted, KeyboardInterrupt) as stop:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second one ends the cleaning up at once
        _leave(f"interrupted: {str(stop) or 'nothing was written'}", 130, record=False)
    except Exception as error:  # the end of the way: whatever it is, people read one sentence
        if isinstance(error, BrokenPipeError):  # the reader has enough: impasto styles | head -1
            _forget_output()
            sys.exit(1)
        if os.environ.get(DEBUG) and not isinstance(error, ImpastoError | USAGE_ERROR):
            raise
        if shown is not None:
            shown(sentence(error))
        known = isinstance(error, ImpastoError | USAGE_ERROR | OSError) or lacks_memory(error)
        _leave(sentence(error), 2 if known else 1)  # 1: a fault of ours
    sys.exit(code if isinstance(code, int) else 0)


def sentence(error: Exception) -> str:
    """What a person reads of an error."""
    if isinstance(error, ImpastoError):
        return str(error)
    if isinstance(error, USAGE_ERROR):
        message = str(error.format_message()).rstrip(".?").replace(". Did you", "; did you")
        where = error.ctx.command_path if error.ctx is not None else "impasto"
        return f"{message[:1].lower()}{message[1:]}; see {where} --help"
    if lacks_memory(error):
        return "there is not enough memory for this; choose a smaller size, or end other programs"
    if isinstance(error, FileNotFoundError) and error.filename is None:  # as os.getcwd says it
        return "the current folder is not there any more; go to another one"
    if isinstance(error, OSError):
        place = "standard output" if error.filename is None else str(error.filename)
        return f"{place} cannot be read or written ({error.strerror or error})"
    cause = f"{type(error).__name__}: {error}"
    return f"this is a fault of impasto, please report it ({cause}); {DEBUG}=1 shows where it is"


@contextlib.contextmanager
def at_rest() -> Iterator[None]:
    """Here Python's collector rests: imports leave it nothing, and it would look at them again and again."""
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count():  # this process is the command's own
            gc.freeze()
        gc.enable()


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """Here a signal ends the process at once, with one line and 130: nothing is open yet, but modules are imported.

    An exception in the middle of an import can become any other.
    """
    before = {}
    with contextlib.suppress(ValueError):  # not in the main thread
        for kind in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(kind) is not signal.SIG_IGN:
                before[kind] = signal.signal(kind, _interrupted)
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _interrupted(number: int, frame: object) -> NoReturn:
    with contextlib.suppress(OSError):
        os.write(2, b"impasto: interrupted: nothing was written\n")
    os._exit(130)


def _leave(message: str, code: int, *, record: bool = True) -> NoReturn:
    message = " ".join(message.split())
    try:
        if record and "--json" in sys.argv:
            typer.echo(to_json({"error": message}))
        _flush()
    except OSError:
        _forget_output()
    say(f"impasto: {message}")
    sys.exit(code)


def _fill_closed() -> None:
    """Put something in the place of closed standard streams: the next file that is opened would get their number.

    Nothing is read, notes go nowhere, and writing to standard output fails.
    """
    for name, mode, flags in (("stdin", "r", os.O_RDONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, flags), mode))


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _forget_output() -> None:
    """Let Python write what is left nowhere when it ends: that would fail again, with a traceback."""
    with contextlib.suppress(OSError, ValueError):  # no stream of the system's
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# ---- lines


def say(message: str) -> None:
    """One line on standard error; where that cannot be written, the work goes on."""
    with contextlib.suppress(OSError):
        typer.echo(printable(message), err=True)


def report(record: dict[str, Any], line: str, as_json: bool) -> None:
    """What a command has done: with ``as_json`` the record on standard output, else a line on standard error."""
    if as_json:
        typer.echo(to_json(record))
    else:
        say(line)


def printable(text: str) -> str:
    """``text`` from anywhere without what would steer a terminal: escapes, control characters, changes of direction."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def to_json(value: Any, **options: Any) -> str:
    """``value`` as JSON that every reader takes: ASCII, and null for what is no finite number."""
    return dumps(_finite(value), allow_nan=False, **options)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, (list, tuple)) else value


def table(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """Print ``rows``, names and numbers whole: on a terminal wide texts are wrapped, elsewhere a row is a line."""
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    texts = [[Text(printable(" ".join(str(row.get(column, "")).split()))) for column in columns] for row in rows]
    made = Table(box=None)
    for column in columns:
        made.add_column(column, no_wrap=column not in WORDY, overflow="fold")
    for cells in texts:
        made.add_row(*cells)
    console = Console()
    needed = Measurement.get(console, console.options.update(width=100_000), made).maximum
    wordy = [max(cells[i].cell_len for cells in texts) for i, name in enumerate(columns) if name in WORDY]
    least = needed - sum(max(0, width - NARROWEST) for width in wordy)
    if not console.is_terminal or least > console.width:
        console = Console(width=needed)
    console.print(made, soft_wrap=console.width == needed)
