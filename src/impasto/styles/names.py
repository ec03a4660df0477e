"""What a style may be called, and which name was probably meant."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from impasto.errors import BankError

LONGEST = 100  # characters: a file name with the photo's name before it and a suffix has room for it
SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")


def check_name(name: str) -> None:
    """BankError unless ``name`` is a slug: such names need no quoting in a shell, a mix, an address or a file name."""
    if isinstance(name, str) and len(name) > LONGEST:
        raise BankError(f"a name has at most {LONGEST} characters, not {len(name):,}; choose a shorter one")
    if not isinstance(name, str) or SLUG.fullmatch(name) is None:
        raise BankError(
            f"{name!r} cannot be a name; use lower-case letters, digits, '-', '_' and '.', "
            "with a letter or digit in front, like 'hokusai-great-wave'"
        )


def slug_of(painting: object) -> str:
    """What a painting's style is called after its file, such as "the-red-room" for "The Red Room.jpg".

    "painting" where its name has no Latin letters and digits, or is that of the style that gives the photo back.
    """
    stem = Path(painting).stem if isinstance(painting, (str, os.PathLike)) else ""
    ascii_only = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9._]+", "-", ascii_only)[:LONGEST].strip("-._")
    return "painting" if slug in ("", "photo") else slug


def plain(text: str) -> str:
    """A text without capitals and accents, to be looked for in another."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in apart if not unicodedata.combining(each))


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The known name that ``name`` was probably meant to be, or None.

    Compared with each run of as many words as ``name`` has, so that "stary-night" finds
    "van-gogh-starry-night"; between equals, the name that is closer as a whole wins.
    """
    asked = re.sub(r"[\s_-]+", "-", name.strip().lower())
    asked = asked[:100]  # comparing is slow, and the name may come from anywhere
    count = asked.count("-") + 1

    def likeness(known: str) -> tuple[float, float]:
        words = known.split("-")
        runs = ["-".join(words[start : start + count]) for start in range(len(words))]
        return max(_likeness(asked, run) for run in runs), _likeness(asked, known)

    best = max(((likeness(known), known) for known in names), key=lambda pair: pair[0], default=((0.0, 0.0), None))
    return best[1] if best[0][0] > 0.6 else None


def _likeness(a: str, b: str) -> float:
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()
