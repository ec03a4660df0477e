"""Files <-> pictures: load, resize, keep colours, save. Knows no styles or networks.

What other packages need is named here; the modules behind it do one kind of work each.
"""

from impasto.limits import DEFAULT_MAX_PIXELS as DEFAULT_MAX_PIXELS
from impasto.pictures import decoders as _decoders
from impasto.pictures.folders import find as find, search as search
from impasto.pictures.pixels import (
    Photo as Photo,
    Picture as Picture,
    Pixels as Pixels,
    Source as Source,
    Target as Target,
    as_type as as_type,
    checked as checked,
    is_whole as is_whole,
    resize as resize,
    shrunk_size as shrunk_size,
    to_bytes as to_bytes,
    unit as unit,
)
from impasto.pictures.read import (
    Header as Header,
    from_pil as from_pil,
    header as header,
    load as load,
    made_by_impasto as made_by_impasto,
    once as once,
    size_of as size_of,
)
from impasto.pictures.recolor import keep_color as keep_color
from impasto.pictures.write import (
    LONGEST_SIDE as LONGEST_SIDE,
    PAPER as PAPER,
    check_side as check_side,
    check_target as check_target,
    is_clear as is_clear,
    no_transparency as no_transparency,
    png as png,
    save as save,
    to_pil as to_pil,
    writable as writable,
)

readable, kind_of = _decoders.all_readable, _decoders.known
