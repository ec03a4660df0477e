"""PyAV 18 and 19 say the same in different ways; stand-ins say it here, whichever is installed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from impasto.film import ffmpeg


@dataclass(frozen=True)
class AVRational:
    """What PyAV 19 has in place of a Fraction: a rational that is none of Python's numbers; 0/1 is unknown."""

    numerator: int
    denominator: int

    def __bool__(self) -> bool:
        return self.numerator != 0


@pytest.mark.parametrize("kind", [Fraction, AVRational])
def test_a_rational_is_a_fraction(kind: Any) -> None:
    """A rational of either kind becomes a Fraction."""
    found = ffmpeg.exact(kind(1, 90_000))
    assert found == Fraction(1, 90_000) and type(found) is Fraction


@pytest.mark.parametrize("nothing", [None, AVRational(0, 1), AVRational(1, 0), Fraction(0)])
def test_an_unknown_rational_is_none(nothing: Any) -> None:
    """None of version 18 and 0/1 of version 19 are both unknown."""
    assert ffmpeg.exact(nothing) is None


@pytest.mark.parametrize(("version", "known"), [("18.1.0", True), ("19.0.1", False)])
def test_a_file_is_opened_with_what_the_version_knows(
    monkeypatch: pytest.MonkeyPatch, version: str, known: bool
) -> None:
    """Version 18 is asked to bear words that are no UTF-8; 19 bears them, and knows no such option."""
    asked: list[dict[str, Any]] = []
    fake = SimpleNamespace(__version__=version, open=lambda path, **options: asked.append(options))
    monkeypatch.setattr(ffmpeg, "av", lambda: fake)
    ffmpeg.to_read("film.mp4")
    assert ("metadata_errors" in asked[0]) == known
    assert asked[0]["options"] == {"protocol_whitelist": "file"}
