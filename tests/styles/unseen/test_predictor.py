"""A predictor's file: what is written is read, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from impasto.errors import MismatchError, NetworkError
from impasto.styles.unseen.eye import Statistics
from impasto.styles.unseen.predictor import DENSE, LINES, Predictor, features, features_count

LAYERS, WIDTHS, VIEW, WIDTH, SIZE = ("relu1_1", "relu2_1"), (6, 8), 3, 5, 10


def made() -> Predictor:
    rng = np.random.default_rng(0)
    count = features_count([(width, VIEW) for width in WIDTHS])
    shapes = {"inner": (WIDTH, count), "outer": (WIDTH, WIDTH), "basis": (SIZE, WIDTH)}
    shapes |= {"inner_bias": (WIDTH,), "outer_bias": (WIDTH,), "row": (SIZE,), "centre": (count,), "spread": (count,)}
    numbers = {name: rng.uniform(0.1, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    views = tuple(rng.normal(size=(width, VIEW)).astype(np.float32) for width in WIDTHS)
    return Predictor("tiny", "0123456789abcdef", LAYERS, views, numbers, {"steps": 3})


def seen() -> Statistics:
    rng = np.random.default_rng(1)
    flat = [rng.random((width, 40), np.float32) for width in WIDTHS]
    grams = {layer: each @ each.T / 40 for layer, each in zip(LAYERS, flat, strict=True)}
    return Statistics(grams, {layer: each.mean(1) for layer, each in zip(LAYERS, flat, strict=True)})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """A predictor that was saved gives the same rows, but for weights that are rounded to float16."""
    made().save(tmp_path / "p.safetensors")
    found = Predictor.load(tmp_path / "p.safetensors")
    assert (found.network, found.layers, found.made) == ("tiny", LAYERS, {"steps": 3})
    np.testing.assert_allclose(found.row(seen()), made().row(seen()), rtol=5e-3)
    assert found.row(seen()).shape == (SIZE,) and found.row_size == SIZE


def test_brightness_is_not_likeness() -> None:
    """How channels go together is the same of a painting that is twice as bright; their energies are not."""
    told = seen()
    bright = Statistics({k: 4 * v for k, v in told.grams.items()}, {k: 2 * v for k, v in told.means.items()})
    views = made().views
    one, other = (features(each, LAYERS, views) for each in (told, bright))
    moved = np.flatnonzero(np.abs(one - other) > 1e-3)
    assert moved.tolist() == [*range(6), *range(6 + 6 + 6, 6 + 6 + 6 + 8)]


def test_a_predictor_is_of_one_network() -> None:
    """One of another network is refused, and both are named."""
    made().check_network("0123456789abcdef", "tiny")
    with pytest.raises(MismatchError, match=r"for network 'tiny' .*, not for 'full' \(fedcba9876543210\)"):
        made().check_network("fedcba9876543210", "full")


@pytest.mark.parametrize("name", [*DENSE, *LINES])
def test_numbers_fit_together(name: str, tmp_path: Path) -> None:
    """A file without one of its parts, or with one of another size, is refused by name."""
    for numbers in ({name: np.zeros((2, 2), np.float32)}, {name: np.full_like(made().numbers[name], np.nan)}):
        broken = made()
        broken.numbers.update(numbers)
        broken.save(tmp_path / "p.safetensors")
        with pytest.raises(NetworkError, match=r"p\.safetensors cannot be used as a predictor: it"):
            Predictor.load(tmp_path / "p.safetensors")


def test_what_is_no_predictor(tmp_path: Path) -> None:
    """A file that is missing, cut off or something else is one sentence."""
    file = tmp_path / "p.safetensors"
    with pytest.raises(NetworkError, match="check the path"):
        Predictor.load(file)
    made().save(file)
    for data in (file.read_bytes()[:-100], b"", b"{}" * 50, file.read_bytes().replace(b"impasto_predictor", b"x" * 17)):
        file.write_bytes(data)
        with pytest.raises(NetworkError, match="damaged or no predictor"):
            Predictor.load(file)
