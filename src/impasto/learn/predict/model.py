"""The predictor with gradients; ``unseen.predictor`` has the same in numpy, and the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.styles.bank import Bank
from impasto.styles.unseen.predictor import DENSE, LEAST, LINES, Predictor, features_count

FREE = 0.01  # size of directions of the basis that no known row gave, in units of those


class Prediction(nn.Module):
    """Gram matrices and means by layer, (B, C, C) and (B, C) -> rows (B, R)."""

    def __init__(self, widths: Sequence[int], row_size: int, *, width: int, view: int, dropout: float = 0.0) -> None:
        super().__init__()
        views = [torch.linalg.qr(torch.randn(each, min(view, each)))[0] for each in widths]
        self.views = nn.ParameterList([nn.Parameter(each) for each in views])
        count = features_count([tuple(each.shape) for each in views])
        self.dropout = dropout
        self.inner = nn.Parameter(torch.randn(width, count) / count**0.5)
        self.outer = nn.Parameter(torch.randn(width, width) * 0.3 / width**0.5)
        self.basis = nn.Parameter(torch.randn(row_size, width) * FREE)
        self.inner_bias, self.outer_bias = (nn.Parameter(torch.zeros(width)) for _ in range(2))
        self.row = nn.Parameter(torch.zeros(row_size))
        for name, value in (("centre", torch.zeros(count)), ("spread", torch.ones(count))):
            self.register_buffer(name, value)

    def features(self, grams: Sequence[Tensor], means: Sequence[Tensor]) -> Tensor:
        """See ``unseen.predictor.features``: (B, F)."""
        found = []
        for gram, mean, view in zip(grams, means, self.views, strict=True):
            energy = gram.diagonal(dim1=1, dim2=2) + LEAST
            root = energy.sqrt()
            together = view.T @ (gram / (root[:, :, None] * root[:, None])) @ view
            upper = torch.triu_indices(view.shape[1], view.shape[1], device=gram.device)
            found += [energy.log(), mean / root, together[:, upper[0], upper[1]]]
        return torch.cat(found, 1)

    def forward(self, grams: Sequence[Tensor], means: Sequence[Tensor]) -> Tensor:
        x = (self.features(grams, means) - self.get_buffer("centre")) / self.get_buffer("spread")
        x = F.dropout(x, self.dropout, self.training)
        h = F.silu(x @ self.inner.T + self.inner_bias)
        h = h + F.silu(h @ self.outer.T + self.outer_bias)
        rows: Tensor = self.row + h @ self.basis.T
        return rows

    @torch.no_grad()
    def begin(self, bank: Bank, grams: Sequence[Tensor], means: Sequence[Tensor]) -> None:
        """Take the mean of a bank's styles, and the directions in which they differ; features get their units.

        These are of the pictures with these statistics, (N, C, C) and (N, C).
        """
        rows = torch.from_numpy(np.stack([bank[name] for name in bank.styles]))
        self.row.copy_(rows.mean(0))
        _, sizes, ways = torch.linalg.svd(rows - rows.mean(0), full_matrices=False)
        count = min(len(ways), self.basis.shape[1] // 2)
        self.basis[:, :count] = (sizes[:count, None] * ways[:count]).T / len(rows) ** 0.5
        found = self.features(grams, means)
        self.get_buffer("centre").copy_(found.mean(0))
        self.get_buffer("spread").copy_(found.std(0) + 0.05 * found.std(0).mean())

    def record(self, bank: Bank, layers: Sequence[str], made: dict[str, Any]) -> Predictor:
        """The predictor as its file has it."""
        state = {name: value.detach().cpu().numpy().copy() for name, value in self.state_dict().items()}
        views = tuple(state[f"views.{i}"] for i in range(len(layers)))
        numbers = {name: state[name] for name in (*DENSE, *LINES)}
        return Predictor(bank.network, bank.fingerprint, tuple(layers), views, numbers, made)
