"""The losses: what they are at the photo, at the painting and at nothing, and that they are the papers' formulas."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from impasto.learn.loss.losses import (
    StyleTargets,
    content_distance,
    psnr,
    squared_distance,
    style_units,
    total_variation,
)
from impasto.learn.loss.settings import Unit
from impasto.learn.loss.statistics import gram

UNITS: tuple[Unit, ...] = get_args(Unit)


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def some_grams(count: int, channels: int = 4) -> Tensor:
    return gram(torch.randn(count, channels, 5, 6))


def close_to_differences(loss: Callable[[Tensor], Tensor], at: Tensor) -> None:
    """The gradient of ``loss`` along three random directions is what central differences say."""
    at = at.requires_grad_()
    (gradient,) = torch.autograd.grad(loss(at).sum(), at)
    assert gradient.isfinite().all()
    for _ in range(3):
        way = torch.randn_like(at)
        step = 0.01
        with torch.no_grad():
            slope = (loss(at + step * way) - loss(at - step * way)).sum() / (2 * step)
        assert float((gradient * way).sum()) == pytest.approx(float(slope), rel=0.02, abs=1e-3)


# Gram matrices


def test_gram_by_hand() -> None:
    """Two channels (1, 2) and (3, 4) over two pixels have the products 5, 11 and 25, halved."""
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    assert gram(features).tolist() == [[[2.5, 5.5], [5.5, 12.5]]]


def test_gram_forgets_places() -> None:
    """Shuffling the pixels leaves the Gram matrix alone; shuffling the channels does not."""
    features = torch.randn(2, 5, 6, 7)
    pixels = features.flatten(2)[:, :, torch.randperm(42)].view_as(features)
    torch.testing.assert_close(gram(pixels), gram(features))
    assert not torch.allclose(gram(features[:, [1, 0, 2, 3, 4]]), gram(features))


def test_gram_forgets_size() -> None:
    """A texture repeated has the same Gram matrix as the texture."""
    features = torch.randn(1, 3, 4, 5)
    torch.testing.assert_close(gram(features.repeat(1, 1, 2, 3)), gram(features))


def test_gram_is_per_picture() -> None:
    """The Gram matrices of a batch are those of its pictures, symmetric, with no negative eigenvalue."""
    features = torch.randn(3, 4, 5, 6)
    grams = gram(features)
    torch.testing.assert_close(grams, torch.cat([gram(one[None]) for one in features]))
    torch.testing.assert_close(grams, grams.transpose(1, 2))
    assert torch.linalg.eigvalsh(grams).min() > -1e-5


def test_gram_in_any_memory_layout() -> None:
    """Channels-last memory gives the same Gram matrix, and a bfloat16 tensor a float32 one."""
    features = torch.randn(2, 4, 5, 6)
    torch.testing.assert_close(gram(features.contiguous(memory_format=torch.channels_last)), gram(features))
    assert gram(features.bfloat16()).dtype == torch.float32


def test_gram_gradient() -> None:
    """The Gram matrix's gradient is what central differences say."""
    probe = torch.randn(1, 3, 3)
    close_to_differences(lambda x: gram(x) * probe, torch.randn(1, 3, 4, 5))


# Content


def test_squared_distance() -> None:
    """The squared distance is summed over everything but the batch."""
    assert squared_distance(torch.ones(2, 3, 2, 2), torch.zeros(2, 3, 2, 2)).tolist() == [12, 12]


def test_content_at_itself() -> None:
    """The content distance of a photo from itself is 0, and that of nothing from it is 1, whatever its scale."""
    photo = torch.randn(3, 4, 5, 6) * torch.tensor([0.1, 1.0, 100.0]).view(3, 1, 1, 1)
    assert content_distance(photo, photo).tolist() == [0, 0, 0]
    torch.testing.assert_close(content_distance(torch.zeros_like(photo), photo), torch.ones(3))
    torch.testing.assert_close(content_distance(3 * photo, photo), 4 * torch.ones(3))


def test_content_in_a_given_unit() -> None:
    """In a unit of energy that is given the content distance is the mean squared difference divided by it."""
    a, b = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)
    expected = (a - b).square().mean((1, 2, 3)) / 7.0
    torch.testing.assert_close(content_distance(a, b, energy=7.0), expected)
    same_unit = b[:1].square().mean().item()
    torch.testing.assert_close(content_distance(a[:1], b[:1], energy=same_unit), content_distance(a[:1], b[:1]))


def test_content_of_nothing() -> None:
    """A photo without any activation has a finite content distance."""
    zeros = torch.zeros(1, 2, 3, 3)
    assert content_distance(zeros, zeros).tolist() == [0]
    assert content_distance(zeros + 1e-4, zeros).isfinite().all()


def test_content_gradient() -> None:
    """The content distance's gradient is what central differences say."""
    target = torch.randn(2, 3, 4, 4)
    close_to_differences(lambda x: content_distance(x, target), torch.randn(2, 3, 4, 4))


# Style


def test_style_at_the_painting() -> None:
    """The style distance is 0 at the painting itself, for every painting of the set, and not at another."""
    grams = {"a": some_grams(3), "b": some_grams(3, 6)}
    targets = StyleTargets(grams, {layer: torch.ones(3) for layer in grams})
    assert list(targets.grams) == ["a", "b"]
    assert targets.distance(grams, torch.arange(3)).tolist() == [0, 0, 0]
    assert targets.distance(grams, torch.tensor([1, 2, 0])).min() > 0


def test_style_is_the_mean_over_layers() -> None:
    """Each layer's distance is told in its own unit, and the layers are averaged."""
    zeros = {"a": torch.zeros(2, 1, 1), "b": torch.zeros(2, 1, 1)}
    targets = StyleTargets(zeros, {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([4.0, 8.0])})
    grams = {"a": torch.full((2, 1, 1), 2.0), "b": torch.full((2, 1, 1), 4.0)}
    assert targets.distance(grams, torch.tensor([0, 1])).tolist() == [4.0, 2.0]
    assert targets.distance(grams, torch.tensor([1, 1])).tolist() == [2.0, 2.0]


def test_style_layers_that_count_more() -> None:
    """Layers count by their weights, whatever these add up to."""
    zeros, units = {"a": torch.zeros(1, 1, 1), "b": torch.zeros(1, 1, 1)}, {"a": torch.ones(1), "b": torch.ones(1)}
    grams = {"a": torch.full((1, 1, 1), 2.0), "b": torch.full((1, 1, 1), 4.0)}
    assert StyleTargets(zeros, units, (1.0, 3.0)).distance(grams, torch.tensor([0])).tolist() == [(4 + 3 * 16) / 4]
    assert StyleTargets(zeros, units, (0.0, 0.5)).distance(grams, torch.tensor([0])).tolist() == [16.0]


@pytest.mark.parametrize("unit", UNITS)
def test_style_gradient(unit: Unit) -> None:
    """In every unit the style distance's gradient is finite and what central differences say."""
    paintings, photos = some_grams(2), some_grams(3)
    targets = StyleTargets({"a": paintings}, {"a": style_units(paintings, photos, unit)})
    ids = torch.tensor([1, 0])
    close_to_differences(lambda x: targets.distance({"a": gram(x)}, ids), torch.randn(2, 4, 5, 6))


# Units


def style(grams: Tensor, paintings: Tensor, photos: Tensor, unit: Unit, painting: int) -> Tensor:
    """Style distances of pictures with these Gram matrices from one of the paintings."""
    targets = StyleTargets({"a": paintings}, {"a": style_units(paintings, photos, unit)})
    return targets.distance({"a": grams}, torch.full((len(grams),), painting))


@pytest.mark.parametrize("painting", [0, 1])
def test_photos_unit(painting: int) -> None:
    """In the photos' unit the photos themselves are at distance 1 on average, from every painting."""
    paintings, photos = some_grams(2) * torch.tensor([0.1, 5.0]).view(2, 1, 1), some_grams(7)
    assert style(photos, paintings, photos, "photos", painting).mean().item() == pytest.approx(1)


def test_energy_unit() -> None:
    """In the unit of energy a picture without any texture is at distance 1."""
    paintings = some_grams(2)
    nothing = torch.zeros(1, 4, 4)
    assert style(nothing, paintings, some_grams(3), "energy", 1).item() == pytest.approx(1)


def test_fair_unit() -> None:
    """The fair unit is the geometric mean of the photos' unit and the unit of energy."""
    paintings, photos = some_grams(3), some_grams(4)
    fair, far, energy = (style_units(paintings, photos, unit) for unit in ("fair", "photos", "energy"))
    torch.testing.assert_close(fair, (far * energy).sqrt())
    assert not torch.allclose(far, energy)


def test_gatys_unit() -> None:
    """Gatys (2015): E = 1 / (4 N^2 M^2) sum (G - A)^2 with G = F F^T over N channels and M pixels."""
    picture, painting = torch.randn(2, 5, 3, 4).double().numpy()
    n, m = 5, 12
    g, a = np.zeros((n, n)), np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            g[i, j] = sum(picture[i].flat[k] * picture[j].flat[k] for k in range(m))
            a[i, j] = sum(painting[i].flat[k] * painting[j].flat[k] for k in range(m))
    expected = ((g - a) ** 2).sum() / (4 * n**2 * m**2)
    grams = gram(torch.from_numpy(np.stack([picture, painting])))
    assert style(grams[:1], grams[1:], grams, "gatys", 0).item() == pytest.approx(expected, rel=1e-5)


def test_dumoulin_unit() -> None:
    """magenta's code: the mean over all entries of (G - Gs)^2, where G = F^T F / (H W)."""
    picture, painting = torch.randn(5, 3, 4).double(), torch.randn(5, 6, 7).double()
    g, gs = (torch.einsum("ihw,jhw->ij", f, f) / (f.shape[1] * f.shape[2]) for f in (picture, painting))
    grams, paintings = gram(picture[None]), gram(painting[None])
    assert style(grams, paintings, grams, "dumoulin", 0).item() == pytest.approx((g - gs).square().mean().item(), 1e-5)


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_per_painting(unit: Unit) -> None:
    """A unit is one positive number per painting, the same whichever other paintings are learned with it."""
    paintings, photos = some_grams(3), some_grams(4)
    units = style_units(paintings, photos, unit)
    assert units.shape == (3,) and units.min() > 0
    torch.testing.assert_close(style_units(paintings[1:2], photos, unit), units[1:2])


# Total variation and signal-to-noise


def test_total_variation_of_a_checkerboard() -> None:
    """A checkerboard of 0 and 1 has total variation 2, stripes have 1, a flat picture has 0."""
    y, x = torch.meshgrid(torch.arange(6), torch.arange(8), indexing="ij")
    pictures = torch.stack([(x + y) % 2, x % 2, x * 0]).float()[:, None].repeat(1, 3, 1, 1)
    assert total_variation(pictures).tolist() == [2, 1, 0]


def test_total_variation_gradient() -> None:
    """The total variation's gradient is exact."""
    assert torch.autograd.gradcheck(total_variation, torch.rand(2, 3, 4, 5).double().requires_grad_())


@pytest.mark.parametrize(("error", "decibels"), [(1.0, 0), (0.01, 20), (1e-4, 40)])
def test_psnr(error: float, decibels: float) -> None:
    """A hundredth of the squared error is 20 decibels more."""
    assert psnr(error) == pytest.approx(decibels)


def test_psnr_of_nothing() -> None:
    """Without any error the signal-to-noise ratio is large and finite."""
    assert 100 < psnr(0.0) < math.inf
