"""Words of the command line as values, where that is plain: what Typer validates them with takes long to load."""

from __future__ import annotations

import os
import re
import types
import typing
from pathlib import Path
from typing import Any

NUMBERS = {int: re.compile(r"[+-]?[0-9]{1,15}"), float: re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")}
SPECIAL = ("parser", "click_type", "min", "max", "exists", "writable", "resolve_path", "path_type")
_OTHER: Any = object()


def take_plainly(param: Any, hint: Any) -> None:
    """Let a parameter of Typer's, annotated as ``hint``, take plain values by itself; all others stay Typer's."""
    typers = param.process_value
    kind, info = _kind_of(hint)

    def process(context: Any, given: Any) -> Any:
        value = _value(kind, info, given, several=param.multiple or param.nargs == -1)
        if value is _OTHER or (param.required and param.value_is_missing(value)):
            return typers(context, given)  # which says what is wrong
        return param.callback(context, param, value) if param.callback else value

    param.process_value = process


def _kind_of(hint: Any) -> tuple[Any, Any]:
    """The type of a single value, and Typer's record of the option or argument."""
    marks = getattr(hint, "__metadata__", ())
    base = hint.__origin__ if marks else hint
    union = isinstance(base, types.UnionType) or typing.get_origin(base) is typing.Union
    kinds = [each for each in (typing.get_args(base) if union else (base,)) if each is not types.NoneType]
    kind = kinds[0] if len(kinds) == 1 else None
    info = next((mark for mark in marks if hasattr(mark, "readable")), None)
    return typing.get_args(kind)[0] if typing.get_origin(kind) is list else kind, info


def _value(kind: Any, info: Any, given: Any, *, several: bool) -> Any:
    if given is None:
        return () if several else None
    if info is None or any(getattr(info, name, None) not in (None, False) for name in SPECIAL):
        return _OTHER
    if not several:
        return _single(kind, info, given)
    if not isinstance(given, (list, tuple)):
        return _OTHER
    values = [_single(kind, info, each) for each in given]
    return _OTHER if any(value is _OTHER for value in values) else values


def _single(kind: Any, info: Any, given: Any) -> Any:
    if kind in (str, int, float, bool) and type(given) is kind:
        return given
    if kind is float and type(given) is int:
        return float(given)
    if kind in NUMBERS and isinstance(given, str) and NUMBERS[kind].fullmatch(given):
        return kind(given)
    if kind is Path and isinstance(given, (str, Path)) and info.file_okay and info.dir_okay:
        read = not info.readable or not os.path.exists(given) or os.access(given, os.R_OK)
        return Path(given) if read else _OTHER
    return _OTHER
