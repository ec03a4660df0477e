"""Damaged films: what there is is painted, or one sentence says why not; never anything else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from PIL import Image

from impasto.errors import ImpastoError
from impasto.film.render import render
from impasto.painting.painter import Painter
from tests.film.drawn import Drawing, film, picture
from tests.film.test_render import AS_IT_IS, EXACT, painter

__all__ = ["painter"]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".gif"])
def test_damaged(painter: Painter, tmp_path: Path, suffix: str) -> None:
    """Films with bytes that are wrong, or missing at the end, are painted or refused, and nothing half made is left."""
    source, target = tmp_path / f"in{suffix}", tmp_path / "out.mp4"
    if suffix == ".gif":
        images = [Image.fromarray(picture(5 * number)) for number in range(4)]
        images[0].save(source, save_all=True, append_images=images[1:], duration=50)
    else:
        film(source, Drawing(frames=6))
    data, chance, painted = source.read_bytes(), random.Random(suffix), 0
    for number in range(12):
        broken = bytearray(data)
        for _ in range(chance.choice((1, 3, 10, 50))):
            broken[chance.randrange(min(len(data), 2000) if number % 2 else len(data))] = chance.randrange(256)
        source.write_bytes(broken[: chance.randrange(1, len(data)) if number % 4 == 0 else len(data)])
        try:
            steps = list(render(source, target, AS_IT_IS, painter=painter, settings=EXACT, restart=True))
        except ImpastoError:
            continue
        painted += steps[-1].done
        target.unlink()
    assert painted
    assert {each.name for each in tmp_path.iterdir()} <= {source.name, f".{target.name}.parts"}
