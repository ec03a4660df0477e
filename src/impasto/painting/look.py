"""How a painting is to look: every dial of a painter, in one record."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, Unpack

from impasto import limits
from impasto.errors import OptionError, PictureError

if TYPE_CHECKING:
    from impasto.painting.passes import Brush
    from impasto.painting.regions import Mask
    from impasto.styles import blend

    Style: TypeAlias = blend.Style
else:  # the command line makes its options of these fields, and begins before numpy is there
    Brush, Mask, Style = str | int, Any, Any


class Sizes(TypedDict, total=False):
    """Those dials of a ``Look`` that say how large it is painted, as keywords."""

    size: int | None
    enlarge: bool
    brush: Brush
    stroke_size: float | None


class Dials(Sizes, total=False):
    """The dials of a ``Look`` beside its style, as keywords."""

    strength: float
    keep_color: bool
    masks: Mapping[str, Mask] | None
    protect: Mask | None


@dataclass(frozen=True)
class Look:
    """How a painting is to look; OptionError, or PictureError for masks, where it cannot look like that.

    ``style`` is a name, a mix such as ``{"a": 0.6, "b": 0.4}``, "a:0.6,b:0.4" or ["a", "b"] (weights are normalised),
    or a row (R,). ``strength`` 0 is the photo, 1 the painting, between them that share of the painting over the photo,
    and up to 1.5 goes beyond it, away from the photo; the style ``photo`` is the photo, pixel for pixel. ``size``
    shrinks the longer side to that many pixels first, and with ``enlarge`` brings a smaller photo to them too.
    ``keep_color`` keeps the photo's colours and takes only light and shade from the painting.

    ``brush`` is the size of the strokes on large pictures, which are painted small first and then, on top of that,
    at full size: "medium", "large", "small" (one pass at full size), or the longer side of the small painting in
    pixels, 16 or more. Pictures that are not 1.4 times as large ("medium": 1,024 pixels, "large": 640) are
    painted in one pass, whatever the brush. ``stroke_size`` gives strokes as in a painting of that many pixels: by
    rows, where all styles were taught at several sizes, or else by scale, from a fourth of the size at which the
    network learned its paintings to four times that. Half of it paints the picture at twice the size and shrinks that,
    which takes four times as long; twice of it paints it at half the size first, as a larger brush does.

    ``masks`` gives regions other styles or mixes: to each a grey picture of the photo's size whose values are
    weights, or "alpha" for the photo's own; soft edges are soft transitions, what is left goes to ``style``, and
    masks that add up to more than 1 are divided by their sum. ``protect`` is a mask, too: where it is white, the
    photo's details shine through in the painting's tones, so that a face keeps its features; its edge is softened.
    """

    style: Style
    strength: float = limits.field(1.0, "How strong: 0 is the photo, 1 the style, more overdoes it.", limits.STRENGTH)
    size: int | None = limits.field(None, "Shrink the longer side to N pixels first.", limits.SIDE)
    enlarge: bool = limits.field(False, "Bring photos that are smaller to --size, too.", limits.FLAG)
    brush: Brush = limits.field(
        "medium",
        "Strokes on large photos: small, medium, large, or N, the longer side of the first of two paintings.",
        limits.BRUSH,
    )
    keep_color: bool = limits.field(False, "Keep the colours of the photo.", limits.FLAG)
    masks: Mapping[str, Mask] | None = limits.field(
        None, "NAME=FILE: that style where FILE is white; NAME=alpha: where the photo is opaque."
    )
    protect: Mask | None = limits.field(None, "Keep features, such as a face's, where the picture FILE is white.")
    stroke_size: float | None = limits.field(
        None,
        "Strokes as in a painting of N pixels: the networks learned their styles at 1000; half is twice as fine.",
        limits.STROKE_SIZE,
    )

    def __post_init__(self) -> None:
        limits.settle(self)
        if self.enlarge and self.size is None:
            raise OptionError("enlarge needs size, the longer side in pixels of what is painted")
        if not (self.masks is None or isinstance(self.masks, Mapping)):
            raise PictureError(
                f"masks are a dict of styles and their pictures, not of type {type(self.masks).__name__}"
            )

    @classmethod
    def of(cls, style: Style | Look, **dials: Unpack[Dials]) -> Look:
        """``style`` as a look with these dials; of a look, the same with these dials turned."""
        return dataclasses.replace(style, **dials) if isinstance(style, Look) else cls(style, **dials)

    @property
    def styles(self) -> list[Style]:
        """The styles or mixes in it: the one of all that masks leave over, then that of each mask."""
        return [self.style, *(self.masks or {})]

    @property
    def masked(self) -> bool:
        """Whether masks belong to it, which are brought to the photo's size."""
        return bool(self.masks) or self.protect is not None

    @property
    def names(self) -> list[str]:
        """The names of styles in it, each once; a row has none."""
        from impasto.styles import blend

        return list(dict.fromkeys(name for each in self.styles for name in blend.weights_of(each) or ()))

    @property
    def shares(self) -> list[float]:
        """How much of each of these styles is not the photo."""
        from impasto.styles import blend

        return [blend.style_share(each, strength=self.strength) for each in self.styles]
