"""What the field measures of painted pictures, one number a function: activations or pictures in, a float out.

Each says where it was defined, and what 0 is. They know no files and no loss network. Content and style distance are
those of ``learn/loss``.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.learn.loss.features import TORCHVISION_STD, LossNetwork
from impasto.learn.tensors import to_planes
from impasto.pictures import Picture
from impasto.pictures.recolor import luma

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")  # those of AdaIN (Huang and Belongie 2017)
STRUCTURE = "relu3_1"  # the layer of CFSD
STRUCTURE_SIDE = 512  # pixels: CFSD is a sum over positions, so that it is only compared at one size
ROWS = 128  # of CFSD's matrix of 16,384 x 16,384 that are computed at once: they stay in the cache
DIRECTIONS, QUANTILES = 32, 1024  # of the sliced distance
WINDOW, SIGMA = 11, 1.5  # pixels, of SSIM
BINS, WIDTH, SIDE, TINY = 64, 0.02, 256, 1e-6  # of the histogram: bins along a side, of their kernel, pixels, epsilon

ByLayer = Mapping[str, Tensor]


def moments(features: Tensor) -> Tensor:
    """Mean and standard deviation of each channel over positions, (1, C, H, W) -> (2, C)."""
    flat = features[0].float().flatten(1)
    return torch.stack([flat.mean(1), flat.std(1, correction=0)])


def adain(painted: ByLayer, painting: ByLayer) -> float:
    """How far the channels' ``moments`` (2, C) are from the painting's: |m - n|^2 + |s - t|^2, the mean over layers.

    This is the style loss of AdaIN (Huang and Belongie 2017, eq. 13; their code squares), here relative to what an
    empty picture has, |n|^2 + |t|^2, since its scale is the loss network's otherwise. 0 is the painting.
    """
    return _relative({layer: (painted[layer], target) for layer, target in painting.items()})


def quantiles(features: Tensor, *, seed: int = 0) -> Tensor:
    """Quantiles of activations along random directions, (1, C, H, W) -> (DIRECTIONS, QUANTILES).

    A direction is a unit vector of C numbers; the ``seed`` says which.
    """
    flat = features[0].float().flatten(1)  # (C, H W)
    directions = torch.randn(DIRECTIONS, len(flat), generator=torch.Generator().manual_seed(seed))
    directions /= directions.norm(dim=1, keepdim=True)
    values = (directions.to(flat.device) @ flat).sort(1).values  # (DIRECTIONS, H W)
    return F.interpolate(values[None], QUANTILES, mode="linear")[0]


def sliced_wasserstein(painted: ByLayer, painting: ByLayer) -> float:
    """The sliced Wasserstein distance of activations, squared, from their ``quantiles``; the mean over layers.

    Of Heitz et al. 2021 (C random directions a layer, all positions). Here there are fewer directions, always
    the same, pictures may differ in size, and it is relative to the mean square of what the painting has along them.
    0 is the painting, or its positions in any order.
    """
    return _relative({layer: (painted[layer], target) for layer, target in painting.items()})


def _relative(pairs: Mapping[str, tuple[Tensor, Tensor]]) -> float:
    """The mean of |a - b|^2 / |b|^2."""
    parts = [(a - b).square().sum() / b.square().sum().clamp_min(1e-12) for a, b in pairs.values()]
    return float(torch.stack(parts).mean())


def cfsd(painted: Tensor, photo: Tensor) -> float:
    """Content feature structural distance of activations (1, C, H, W) twice. 0 is the photo's structure.

    Every position has a distribution over all positions, softmax(F F^T / C^2): what it is like. CFSD is the sum over
    positions of KL(photo's || painted's). Chung et al. 2024 ("Style Injection in Diffusion"), as their code has it
    (StyleID, evaluation/image_metrics.py, PatchSimi): torchvision's VGG-19, relu3_1, pictures of 512 x 512 pixels.
    Another size or other weights give numbers of another magnitude. Of the original weights the activations should be
    divided by ``scale_of`` before: as they are, every position is like itself alone.
    """
    mine, theirs = (each[0].float().flatten(1).T / each.shape[1] for each in (painted, photo))  # (H W, C)
    total = 0.0
    for top in range(0, len(theirs), ROWS):
        q = (mine[top : top + ROWS] @ mine.T).double().log_softmax(1)  # in float32 rounding adds up over all positions
        p = (theirs[top : top + ROWS] @ theirs.T).double().log_softmax(1)
        total += float((p.exp() * (p - q)).sum())
    return total


def scale_of(network: LossNetwork) -> float:
    """How large the activations of a network are beside torchvision's: 1, or 57.6 of the original weights.

    It is the scale of what goes in; but for its biases, VGG gives out in proportion.
    """
    return sum(TORCHVISION_STD) / 3 / float(network.get_buffer("std").mean())


def ssim(painted: Picture, photo: Picture) -> float | None:
    """Structural similarity of two pictures (h, w, 3) of one size, 0..1: 1 is the photo. None below 11 pixels.

    The variant: on luma, a Gaussian window of 11 pixels with sigma 1.5, K 0.01 and 0.03, weighted covariances, the mean
    over windows that are inside (Wang et al. 2004). scikit-image has the same number with ``gaussian_weights=True,
    use_sample_covariance=False, data_range=1``.
    """
    if min(photo.shape[:2]) < WINDOW:
        return None
    x, y = (torch.from_numpy(luma(each)).double() for each in (painted, photo))
    bell = torch.exp(-((torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2) ** 2) / (2 * SIGMA**2))
    bell = bell / bell.sum()
    planes = torch.stack([x, y, x * x, y * y, x * y])[:, None]
    m, n, xx, yy, xy = F.conv2d(F.conv2d(planes, bell.view(1, 1, 1, -1)), bell.view(1, 1, -1, 1))[:, 0]
    c1, c2 = 0.01**2, 0.03**2
    likeness = (2 * m * n + c1) * (2 * (xy - m * n) + c2)
    return float((likeness / ((m * m + n * n + c1) * (xx - m * m + yy - n * n + c2))).mean())


def histogram(picture: Picture) -> Tensor:
    """The RGB-uv histogram of a picture (h, w, 3), 0..1, with sum 1: (3, 64, 64).

    For each of R, G, B the logarithms of its ratios to the other two, from -3 to 3, weighted by intensity and spread by
    an inverse quadratic kernel of 0.02 (Afifi et al. 2021, HistoGAN; RGBuvHistBlock in their code). Pictures with a
    side above 256 pixels are brought to 256 x 256, as StyleID does (evaluation/eval_histogan.py).
    """
    planes = to_planes(picture).float().clamp(0, 1)
    if max(planes.shape[2:]) > SIDE:
        planes = F.interpolate(planes, (SIDE, SIDE), mode="bilinear")
    colors = planes[0].flatten(1)  # (3, N)
    intensity, logs = (colors.square().sum(0) + TINY).sqrt(), (colors + TINY).log()
    bins = torch.linspace(-3, 3, BINS)
    found = []
    for first, second, third in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        u, v = (1 / (1 + ((logs[first] - logs[i])[:, None] - bins).square() / WIDTH**2) for i in (second, third))
        found.append((intensity[:, None] * u).T @ v)
    counts = torch.stack(found)
    return counts / (counts.sum() + TINY)


def rgb_uv(painted: Tensor, painting: Tensor) -> float:
    """Hellinger distance of two ``histogram``s (Afifi et al. 2021): 0 the painting's colours, 1 none of them."""
    return float((painted.sqrt() - painting.sqrt()).square().sum().div(2).sqrt())
