"""The bank as a map."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from impasto.errors import BankError, MissingExtraError, OptionError
from impasto.styles.bank import PHOTO, Bank, Card
from impasto.styles.maps import Method, style_map

CARD = Card("", "", "", "", "")


def bank(count: int = 12) -> Bank:
    """Two families of styles, a-... and b-..., far apart, and photo."""
    rng = np.random.default_rng(0)
    rows = rng.normal(0, 0.3, (count + 1, 40))
    rows[1::2] += 5 * np.sign(rng.normal(size=40))
    names = (*(f"{'ab'[i % 2]}-{i}" for i in range(count)), PHOTO)
    return Bank(names=names, rows=rows, cards=(CARD,) * len(names), network="n", fingerprint="f")


@pytest.mark.parametrize("method", ["pca", "neighbours"])
def test_styles_that_are_alike_lie_together(method: Method) -> None:
    """The nearest on the map are of the same family; photo is left out; the wider axis spans 0..1."""
    if method == "neighbours":
        pytest.importorskip("sklearn")
    found = style_map(bank(), method=method)
    assert PHOTO not in found.names and found.points.shape == (12, 2)
    assert found.points.min() == 0 and found.points.max() == 1
    far = np.linalg.norm(found.points[:, None] - found.points[None], axis=2) + np.eye(12) * 9
    assert all(found.names[i][0] == found.names[j][0] for i, j in enumerate(far.argmin(1)))


@pytest.mark.parametrize("method", ["pca", "neighbours"])
def test_equal_banks_give_equal_maps(method: Method) -> None:
    """There is no chance in a map, nor in the direction of its axes."""
    if method == "neighbours":
        pytest.importorskip("sklearn")
    assert np.array_equal(style_map(bank(), method=method).points, style_map(bank(), method=method).points)


def test_explained_is_the_share_of_the_variance() -> None:
    """Two families far apart lie on one axis, which explains nearly all."""
    explained = style_map(bank(), method="pca").explained
    assert explained is not None and explained[0] > 0.9 and sum(explained) <= 1


def test_the_json_names_the_neighbours() -> None:
    """The numbers hold x, y and k neighbours of each style, the nearest first."""
    styles = style_map(bank(), method="pca", k=2).to_json()["styles"]
    assert len(styles) == 12 and {"name", "x", "y", "neighbours"} == styles[0].keys()
    near = [other["distance"] for other in styles[0]["neighbours"]]
    assert len(near) == 2 and near == sorted(near)
    assert styles[0]["neighbours"][0]["name"].startswith("a-")


def test_equal_styles_lie_on_one_point() -> None:
    """A bank whose styles are all the same has a map, too."""
    same = Bank(names=("a", "b", "c"), rows=np.ones((3, 4)), cards=(CARD,) * 3, network="n", fingerprint="f")
    assert np.array_equal(style_map(same, method="pca").points, np.zeros((3, 2)))


def test_what_has_no_map() -> None:
    """Fewer than three styles and unknown methods are refused."""
    with pytest.raises(BankError, match="3 styles or more besides 'photo', not 2"):
        style_map(bank(2))
    with pytest.raises(OptionError, match="must be pca or neighbours"):
        style_map(bank(), method="umap")  # type: ignore[arg-type]


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says the pip line and the map that needs nothing."""
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'impasto\[explore\]', or choose the map pca"):
        style_map(bank())
