"""Style at equal content: the least that a strength dial can have for so much content."""

from __future__ import annotations

import pytest

from benchmarks.quality import least


def test_between_two_strengths_it_is_on_a_line() -> None:
    """Half way in content between two strengths it is half way in style."""
    assert least([(0.0, 4.0), (1.0, 2.0)], 0.5) == pytest.approx(3.0)


@pytest.mark.parametrize("content", [0.7, 0.8, 2.0])
def test_a_strength_that_costs_less_of_both_counts(content: float) -> None:
    """Where the full strength has less content and less style than a weaker one, the weaker one is not taken."""
    assert least([(0.0, 4.0), (0.8, 2.0), (0.7, 0.5)], content) == pytest.approx(0.5)
