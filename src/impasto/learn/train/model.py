"""What a run moves, the network and the rows, and by which optimizers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from impasto.learn.network.layers import StyleNetwork, with_own_tones
from impasto.learn.train.muon import Muon, takes


class Model(nn.Module):
    """The network and the matrix of rows as one module, so that DDP sees one call."""

    def __init__(self, network: StyleNetwork, count: int) -> None:
        super().__init__()
        self.network = network
        self.rows = nn.Parameter(network.initial_row().repeat(count, 1))

    def forward(self, pictures: Tensor, ids: Tensor) -> Tensor:
        return paint(self.network, self.rows, pictures, ids)


def paint(network: nn.Module, rows: Tensor, pictures: Tensor, ids: Tensor) -> Tensor:
    """Paint each picture in its row of ``rows``, of which the last is the photo's and takes the picture's own tones."""
    chosen = rows[ids]
    is_photo = (ids == len(rows) - 1)[:, None]
    chosen = torch.where(is_photo, with_own_tones(chosen, pictures), chosen)
    painted: Tensor = network(pictures, chosen)
    return painted


def optimizers_for(model: nn.Module, name: str) -> list[torch.optim.Optimizer]:
    """Adam for everything, or Muon for the convolutions that it suits and Adam for the rest."""
    chosen = [parameter for parameter in model.parameters() if name == "muon" and takes(parameter)]
    rest = [parameter for parameter in model.parameters() if all(parameter is not other for other in chosen)]
    optimizers: list[torch.optim.Optimizer] = [torch.optim.Adam(rest, lr=0.0, betas=(0.9, 0.99))]
    return [*optimizers, Muon(chosen, lr=0.0)] if chosen else optimizers
