"""A figure belongs to a network and a style's row: it is measured again if one of them has changed, and only then."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks import painted_by, unchanged


def painter(fingerprint: str = "one", first: Any = None, **rows: float) -> Any:
    bank = {name: np.full(4, value, np.float32) for name, value in rows.items()}
    return SimpleNamespace(bank=bank, network=SimpleNamespace(fingerprint=fingerprint), first=first)


@pytest.mark.parametrize(
    "now, same",
    [
        (painter(great_wave=1, scream=2), {"great_wave", "scream"}),
        (painter(great_wave=1, scream=3), {"great_wave"}),
        (painter(great_wave=1, scream=2, kiss=3), {"great_wave", "scream"}),
        (painter("two", great_wave=1, scream=2), set()),
    ],
    ids=["nothing", "a row", "a new style", "the network"],
)
def test_what_changed_is_measured_again(now: Any, same: set[str]) -> None:
    before = painter(great_wave=1, scream=2)
    assert unchanged(painted_by(before, before.bank), painted_by(now, now.bank)) == same


def test_a_row_of_the_network_that_begins_counts() -> None:
    before, now = (painter(great_wave=1, first=painter("two", great_wave=first)) for first in (1, 2))
    assert unchanged(painted_by(before, before.bank), painted_by(now, now.bank)) == set()
