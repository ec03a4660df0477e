"""What runs between convolutions, in pieces that are compiled one by one; the convolutions stay a library's.

On a GPU such a piece, a norm with its ReLU, say, is slow for its many passes over memory, and compiled it is one pass
or two. Compiled by themselves pieces are small enough for every compiler: the whole step makes Triton fail (torch 2.11:
"PassManager::run failed"). Elsewhere a piece is a function like any other, which a larger compilation may take in.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto import quiet
from impasto.errors import foreign

quiet.place_compiled()  # before torch's compiler is imported, which an optimiser is enough for

P = ParamSpec("P")
R = TypeVar("R")

EIGHT = 8  # tensor cores take channels by eights
EARLY = "force_non_lazy_backward_lowering"  # a gradient that cannot be compiled fails in its piece, not behind it
SHAPES = 64  # the most shapes for which a piece is compiled


@dataclass
class _State:
    """How pieces run now, what they compiled to, by name, and the names of those that no compiler takes."""

    on_gpu: bool = False
    compiled: bool = False
    made: dict[str, Any] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


STATE = _State()


class NotCompiledError(Exception):
    """What a compiler could not do."""


def compiling() -> AbstractContextManager[None]:
    """Where what a compiler raises, its first line, becomes a ``NotCompiledError``; missing memory is none of it."""

    def why(error: Exception) -> NotCompiledError | None:
        said = str(error).strip().splitlines() or [type(error).__name__]
        return None if isinstance(error, torch.OutOfMemoryError) else NotCompiledError(said[0][:100])

    return foreign(why)


@contextmanager
def on_gpu(*, compiled: bool) -> Iterator[None]:
    """While it lasts convolutions and pieces run the way that suits a GPU, the pieces ``compiled`` or not."""
    before = STATE.on_gpu, STATE.compiled
    with ExitStack() as stack:
        if compiled:
            import torch._dynamo  # takes seconds
            import torch._functorch.config as functorch

            stack.enter_context(torch._dynamo.config.patch(recompile_limit=SHAPES))
            if hasattr(functorch, EARLY):
                stack.enter_context(functorch.patch({EARLY: True}))
        STATE.on_gpu, STATE.compiled = True, compiled
        try:
            yield
        finally:
            STATE.on_gpu, STATE.compiled = before


def piece(function: Callable[P, R]) -> Callable[P, R]:
    """``function``, which is compiled by itself where ``on_gpu`` says so, and runs as it is if that fails."""
    name = function.__name__

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if torch.compiler.is_compiling() or not STATE.compiled or name in STATE.failed:
            return function(*args, **kwargs)
        try:
            with compiling():
                if name not in STATE.made:
                    STATE.made[name] = torch.compile(function, dynamic=False)
                result: R = STATE.made[name](*args, **kwargs)
                return result
        except NotCompiledError:
            result = function(*args, **kwargs)  # if this raises too, it was no compiler's fault
            STATE.failed.append(name)
            return result

    return run


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None, *, stride: int = 1, padding: int = 0) -> Tensor:
    """``F.conv2d`` in one group; on a GPU channels last, with zeros for channels up to a multiple of eight."""
    if not STATE.on_gpu:
        return F.conv2d(x, weight, bias, stride, padding)
    outputs, inputs = weight.shape[:2]
    more_outputs, more_inputs = -outputs % EIGHT, -inputs % EIGHT
    if more_inputs:
        x = F.pad(x, [0, 0, 0, 0, 0, more_inputs])
    if more_inputs or more_outputs:
        weight = F.pad(weight, [0, 0, 0, 0, 0, more_inputs, 0, more_outputs])
        bias = bias if bias is None else F.pad(bias, [0, more_outputs])
    x, weight = (tensor.contiguous(memory_format=torch.channels_last) for tensor in (x, weight))
    y = F.conv2d(x, weight, bias, stride, padding)
    return y[:, :outputs] if more_outputs else y
