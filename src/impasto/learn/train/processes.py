"""Several processes that train together: who is who, what they agree on, and what they measured."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


def rank() -> int:
    """This process's number among those that train together; 0 if it is alone."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def agree(stop: bool, device: torch.device) -> bool:
    """What the main process says: clocks differ, and a process that went on alone would wait for the others."""
    if world() == 1:
        return stop
    answer = torch.tensor(float(stop), device=device)
    dist.broadcast(answer, 0)
    return bool(answer)


def gather(values: Tensor) -> Tensor:
    """Values (..., B) of all processes' pictures, in the batch's order."""
    if world() == 1:
        return values
    parts = [torch.empty_like(values) for _ in range(world())]
    dist.all_gather(parts, values)
    return torch.cat(parts, -1)


def share(count: int) -> slice:
    """This process's part of a batch of ``count``."""
    each = count // world()
    return slice(rank() * each, (rank() + 1) * each)
