"""Everything that impasto raises on purpose, as one family.

    ImpastoError
    ├── PictureError         a file, bytes or array that cannot be read or written as a picture
    ├── BankError            a style bank that is damaged, or cannot be changed as asked
    │   ├── StyleNameError   a style that the bank does not have, or already has
    │   └── MismatchError    a row or bank that belongs to another network
    ├── NetworkError         a network file that is damaged, or a runtime that cannot open it
    ├── TargetError          a file or folder that cannot be written, or must not be
    ├── OptionError          a number, list or word out of its range; a ValueError too
    ├── FilmError            a film that cannot be read, written or gone on with
    ├── LearnError           training, teaching or optimising that cannot start or go on
    ├── ClusterError         a cluster that cannot be reached, or that breaks down
    └── MissingExtraError    a part of impasto whose optional dependencies are not installed

The message is one sentence that names the thing and the likely fix; the command line prints it and exits with 2.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Result = TypeVar("Result")
Otherwise = TypeVar("Otherwise")

_SIGNS_OF_NO_MEMORY = ("alloc", "out of memory", "not enough memory")


class ImpastoError(Exception):
    """Base of every error that impasto raises on purpose."""


class PictureError(ImpastoError):
    """A file, bytes or array that cannot be read or written as a picture."""


class BankError(ImpastoError):
    """A style bank that is damaged, or cannot be changed as asked."""


class StyleNameError(BankError):
    """A style name that the bank does not have (the message names the nearest one) or that is already taken."""


class MismatchError(BankError):
    """A row or a bank that belongs to another network than the one it meets."""


class NetworkError(ImpastoError):
    """A network file that is damaged, or a runtime that is missing or cannot open it."""


class TargetError(ImpastoError):
    """A file or folder that cannot be written, or must not be: it is read as well, or holds what is not impasto's."""


class OptionError(ImpastoError, ValueError):
    """A number, list or word that an option does not take; the message names the option and what it takes."""


class FilmError(ImpastoError):
    """A film that cannot be read or written, or one that is half painted and cannot be gone on with."""


class LearnError(ImpastoError):
    """Training, teaching or optimising that cannot start or cannot go on."""


class ClusterError(ImpastoError):
    """A cluster of machines that cannot be reached, or that breaks down under the work."""


class MissingExtraError(ImpastoError):
    """A part of impasto whose optional dependencies are not installed; the message holds the pip line."""


def attempt(look: Callable[[], Result], otherwise: Otherwise) -> Result | Otherwise:
    """What ``look`` finds, or ``otherwise`` if it cannot be had: for what must cost itself alone, such as EXIF.

    Broad, because libraries raise whatever they like for damaged data; so only their calls belong into ``look``.
    """
    try:
        return look()
    except Exception:
        return otherwise


@contextmanager
def foreign(meaning: Callable[[Exception], Exception | None]) -> Iterator[None]:
    """Where a foreign library works: what it raises becomes what it means; ours passes, as does what means nothing.

    Broad as ``attempt`` is, and the only such place: runtimes, decoders and compilers have no common type of error.
    """
    try:
        yield
    except ImpastoError:
        raise
    except Exception as error:
        found = meaning(error)
        if found is None:
            raise
        raise found from error


def brief(error: BaseException, length: int = 200) -> str:
    """What a foreign error says, or its type if it says nothing, on one line of at most ``length`` characters."""
    return " ".join(str(error).split())[:length] or type(error).__name__


def lacks_memory(error: BaseException) -> bool:
    """Whether Python, numpy, torch or a runtime was refused memory; not all have a type of error for that."""
    theirs = isinstance(error, RuntimeError) or type(error).__module__.startswith("onnxruntime")
    text = str(error).lower()
    return isinstance(error, MemoryError) or (theirs and any(sign in text for sign in _SIGNS_OF_NO_MEMORY))


def outdated(old: str, new: str, *, gone: str) -> None:
    """Warn the caller of whoever calls this: ``old`` is called ``new`` now, and goes away with the version ``gone``."""
    line = f"{old} is now {new}, and goes away with impasto {gone}"
    warnings.warn(line, DeprecationWarning, stacklevel=3)
