"""A device that is not the CPU, for machines that have none: it computes on the CPU, and is as strict as a GPU.

Its tensors say that they are on torch's ``lazy`` device, which needs no hardware. What a GPU or Apple's MPS refuses is
refused: numpy's view of its memory, operations that mix it with tensors of the CPU, and float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

DEVICE = torch.device("lazy")
CROSSING = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default}

VECTOR_TIMES_MATRIX = {torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__}


class Elsewhere(torch.Tensor):
    """A tensor of the other device; ``raw`` are its values on the CPU."""

    raw: torch.Tensor

    @staticmethod
    def __new__(cls, raw: torch.Tensor) -> Elsewhere:
        shape: Any = raw.shape
        return torch.Tensor._make_wrapper_subclass(cls, shape, strides=raw.stride(), dtype=raw.dtype, device=DEVICE)  # type: ignore[attr-defined, no-any-return]

    def __init__(self, raw: torch.Tensor) -> None:
        self.raw = raw

    def __deepcopy__(self, memo: Any) -> Elsewhere:
        return Elsewhere(self.raw.clone())

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            if func in VECTOR_TIMES_MATRIX and args[0].dim() == 1:  # torch squeezes this in place, which we cannot
                return (args[0][None] @ args[1])[0]
            return func(*args, **kwargs or {})

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, dict(kwargs or {}))


class _Factories(TorchDispatchMode):
    """Makes tensors on the other device where they are asked for."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, dict(kwargs or {}))


def _computed(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    leaves = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    there = [leaf for leaf in leaves if isinstance(leaf, Elsewhere)]
    if there and func not in CROSSING:
        strangers = [leaf for leaf in leaves if not isinstance(leaf, Elsewhere) and leaf.dim() > 0]
        assert not strangers, f"{func} meets tensors of two devices"
    wanted = kwargs.get("device")
    goes = bool(there) if wanted is None else torch.device(wanted).type == DEVICE.type
    if wanted is not None:
        kwargs["device"] = torch.device("cpu")
    args, kwargs = tree_map_only(Elsewhere, lambda tensor: tensor.raw, (args, kwargs))
    result = func(*args, **kwargs)
    if not goes:
        return result
    known = {id(tensor.raw): tensor for tensor in there}

    def wrapped(raw: torch.Tensor) -> torch.Tensor:
        assert raw.dtype not in (torch.float64, torch.complex128), f"{func} makes float64, which MPS has not"
        return known[id(raw)] if id(raw) in known else Elsewhere(raw)

    return tree_map_only(torch.Tensor, wrapped, result)


@contextmanager
def another_device() -> Iterator[str]:
    """While it lasts there is a device of this name."""
    lifting = torch._C._only_lift_cpu_tensors()  # type: ignore[attr-defined]
    torch._C._set_only_lift_cpu_tensors(True)  # type: ignore[attr-defined]
    try:
        with _Factories(), torch.autograd.set_multithreading_enabled(False):
            yield str(DEVICE)
    finally:
        torch._C._set_only_lift_cpu_tensors(lifting)  # type: ignore[attr-defined]
