"""Each measure has the value that its definition gives for inputs that can be computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from impasto.learn.evaluate import measures
from impasto.learn.evaluate.motion import warping_error
from impasto.pictures.recolor import luma

RNG = np.random.default_rng(0)
NOISE = RNG.random((40, 52, 3), np.float32)
FEATURES = torch.rand(1, 6, 9, 11, generator=torch.Generator().manual_seed(0))


def flat(value: float, side: int = 4) -> torch.Tensor:
    """Activations (1, 1, side, side), all of them ``value``."""
    return torch.full((1, 1, side, side), value)


def shuffled(features: torch.Tensor) -> torch.Tensor:
    """The same positions in another order."""
    order = torch.randperm(features[0, 0].numel(), generator=torch.Generator().manual_seed(1))
    return features.flatten(2)[..., order].reshape(features.shape)


def test_adain_of_the_painting_is_zero() -> None:
    """The painting itself has distance 0, in any order of its positions."""
    own = {"a": measures.moments(FEATURES)}
    assert measures.adain(own, own) == 0
    assert measures.adain({"a": measures.moments(shuffled(FEATURES))}, own) == pytest.approx(0, abs=1e-10)


def test_adain_by_hand() -> None:
    """Mean 2 and deviation 0 against mean 0 and deviation 1: (4 + 1) / 1; an empty picture has 1."""
    wave = torch.tensor([1.0, -1.0, 1.0, -1.0]).reshape(1, 1, 2, 2)
    of = {"a": measures.moments(wave)}
    assert measures.adain({"a": measures.moments(flat(2.0))}, of) == pytest.approx(5)
    assert measures.adain({"a": measures.moments(flat(0.0))}, of) == pytest.approx(1)


def test_adain_is_a_mean_over_layers() -> None:
    """Two layers, one alike and one at 1, have one half."""
    painting = {"a": measures.moments(flat(1.0)), "b": measures.moments(flat(1.0))}
    assert measures.adain({**painting, "b": measures.moments(flat(2.0))}, painting) == pytest.approx(0.5)


def test_sliced_wasserstein_knows_no_order() -> None:
    """The painting has 0, also with its positions in another order."""
    own = {"a": measures.quantiles(FEATURES)}
    assert measures.sliced_wasserstein(own, own) == 0
    assert measures.sliced_wasserstein({"a": measures.quantiles(shuffled(FEATURES))}, own) == pytest.approx(0, abs=1e-9)


def test_sliced_wasserstein_by_hand() -> None:
    """One channel moved by a constant: the square of the move over the mean square."""
    line = torch.linspace(0, 1, measures.QUANTILES).reshape(1, 1, 32, 32)
    found = measures.sliced_wasserstein({"a": measures.quantiles(line + 0.5)}, {"a": measures.quantiles(line)})
    assert found == pytest.approx(0.25 / float(line.square().mean()), rel=1e-5)


def test_sliced_wasserstein_of_another_size() -> None:
    """Every position four times is the same distribution."""
    large = FEATURES.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert measures.sliced_wasserstein({"a": measures.quantiles(large)}, {"a": measures.quantiles(FEATURES)}) < 1e-3


def test_sliced_wasserstein_sees_what_moments_do_not() -> None:
    """Two values and three with one mean and deviation are the same to AdaIN, and not to this."""
    two = torch.tensor([-1.0, 1.0] * 8).reshape(1, 1, 4, 4)
    three = torch.tensor([-math.sqrt(2), 0, 0, math.sqrt(2)] * 4).reshape(1, 1, 4, 4)
    assert measures.adain({"a": measures.moments(two)}, {"a": measures.moments(three)}) == pytest.approx(0, abs=1e-9)
    assert measures.sliced_wasserstein({"a": measures.quantiles(two)}, {"a": measures.quantiles(three)}) > 0.1


def test_cfsd_of_the_photo_is_zero() -> None:
    """The photo's own structure has 0, and so has the same picture turned upside down with its photo."""
    other = 3 * FEATURES.flip(1)
    assert measures.cfsd(FEATURES, FEATURES) == 0
    turned = measures.cfsd(other.flip(2, 3), FEATURES.flip(2, 3))
    assert turned == pytest.approx(measures.cfsd(other, FEATURES), rel=1e-3) and turned > 0.1


def test_cfsd_of_flat_pictures() -> None:
    """As in float64, where every position is nearly alike: rounding does not add up to a distance, or to less than 0.

    Before, a picture of one tone had 0.23 or -0.19 beside another of 0.02.
    """
    generator = torch.Generator().manual_seed(0)
    painted, photo = (torch.rand(1, 256, 64, 64, generator=generator) * size + 5 for size in (0.1, 0.2))
    mine, theirs = (each[0].double().flatten(1).T / 256 for each in (painted, photo))
    q, p = ((each @ each.T).log_softmax(1) for each in (mine, theirs))
    assert measures.cfsd(painted, photo) == pytest.approx(float((p.exp() * (p - q)).sum()), rel=1e-2)


def test_cfsd_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two positions of two channels: KL of softmax(F F^T / 4), the photo's from the painting's, summed, in parts."""
    photo = torch.tensor([[2.0, 0.0], [0.0, 4.0]]).reshape(1, 2, 1, 2)  # positions (2, 0) and (0, 4)
    empty = torch.zeros(1, 2, 1, 2)  # everywhere alike: one half each
    by_hand = 0.0
    for row in ((1.0, 0.0), (0.0, 4.0)):  # F F^T / 4
        p = np.exp(row) / np.exp(row).sum()
        by_hand += float((p * np.log(p / 0.5)).sum())
    assert measures.cfsd(empty, photo) == pytest.approx(by_hand, rel=1e-5)
    monkeypatch.setattr(measures, "ROWS", 1)
    assert measures.cfsd(empty, photo) == pytest.approx(by_hand, rel=1e-5)


def test_ssim_is_that_of_scikit_image() -> None:
    """The same number as scikit-image's with Gaussian weights, on luma; 1 for the photo."""
    metrics = pytest.importorskip("skimage.metrics")
    other = np.clip(NOISE * 0.5 + RNG.random(NOISE.shape, np.float32) * 0.4, 0, 1)
    options = {"gaussian_weights": True, "use_sample_covariance": False, "data_range": 1}
    expected = metrics.structural_similarity(luma(other).astype(float), luma(NOISE).astype(float), **options)
    assert measures.ssim(other, NOISE) == pytest.approx(expected, abs=1e-7)
    assert measures.ssim(NOISE, NOISE) == pytest.approx(1, abs=1e-9)


def test_ssim_needs_a_window() -> None:
    """Below 11 pixels there is no window, and no number."""
    assert measures.ssim(NOISE[:10], NOISE[:10]) is None
    assert measures.ssim(NOISE[:11], NOISE[:11]) == pytest.approx(1)


def test_histogram_by_hand() -> None:
    """One colour: the kernel around its three pairs of logarithms, with sum 1."""
    red, green, blue = color = (0.8, 0.4, 0.2)
    found = measures.histogram(np.full((3, 3, 3), color, np.float32))
    bins = np.linspace(-3, 3, 64)

    def kernel(ratio: float) -> np.ndarray:
        return 1 / (1 + ((math.log(ratio) - bins) / 0.02) ** 2)

    pairs = [(red / green, red / blue), (green / red, green / blue), (blue / red, blue / green)]
    by_hand = np.stack([np.outer(kernel(u), kernel(v)) for u, v in pairs])
    assert np.abs(found.numpy() - by_hand / by_hand.sum()).max() < 1e-4
    assert float(found.sum()) == pytest.approx(1, abs=1e-4)


def test_colors_apart() -> None:
    """Hellinger: 0 for the same colours in any place, nearly 1 for red and blue, and dark or bright is the same."""
    red, blue = (np.full((8, 8, 3), color, np.float32) for color in ((0.9, 0.1, 0.1), (0.1, 0.1, 0.9)))
    own = measures.histogram(NOISE)
    assert measures.rgb_uv(own, own) == 0
    assert measures.rgb_uv(measures.histogram(NOISE[::-1]), own) == pytest.approx(0, abs=1e-3)
    assert measures.rgb_uv(measures.histogram(red), measures.histogram(blue)) > 0.9
    bright = NOISE + np.float32(0.2)
    dark = measures.histogram(bright / 4)
    assert measures.rgb_uv(measures.histogram(bright / 2), dark) == pytest.approx(0, abs=1e-3)


def test_what_sticks_to_the_scene_has_no_warping_error() -> None:
    """A painter that gives frames back has next to none, in a picture without hard edges."""
    y, x = np.mgrid[:140, :160].astype(np.float32)
    soft = np.stack([np.sin(x / 9), np.sin(y / 7), np.cos((x + y) / 11)], -1) * 0.4 + 0.5
    found = warping_error(lambda frame: frame, soft)
    assert found is not None and found < 0.2


def test_warping_error_by_hand() -> None:
    """A painter whose every frame is a tenth brighter than the last has an error of 10 %."""
    brightness = iter((0.1, 0.2, 0.3))
    found = warping_error(lambda frame: frame + np.float32(next(brightness)), np.full((140, 160, 3), 0.4, np.float32))
    assert found == pytest.approx(10, abs=0.01)


def test_what_sticks_to_the_screen_has_a_warping_error() -> None:
    """A pattern that stays where it is while the scene moves is far off."""
    pattern = RNG.random((140, 160, 3), np.float32)
    found = warping_error(
        lambda frame: pattern[: frame.shape[0], : frame.shape[1]], np.full((140, 160, 3), 0.5, np.float32)
    )
    assert found is not None and found > 20


def test_a_small_photo_has_no_motion() -> None:
    """Where frames would be too small there is no number."""
    assert warping_error(lambda frame: frame, NOISE) is None
