"""Where torch computes: devices, their memory and fastest number type, and several processes."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor

from impasto import limits
from impasto.errors import LearnError, lacks_memory
from impasto.painting import memory
from impasto.painting.precision import quicker
from impasto.painting.tiles import compile_cache

KINDS = ("cpu", "cuda", "mps")
MOST_WORKERS = 14
CPU = torch.device("cpu")
SURE = 0.7  # of a side for which there was no memory after all: half the pixels


@contextmanager
def distributed(device: str = "auto") -> Iterator[None]:
    """Join the other processes if torchrun started this one, and leave them in the end.

    ``device`` is what ``resolve_device`` takes; each process on this machine gets a GPU of its own.
    """
    if "WORLD_SIZE" not in os.environ:
        yield
        return
    found = torch.device(resolve_device(device))
    if found.type == "cuda":
        torch.cuda.set_device(found)
    dist.init_process_group("nccl" if found.type == "cuda" else "gloo")
    try:
        yield
        dist.barrier()  # who leaves first would end gloo's threads under the others, and with them their exit code
    finally:
        dist.destroy_process_group()


def resolve_device(name: str) -> str:
    """``auto`` is CUDA or Apple's MPS where there is one, else the CPU; LearnError for a device that is not there.

    Where torchrun started several processes on this machine, "auto" and "cuda" are the GPU of this one, such as
    "cuda:1".
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if name == "cuda" and "LOCAL_RANK" in os.environ:
        name = f"cuda:{os.environ['LOCAL_RANK']}"
    kind, _, number = str(name).partition(":")
    count = torch.cuda.device_count() if kind == "cuda" else 0
    if number.isdigit() and 0 < count <= int(number):
        raise LearnError(
            f"there is no device {name!r} here, only {count} GPUs; choose another, or start fewer processes"
        )
    try:
        if kind not in KINDS:
            raise RuntimeError(f"{name} is not for us")
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise LearnError(f"there is no device {name!r} here; choose auto, cpu, cuda or mps") from error
    return name


def best_dtype(precision: str = "auto", device: torch.device | str = "cpu") -> torch.dtype:
    """The type for convolutions: of "f32" or "bf16", or of "auto" what pays; OptionError for another word."""
    wanted, where = limits.PRECISION.read("precision", precision), torch.device(device)
    pays = wanted == "auto" and (pays_bfloat16(where) or (where.type == "cpu" and _quicker_in_bfloat16()))
    return torch.bfloat16 if wanted == "bf16" or pays else torch.float32


def pays_bfloat16(device: torch.device) -> bool:
    """Whether convolutions in bfloat16 are far faster there, even than Winograd's in float32.

    With AMX tiles they run seven times as fast as float32 ones.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return device.type == "cpu" and bool(torch.cpu._is_amx_tile_supported())


@functools.cache
def _quicker_in_bfloat16() -> bool:
    """Whether torch's convolutions take less time in bfloat16 on this processor: tried once, and remembered.

    That it has instructions for bfloat16 says little: on AMD's Zen 4 they halve the time, elsewhere they cost more.
    """
    if not torch.cpu._is_avx512_bf16_supported():
        return False
    key = f"torch {torch.__version__}, {compile_cache.processor()}, {compile_cache.instructions()}"
    openers = {"f32": lambda: _convolving(torch.float32), "bf16": lambda: _convolving(torch.bfloat16)}
    return quicker(key, openers) == "bf16"


def _convolving(dtype: torch.dtype) -> Callable[[], float]:
    """A function that convolves there and back as VGG does, and gives the seconds."""
    x, weight = (torch.rand(n, 256, side, side, dtype=dtype) for n, side in ((1, 32), (256, 3)))
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()

    def once() -> float:
        begin = time.perf_counter()
        torch.autograd.grad(torch.nn.functional.conv2d(x, weight, padding=1).sum(), x)
        return time.perf_counter() - begin

    return once


def pays_to_compile(wanted: bool | None, device: torch.device) -> bool:
    """What is ``wanted``, or whether there is a compiler for this device."""
    if wanted is not None:
        return wanted
    if device.type == "cuda":
        return importlib.util.find_spec("triton") is not None
    return device.type == "cpu" and shutil.which(os.environ.get("CXX", "g++")) is not None


def default_workers(device: torch.device) -> int:
    """Processes that decode photos: none on the CPU, which trains slowly enough; else one for each core but one."""
    if device.type == "cpu":
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(MOST_WORKERS, cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1")) - 1))


def given_to(device: torch.device, values: Tensor) -> Tensor:
    """``values`` on the device, which need not have them before it computes with them."""
    if device.type == "cuda" and not values.is_pinned():
        values = values.pin_memory()
    return values.to(device, non_blocking=True)


@contextmanager
def chosen_convolutions(device: torch.device) -> Iterator[None]:
    """While it lasts cuDNN tries what is fastest for each size, and sums in bfloat16 nowhere."""
    if device.type != "cuda":
        yield
        return
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.benchmark, matmul.allow_bf16_reduced_precision_reduction
    cudnn.benchmark, matmul.allow_bf16_reduced_precision_reduction = True, False
    try:
        yield
    finally:
        cudnn.benchmark, matmul.allow_bf16_reduced_precision_reduction = before


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
