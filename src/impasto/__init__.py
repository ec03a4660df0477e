"""impasto paints photos in the style of paintings.

A *style* is one row of numbers: the scale and shift behind every instance norm of a network whose convolutions all
styles share (Dumoulin, Shlens and Kudlur 2017). So styles can be blended as points in a space, drawn towards the photo,
and learned from one painting, and none of that touches the network. ``paint`` is the short way; a ``Painter`` keeps the
network open; a ``Bank`` holds styles; ``blend`` does arithmetic on rows. All gradients live in ``impasto.learn``;
``optimize`` is the slow and thorough method.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from impasto.errors import (
    BankError,
    ClusterError,
    FilmError,
    ImpastoError,
    LearnError,
    MismatchError,
    MissingExtraError,
    NetworkError,
    OptionError,
    PictureError,
    StyleNameError,
    TargetError,
)

if TYPE_CHECKING:
    from impasto.assets import __version__
    from impasto.learn.optimize.run import OptimizeStep, Options
    from impasto.painting.look import Look
    from impasto.painting.painter import Painter, paint
    from impasto.pictures import Source
    from impasto.styles.bank import Bank, Card

__all__ = [
    "Bank",
    "BankError",
    "Card",
    "ClusterError",
    "FilmError",
    "ImpastoError",
    "LearnError",
    "Look",
    "MismatchError",
    "MissingExtraError",
    "NetworkError",
    "OptionError",
    "Painter",
    "PictureError",
    "StyleNameError",
    "TargetError",
    "__version__",
    "optimize",
    "paint",
]


def optimize(photo: Source, paintings: Source | Sequence[Source], **options: Unpack[Options]) -> Iterator[OptimizeStep]:
    """Paint ``photo`` like ``paintings`` by moving its pixels.

    The options, and what it raises, are those of ``impasto.learn.optimize.run.optimize``. Yields an ``OptimizeStep``
    for each step; the last one's ``picture`` is the result, float32, h x w x 3 in 0..1. torch is imported here and not
    before; MissingExtraError where it is not installed.
    """
    try:
        from impasto.learn.optimize.run import optimize as steps
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError("torch is not installed: pip install 'impasto[learn]'") from error
    return steps(photo, paintings, **options)


def __getattr__(name: str) -> Any:
    """What needs numpy is imported when it is first asked for: the command line begins in an instant."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        from impasto import assets

        return assets.__version__
    from impasto.painting import look, painter
    from impasto.styles import bank

    globals().update(Look=look.Look, Painter=painter.Painter, paint=painter.paint, Bank=bank.Bank, Card=bank.Card)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
