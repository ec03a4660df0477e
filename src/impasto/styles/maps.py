"""A bank as a map: styles that paint alike are close together. Arithmetic on rows; it paints and draws nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from impasto.errors import BankError, MissingExtraError
from impasto.limits import NEIGHBOURS, Choice
from impasto.styles import blend
from impasto.styles.bank import PHOTO, Bank, Floats

Method: TypeAlias = Literal["pca", "neighbours"]
METHODS = ("pca", "neighbours")
SMALLEST = 3  # styles; fewer have no map worth drawing


@dataclass(frozen=True, eq=False)
class StyleMap:
    """Where each style of a bank is: ``points`` (N, 2), the wider axis spanning 0..1, for the N ``names``.

    ``neighbours`` holds for each style the nearest ones with their distances (see ``blend.neighbours``). ``explained``
    is the share of the bank's variance on each axis; it is None for a map of neighbours, whose axes mean nothing.
    """

    method: Method
    names: tuple[str, ...]
    points: Floats
    neighbours: dict[str, list[tuple[str, float]]]
    explained: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        """The map as plain JSON: per style its x, y and neighbours."""
        styles = [
            {
                "name": name,
                "x": round(float(x), 5),
                "y": round(float(y), 5),
                "neighbours": [{"name": other, "distance": round(far, 5)} for other, far in self.neighbours[name]],
            }
            for name, (x, y) in zip(self.names, self.points, strict=True)
        ]
        return {"method": self.method, "explained": self.explained, "styles": styles}


def style_map(bank: Bank, *, method: Method = "neighbours", k: int = 3) -> StyleMap:
    """The map of ``bank.styles``, with the ``k`` neighbours of each; equal banks give equal maps.

    Every coordinate of the rows is divided by its spread first, as in ``blend.neighbours``. "pca" keeps the two
    directions in which the bank spreads most; "neighbours" (t-SNE, van der Maaten and Hinton 2008) keeps neighbours
    together and gives up the large distances; it needs ``impasto[explore]``. BankError for fewer than 3 styles,
    OptionError for another method or k.
    """
    Choice(METHODS).check("method", method)
    NEIGHBOURS.check("k, the number of neighbours,", k)
    names = bank.styles
    if len(names) < SMALLEST:
        raise BankError(f"a map needs {SMALLEST} styles or more besides {PHOTO!r}, not {len(names)}")
    rows = np.stack([bank[name] for name in names]).astype(np.float64)  # (N, R)
    rows = rows[:, blend.active(rows.shape[1])]  # (N, A)
    spread = rows.std(axis=0)
    rows = (rows - rows.mean(axis=0)) / np.where(spread == 0, 1, spread)
    left, values, _ = np.linalg.svd(rows, full_matrices=False)
    left *= np.where(left[np.abs(left).argmax(axis=0), range(left.shape[1])] < 0, -1, 1)  # a sign of its own is chance
    axes = left[:, :2] * values[:2]  # (N, 2)
    near = {name: blend.neighbours(bank, name, k) for name in names}
    if method == "neighbours":
        return StyleMap(method, names, _unit(_embedded(rows, axes)), near, None)
    shares = np.square(values) / max(float(np.square(values).sum()), 1e-12)
    return StyleMap(method, names, _unit(axes), near, (round(float(shares[0]), 5), round(float(shares[1]), 5)))


def _embedded(rows: npt.NDArray[np.float64], start: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    try:
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise MissingExtraError(
            "a map of neighbours needs scikit-learn: pip install 'impasto[explore]', or choose the map pca"
        ) from error
    perplexity = min(8.0, (len(rows) - 1) / 3)  # how many neighbours count; a bank has tens of styles
    start = start / max(float(start[:, 0].std()), 1e-12) * 1e-4  # the start that TSNE's own "pca" would scale to
    points: npt.NDArray[np.float64] = TSNE(init=start, perplexity=perplexity, random_state=0).fit_transform(rows)
    return points


def _unit(points: npt.NDArray[np.float64]) -> Floats:
    """Moved and scaled so that the wider axis spans 0..1."""
    points = points - points.min(axis=0)
    return (points / max(float(points.max()), 1e-12)).astype(np.float32)
