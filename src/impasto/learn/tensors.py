"""Pictures as arrays <-> pictures as tensors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from impasto.pictures import Picture


def to_planes(picture: Picture) -> Tensor:
    """A picture (h, w, 3) as a tensor (1, 3, h, w)."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]


def to_picture(planes: Tensor) -> Picture:
    """The first of pictures (B, 3, h, w), or a single one (3, h, w), from any device, as an array (h, w, 3)."""
    first = planes[0] if planes.ndim == 4 else planes
    return np.ascontiguousarray(first.detach().permute(1, 2, 0).float().cpu().numpy())
