"""Files <-> pictures: load, resize, keep colours, save. Knows no styles or networks.

What other packages need is named here; the modules behind it do one kind of work each.
"""

from impasto.pictures.decoders import all_readable as readable
from impasto.pictures.decoders import known as kind_of
from impasto.pictures.folders import find, search
from impasto.pictures.pixels import (
    Photo,
    Picture,
    Pixels,
    Source,
    Target,
    as_type,
    checked,
    is_whole,
    resize,
    shrunk_size,
    to_bytes,
    unit,
)
from impasto.pictures.read import DEFAULT_MAX_PIXELS, Header, from_pil, header, load, made_by_impasto, once, size_of
from impasto.pictures.recolor import keep_color
from impasto.pictures.write import (
    LONGEST_SIDE,
    PAPER,
    check_quality,
    check_side,
    check_target,
    is_clear,
    no_transparency,
    save,
    to_pil,
    writable,
)

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "Header",
    "LONGEST_SIDE",
    "PAPER",
    "Photo",
    "Picture",
    "Pixels",
    "Source",
    "Target",
    "as_type",
    "checked",
    "check_quality",
    "check_side",
    "check_target",
    "find",
    "from_pil",
    "header",
    "is_clear",
    "is_whole",
    "keep_color",
    "kind_of",
    "load",
    "made_by_impasto",
    "no_transparency",
    "once",
    "readable",
    "resize",
    "save",
    "search",
    "shrunk_size",
    "size_of",
    "to_bytes",
    "to_pil",
    "unit",
    "writable",
]
