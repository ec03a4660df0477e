"""Paintings of one's own among the options: what they are called, whether they are used, and made styles."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from impasto import limits
from impasto.cli.ends import load_photo
from impasto.cli.terminal import say
from impasto.errors import OptionError
from impasto.files import printable

if TYPE_CHECKING:
    from impasto.painting.painter import Painter


def named_images(images: Iterable[Path]) -> dict[str, Path]:
    """The paintings of --style-image by the names that they have as styles; OptionError where two have the same."""
    from impasto.styles.names import slug_of

    found: dict[str, Path] = {}
    for image in images:
        name = slug_of(image)
        if name in found:
            both = f"{printable(found[name])} and {printable(image)}"
            raise OptionError(f"{both} would both be the style {name!r}; rename one of the files")
        found[name] = image
    return found


def check_used(images: Mapping[str, Path], mixes: Iterable[str]) -> None:
    """OptionError for a painting of --style-image that neither -s nor a mask names."""
    from impasto.styles import blend

    used = {name for mix in mixes for name in blend.parse(mix)}
    for name, image in images.items():
        if name not in used:
            raise OptionError(f"{printable(image)} is not used; name it in -s or --mask, as {name!r}, or leave -s out")


def add_images(painter: Painter, images: Mapping[str, Path], max_pixels: int = limits.DEFAULT_MAX_PIXELS) -> None:
    """Make styles of the paintings, in the painter's bank, and say how long it took; raises as ``Painter.add``."""
    for name, image in images.items():
        begin = time.monotonic()
        painter.add(load_photo(image, max_pixels), name)
        say(f"note: {image} is the style {name}, found in {time.monotonic() - begin:.1f} s")


def no_style() -> NoReturn:
    """Neither -s nor --style-image was given."""
    raise OptionError("no style is given; name one with -s, or a painting of your own with --style-image")
