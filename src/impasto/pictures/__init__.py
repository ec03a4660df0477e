"""Files <-> pictures: load, resize, keep colours, save. Knows no styles or networks.

What other packages need is named here; the modules behind it do one kind of work each.
"""

from impasto.pictures.folders import find as find
from impasto.pictures.folders import search as search
from impasto.pictures.pixels import (
    Photo as Photo,
)
from impasto.pictures.pixels import (
    Picture as Picture,
)
from impasto.pictures.pixels import (
    Pixels as Pixels,
)
from impasto.pictures.pixels import (
    Source as Source,
)
from impasto.pictures.pixels import (
    Target as Target,
)
from impasto.pictures.pixels import (
    as_type as as_type,
)
from impasto.pictures.pixels import (
    checked as checked,
)
from impasto.pictures.pixels import (
    is_whole as is_whole,
)
from impasto.pictures.pixels import (
    resize as resize,
)
from impasto.pictures.pixels import (
    shrunk_size as shrunk_size,
)
from impasto.pictures.pixels import (
    to_bytes as to_bytes,
)
from impasto.pictures.pixels import (
    unit as unit,
)
from impasto.pictures.read import DEFAULT_MAX_PIXELS as DEFAULT_MAX_PIXELS
from impasto.pictures.read import from_pil as from_pil
from impasto.pictures.read import load as load
from impasto.pictures.read import made_by_impasto as made_by_impasto
from impasto.pictures.read import once as once
from impasto.pictures.read import size_of as size_of
from impasto.pictures.recolor import keep_color as keep_color
from impasto.pictures.write import (
    LONGEST_SIDE as LONGEST_SIDE,
)
from impasto.pictures.write import (
    PAPER as PAPER,
)
from impasto.pictures.write import (
    check_quality as check_quality,
)
from impasto.pictures.write import (
    check_side as check_side,
)
from impasto.pictures.write import (
    check_target as check_target,
)
from impasto.pictures.write import (
    is_clear as is_clear,
)
from impasto.pictures.write import (
    no_transparency as no_transparency,
)
from impasto.pictures.write import (
    save as save,
)
from impasto.pictures.write import (
    to_pil as to_pil,
)
from impasto.pictures.write import (
    writable as writable,
)
