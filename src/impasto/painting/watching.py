"""A painting on its way, shown to the person who waits: in a notebook, or by a function of theirs."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from typing import Any

from impasto import pictures
from impasto.errors import OptionError
from impasto.painting.job import Progress

Show = Callable[[float], object]
Watch = bool | Show | None  # True: a bar in a notebook, nothing elsewhere; a function gets the share done, 0..1


def watched(steps: Iterable[Progress], watch: Watch) -> pictures.Pixels:
    """The painting at the end of ``steps``, which are shown meanwhile; OptionError if ``watch`` is no ``Watch``."""
    if not (watch is None or isinstance(watch, bool) or callable(watch)):
        raise OptionError(f"progress is True, False or a function, not of type {type(watch).__name__}")
    show = watch if callable(watch) else _notebook() if watch and "ipykernel" in sys.modules else None
    painted = None
    for step in steps:
        painted = step.painted
        if show:
            show(step.share)
    assert painted is not None
    return painted


def _notebook() -> Show:
    """A bar of HTML that changes in its place; it needs no widgets."""
    page: Any = importlib.import_module("IPython.display")

    def bar(share: float) -> Any:
        return page.HTML(f'<progress value="{share:.3f}" max="1" aria-label="painting"></progress> {share:.0%}')

    handle = page.display(bar(0.0), display_id=True)
    return lambda share: handle.update(bar(share))
