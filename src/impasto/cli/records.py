"""Options made from records: a default, what it may be and its help are written once, at the record's field."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import typer

from impasto.limits import LAYERS, Limit

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Fields:
    """Marks a parameter, ``Annotated[dict[str, Any], Fields(RECORD, NAMES)]``: an option for each of those fields.

    The command gets a dictionary of what was given. With ``unset`` options have no default: what is not given is
    missing, and falls to a recipe or a bank. ``more`` are helps in place of the fields' own.
    """

    record: type
    names: tuple[str, ...]
    unset: tuple[str, ...] | bool = False
    more: dict[str, str] = dataclasses.field(default_factory=dict)

    def parameters(self) -> Iterator[inspect.Parameter]:
        """The parameters that the options are made from."""
        hints = typing.get_type_hints(self.record)
        known = {each.name: each for each in dataclasses.fields(self.record)}
        for name in self.names:
            unset = self.unset if isinstance(self.unset, bool) else name in self.unset
            yield self._parameter(known[name], hints[name], unset)

    def _parameter(self, each: Any, hint: Any, unset: bool) -> inspect.Parameter:
        limit: Limit | None = each.metadata.get("limit")
        kind = str if _is_list(hint) else _plain(hint)
        default = None if unset or _is_list(hint) else each.default
        flag = [f"--{name_of(each.name)}"] if kind is bool and each.default is False else []  # no --no-
        shown = default is not None
        option = typer.Option(*flag, help=self.more.get(each.name, each.metadata["help"]), show_default=shown)
        marks = [option] if limit is None or kind is bool else [option, limit]
        annotation: Any = Annotated[(kind | None if default is None else kind, *marks)]
        return inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)

    def made(self, given: dict[str, Any]) -> dict[str, Any]:
        """What the command gets: lists of numbers are read, and what was not given is left out."""
        hints = typing.get_type_hints(self.record)
        limits: dict[str, Any] = {each.name: each.metadata.get("limit") for each in dataclasses.fields(self.record)}
        return {
            name: limits[name].parse(value) if _is_list(hints[name]) and limits[name] is not LAYERS else value
            for name, value in given.items()
            if value is not None
        }


def options(function: Function) -> Callable[..., Any]:
    """``function`` for Typer, with options in the place of its parameters that are records.

    A record is a dataclass whose fields have help and limit, or are annotated as Typer has it, or it is ``Fields``.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    expanded: dict[str, list[inspect.Parameter]] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        expanded[name] = list(_expanded(parameter.replace(annotation=hints[name])))

    def command(**given: Any) -> Any:
        return function(**{name: _made(hints[name], name, parts, given) for name, parts in expanded.items()})

    flat = [part for parts in expanded.values() for part in parts]
    command.__name__, command.__doc__ = function.__name__, function.__doc__
    command.__module__ = function.__module__
    command.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]
    command.__annotations__ = {part.name: part.annotation for part in flat}
    return command


def _expanded(parameter: inspect.Parameter) -> Iterator[inspect.Parameter]:
    fields = _fields(parameter.annotation)
    if fields is not None:
        yield from fields.parameters()
    elif dataclasses.is_dataclass(parameter.annotation):
        hints = typing.get_type_hints(parameter.annotation, include_extras=True)
        for each in dataclasses.fields(parameter.annotation):
            if each.metadata:
                yield from Fields(typing.cast(type, parameter.annotation), (each.name,)).parameters()
            else:
                empty = inspect.Parameter.empty if each.default is dataclasses.MISSING else each.default
                kind = inspect.Parameter.KEYWORD_ONLY
                yield inspect.Parameter(each.name, kind, default=empty, annotation=hints[each.name])
    else:
        yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)


def _made(hint: Any, name: str, parts: list[inspect.Parameter], given: dict[str, Any]) -> Any:
    """The value of a parameter from those of its options."""
    own = {part.name: given[part.name] for part in parts}
    fields = _fields(hint)
    if fields is not None:
        return fields.made(own)
    return typing.cast(Any, hint)(**own) if dataclasses.is_dataclass(hint) else given[name]


def name_of(field: str) -> str:
    """What the option of a field is called, without the dashes before it."""
    return field.replace("_", "-")


def _fields(hint: Any) -> Fields | None:
    return next((mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Fields)), None)


def _plain(hint: Any) -> Any:
    """The type of an option for a field of this type, without None; words are texts."""
    kinds = [each for each in typing.get_args(hint) if each is not type(None)]
    kind = kinds[0] if type(None) in typing.get_args(hint) else hint
    return kind if kind in (int, float, bool) else str


def _is_list(hint: Any) -> bool:
    return typing.get_origin(hint) is tuple
