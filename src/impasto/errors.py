"""Everything that impasto raises on purpose, as one family.

    ImpastoError
    ├── PictureError         a file, bytes or array that cannot be read or written as a picture
    ├── BankError            a style bank that is damaged, or cannot be changed as asked
    │   ├── StyleNameError   a style that the bank does not have, or already has
    │   └── MismatchError    a row or bank that belongs to another network
    ├── NetworkError         a network file that is damaged, or a runtime that cannot open it
    ├── TargetError          a file or folder that cannot be written, or must not be
    ├── OptionError          a number, list or word out of its range; a ValueError too
    ├── LearnError           training, teaching or optimising that cannot start or go on
    └── MissingExtraError    a part of impasto whose optional dependencies are not installed

The message is one sentence that names the thing and the likely fix; the command line prints it and exits with 2.
"""

from __future__ import annotations

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


class LearnError(ImpastoError):
    """Training, teaching or optimising that cannot start or cannot go on."""


class MissingExtraError(ImpastoError):
    """A part of impasto whose optional dependencies are not installed; the message holds the pip line."""


def lacks_memory(error: BaseException) -> bool:
    """Whether Python, numpy, torch or a runtime was refused memory; not all have a type of error for that."""
    theirs = isinstance(error, RuntimeError) or type(error).__module__.startswith("onnxruntime")
    text = str(error).lower()
    return isinstance(error, MemoryError) or (theirs and any(sign in text for sign in _SIGNS_OF_NO_MEMORY))
