"""What memory is free for torch, and a sentence where it was not enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from impasto.errors import LearnError, lacks_memory
from impasto.painting import memory

CPU = torch.device("cpu")
SURE = 0.7  # of a side for which there was no memory after all: half the pixels


@contextmanager
def memory_watched(advice: Callable[[], str]) -> Iterator[None]:
    """Where the machine, or the GPU, has no memory for what is done in here, a LearnError with this ``advice``."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not lacks_memory(error):
            raise
        raise LearnError(f"there is not enough memory; {advice()}") from error


def smaller(side: int, option: str = "size") -> str:
    """What to choose where ``side`` pixels were too many after all."""
    return f"choose a smaller {option}, such as {max(16, int(side * SURE) // 16 * 16)}"


def free_memory(device: torch.device = CPU) -> int:
    """Bytes that the device can still give: those of a GPU with memory of its own, else those of the machine."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return memory.available()
