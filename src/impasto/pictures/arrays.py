"""Arrays as other libraries hand them over -> pixels, or a reason why not. Knows no files."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from impasto.errors import PictureError, brief, foreign

Pixels: TypeAlias = NDArray[Any]  # uint8, uint16, or float32 in 0..1

_FARTHEST = (-0.25, 2.0)  # where floats may reach by sharpening or resizing; further out they mean something else
_FEW = 0.25  # share of the values that may be negative by more than rounding


def is_array(source: Any) -> bool:
    """Whether this is a numpy array, or something that can make one of itself."""
    return isinstance(source, np.ndarray) or hasattr(source, "__array__") or hasattr(source, "__array_interface__")


def as_numpy(source: Any, name: str) -> NDArray[Any]:
    """A plain numpy array of an array of any library; PictureError with the library's reason where there is none."""
    if isinstance(source, np.ma.MaskedArray) and np.ma.is_masked(source):
        raise PictureError(f"{name} has masked values; fill them first, for example with .filled(0).")

    def why(error: Exception) -> PictureError | None:
        reason = f"{type(error).__name__}: {brief(error).rstrip('.')}"
        out_of_memory = isinstance(error, MemoryError)
        return None if out_of_memory else PictureError(f"{name} cannot be made a numpy array ({reason}).")

    with foreign(why):
        return np.asarray(source)


def split(array: NDArray[Any], name: str) -> tuple[Pixels, Pixels | None]:
    """Pixels, h x w x 3, and alpha, h x w, or None, of an array h x w or h x w x 1, 2, 3 or 4; both are copies."""
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 2, 3, 4) or array.size == 0:
        raise PictureError(
            f"A picture array is h x w, or h x w x 1, 2, 3 or 4, not {shape(array)}; {_help(array.shape)}."
        )
    colors, alpha = array, None
    if channels in (2, 4):
        colors, alpha = array[..., :-1], checked(array[..., -1], name)
        if array.dtype.kind == "f":  # whatever dividing by an alpha of 0 has left there
            colors = np.where(alpha[..., None] > 0, colors, 0)
    pixels = as_pixels(colors, name)
    return _own(pixels, array), None if alpha is None else _own(alpha, array)


def _own(found: Pixels, array: NDArray[Any]) -> Pixels:
    return found.copy() if np.may_share_memory(found, array) else found


def _help(shape: tuple[int, ...]) -> str:
    if 0 in shape:
        return "it is empty"
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        return "put the channels last, for example with numpy.transpose(array, (1, 2, 0))"
    if len(shape) == 4:
        return "take one picture out of it, for example with array[0]"
    return "transpose or cut it"


def shape(array: NDArray[Any]) -> str:
    """A shape for people: 20 x 30 x 3."""
    return " x ".join(map(str, array.shape)) or "a single number"


def as_pixels(values: NDArray[Any], name: str) -> Pixels:
    """``checked``, with three channels."""
    found = checked(values, name).reshape(*values.shape[:2], -1)
    return np.repeat(found, 3, axis=2) if found.shape[2] == 1 else found


def checked(values: NDArray[Any], name: str) -> Pixels:
    """uint8, uint16 or float values, contiguous, in the machine's byte order; floats as new float32 in 0..1.

    Booleans become 0 and 255. PictureError for other types, for values that are not finite, and for floats that do not
    span 0..1; a little outside, as sharpening leaves them, they are clipped.
    """
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind == "b":
        return np.ascontiguousarray(values).view(np.uint8) * np.uint8(255)
    if kind == "u" and size <= 2:
        return np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    if kind != "f":
        raise PictureError(f"{name} holds {values.dtype} values; convert them to uint8, uint16, or float in 0..1.")
    with np.errstate(all="ignore"):
        low, high = float(values.min()), float(values.max())
        refuse_non_finite(low + high, name)
        _refuse_other_spans(values, low, high, name)
        clipped: NDArray[np.float32] = np.ascontiguousarray(np.clip(values, 0, 1), np.float32)
    return clipped


def _refuse_other_spans(values: NDArray[Any], low: float, high: float, name: str) -> None:
    """Refuse floats that mean something else than 0..1: nothing that sharpens reaches so far, or so often."""
    least, most = _FARTHEST
    if -1.01 <= low < 0 and high <= 1.01 and (low < least or np.mean(values < -0.02) > _FEW):
        raise PictureError(
            f"{name} holds float values from {low:g} to {high:g}; a picture spans 0..1, so map -1..1 to it with "
            "(array + 1) / 2."
        )
    if low < least or high > most:
        raise PictureError(f"{name} holds float values from {low:g} to {high:g}; scale them so that they span 0..1.")


def refuse_non_finite(number: float, name: str) -> None:
    """PictureError where a number, such as a smallest plus a largest value, is not finite."""
    if not np.isfinite(number):
        raise PictureError(f"{name} holds NaN or infinite values; look for the step that made them.")
