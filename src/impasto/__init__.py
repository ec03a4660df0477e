"""impasto paints photos in the style of paintings.

A *style* is one row of numbers: the scale and shift behind every instance norm of a network whose convolutions all
styles share (Dumoulin, Shlens and Kudlur 2017). So styles can be blended as points in a space, drawn towards the photo,
and learned from one painting, and none of that touches the network. ``paint`` is the short way; a ``Painter`` keeps the
network open; a ``Bank`` holds styles; ``blend`` does arithmetic on rows. All gradients live in ``impasto.learn``.
"""

from impasto.bank import Bank, Card
from impasto.errors import (
    BankError,
    ImpastoError,
    LearnError,
    MismatchError,
    MissingExtraError,
    NetworkError,
    PictureError,
    StyleNameError,
)
from impasto.painter import Painter, paint

__version__ = "0.1.0"

__all__ = [
    "Bank",
    "BankError",
    "Card",
    "ImpastoError",
    "LearnError",
    "MismatchError",
    "MissingExtraError",
    "NetworkError",
    "Painter",
    "PictureError",
    "StyleNameError",
    "__version__",
    "paint",
]
