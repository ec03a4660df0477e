"""ComfyUI's tensors in, painted tensors out. Imports nothing of ComfyUI's, and torch only to give a tensor back.

A node is a class as ComfyUI wants it: what it takes, what it gives, and the method that does it. What goes wrong is one
of impasto's errors, a sentence, which ComfyUI shows on the node.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from impasto import Bank, Look, Painter, assets, pictures
from impasto.errors import BankError, LearnError, MissingExtraError, OptionError, PictureError
from impasto.files import check_writable
from impasto.pictures import arrays
from impasto.styles import strokes

IMAGE, MASK, STYLE, REGIONS = "IMAGE", "MASK", "IMPASTO_STYLE", "IMPASTO_REGIONS"
DEFAULT = "van-gogh-road-with-cypress-and-star"
NETWORKS = ("full", "fast")
BRUSHES = ("medium", "small", "large")


@dataclass(frozen=True)
class Style:
    """A style or a mix: weights by name, and the banks out of files that some of the names come from."""

    weights: dict[str, float]
    banks: tuple[Bank, ...] = ()

    def mixed(self, other: Style | None) -> Style:
        """Both, with their weights; OptionError where both have the same name."""
        if other is None:
            return self
        if twice := self.weights.keys() & other.weights.keys():
            raise OptionError(f"{min(twice)!r} is there twice in a mix; give it one weight")
        return Style({**self.weights, **other.weights}, (*self.banks, *other.banks))

    def __str__(self) -> str:
        if list(self.weights.values()) == [1.0]:
            return next(iter(self.weights))
        return ",".join(f"{name}:{weight:g}" for name, weight in self.weights.items())


@dataclass(frozen=True)
class Regions:
    """Styles with their masks."""

    masks: dict[str, Any] = field(default_factory=dict)
    banks: tuple[Bank, ...] = ()


@lru_cache(maxsize=2)
def painter_of(network: str) -> Painter:
    """The painter of a network, opened once."""
    return Painter(network)


@lru_cache(maxsize=1)
def style_names() -> list[str]:
    return list(Bank.load(assets.bank_file()).styles)


class ImpastoStyle:
    """A style that comes with impasto; with ``mix_with`` it is mixed with another."""

    CATEGORY = "impasto"
    DESCRIPTION = "A style that comes with impasto. Chain several of them by mix_with, and their weights say how much."
    FUNCTION = "style"
    RETURN_TYPES = (STYLE,)
    RETURN_NAMES = ("style",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        names = style_names()
        default = DEFAULT if DEFAULT in names else names[0]
        return {
            "required": {"name": (names, {"default": default}), "weight": _weight()},
            "optional": {"mix_with": (STYLE,)},
        }

    def style(self, name: str, weight: float = 1.0, mix_with: Style | None = None) -> tuple[Style]:
        return (Style({name: weight}).mixed(mix_with),)


class ImpastoStyleFile:
    """A style in a file of styles, such as ``impasto teach`` writes."""

    CATEGORY = "impasto"
    DESCRIPTION = "A style out of a file of styles (.safetensors), such as impasto teach writes."
    FUNCTION = "style"
    RETURN_TYPES = (STYLE,)
    RETURN_NAMES = ("style",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        name = {"default": "", "tooltip": "Which of its styles; empty is the first."}
        return {
            "required": {"file": ("STRING", {"default": ""}), "name": ("STRING", name), "weight": _weight()},
            "optional": {"mix_with": (STYLE,)},
        }

    @classmethod
    def IS_CHANGED(cls, file: str, **_: Any) -> float:
        """When the file was written: ComfyUI reads it again after that."""
        return os.path.getmtime(file) if os.path.exists(file) else float("nan")

    def style(self, file: str, name: str = "", weight: float = 1.0, mix_with: Style | None = None) -> tuple[Style]:
        if not file.strip():
            raise BankError("no file of styles is named; give the path of one, such as impasto teach writes")
        bank = Bank.load(file.strip())
        if not bank.styles:
            raise BankError(f"{file} holds no style; name a file that does")
        name = name.strip() or bank.styles[0]
        bank.index(name)  # StyleNameError has the nearest name
        one = Style({name: weight}, (bank.select(strokes.whole(bank, [name])),))
        return (one.mixed(mix_with),)


class ImpastoTeach:
    """Learns a painting as a style, in minutes."""

    CATEGORY = "impasto"
    DESCRIPTION = (
        "Learns a painting as a style. Needs impasto[learn], and minutes; with a file, the style is kept there."
    )
    FUNCTION = "teach"
    RETURN_TYPES = (STYLE,)
    RETURN_NAMES = ("style",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        file = {
            "default": "",
            "tooltip": "A new .safetensors, for Style from a file; empty keeps it until ComfyUI ends.",
        }
        return {
            "required": {
                "painting": (IMAGE,),
                "name": ("STRING", {"default": "my-style"}),
                "minutes": ("FLOAT", {"default": 15.0, "min": 0.1, "max": 600.0, "step": 0.1}),
                "file": ("STRING", file),
                "network": (list(NETWORKS), {"default": "full"}),
            }
        }

    def teach(
        self, painting: Any, name: str, minutes: float = 15.0, file: str = "", network: str = "full"
    ) -> tuple[Style]:
        pixels, file = batch_of(painting)[0, ..., :3], file.strip()
        if file:
            check_new(file)  # before the work
        bank = learned(pixels, name, network, minutes)
        if file:
            bank.save(file)
        return (Style({name: 1.0}, (bank,)),)


class ImpastoRegion:
    """A style where a mask is white; chained, several of them."""

    CATEGORY = "impasto"
    DESCRIPTION = "A style where the mask is white. Chain several by more; the rest has the painting's style."
    FUNCTION = "region"
    RETURN_TYPES = (REGIONS,)
    RETURN_NAMES = ("regions",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"style": (STYLE,), "mask": (MASK,)}, "optional": {"more": (REGIONS,)}}

    def region(self, style: Style, mask: Any, more: Regions | None = None) -> tuple[Regions]:
        more, key = more or Regions(), str(style)
        if key in more.masks:
            raise PictureError(f"two masks are given for {key!r}; join them into one")
        return (Regions({**more.masks, key: mask}, (*more.banks, *style.banks)),)


class ImpastoPaint:
    """Paints each image of a batch."""

    CATEGORY = "impasto"
    DESCRIPTION = "Paints images in a style. Works on a CPU, and downloads nothing."
    FUNCTION = "paint"
    RETURN_TYPES = (IMAGE,)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        stroke = {
            "default": 0,
            "min": 0,
            "max": 8192,
            "tooltip": "Of the painting, in pixels: half of 1000 is twice as fine; 0 is as learned.",
        }
        return {
            "required": {
                "image": (IMAGE,),
                "style": (STYLE,),
                "strength": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1.5, "step": 0.05}),
                "keep_color": ("BOOLEAN", {"default": False, "tooltip": "Keep the colours of the photo."}),
                "brush": (list(BRUSHES), {"default": "medium", "tooltip": "Strokes on images beyond 1,400 pixels."}),
                "stroke_size": ("INT", stroke),
                "network": (list(NETWORKS), {"default": "full"}),
            },
            "optional": {"regions": (REGIONS,)},
        }

    def paint(
        self,
        image: Any,
        style: Style,
        strength: float = 1.0,
        keep_color: bool = False,
        brush: str = "medium",
        stroke_size: int = 0,
        network: str = "full",
        regions: Regions | None = None,
    ) -> tuple[Any]:
        batch = batch_of(image)
        regions = regions or Regions()
        masks = {key: planes_of(mask, key, len(batch)) for key, mask in regions.masks.items()}
        look = Look(
            dict(style.weights),
            strength=strength,
            keep_color=keep_color,
            brush=brush,
            stroke_size=stroke_size or None,
        )
        painter = painter_of(network)
        painter.bank = bank_with(painter.own, (*style.banks, *regions.banks))
        looks = [
            Look.of(look, masks={key: planes[i] for key, planes in masks.items()} or None) for i in range(len(batch))
        ]
        for each in looks:
            painter.check(each)
        return (like(painted(painter, batch, looks), image),)


def painted(painter: Painter, batch: np.ndarray, looks: list[Look]) -> np.ndarray:
    """The paintings (B, H, W, C) of a batch, alpha as it was; ComfyUI's Cancel ends it between steps."""
    show, stop = progress_bar(len(batch)), interruption()
    result = batch.copy()
    for i, (pixels, look) in enumerate(zip(batch, looks, strict=True)):
        stop()
        for step in painter.steps(np.ascontiguousarray(pixels[..., :3]), look):
            stop()
            show(i + step.share)
            if step.painted is not None:
                result[i, ..., :3] = step.painted
    return result


def learned(pixels: np.ndarray, name: str, network: str, minutes: float) -> Bank:
    """A bank of the one style that a painting (H, W, 3) became; ComfyUI's Cancel ends it between steps."""
    try:
        import torch

        from impasto.learn.teach import course
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{error.name} is not installed: pip install 'impasto[learn]'") from error
    show, stop = progress_bar(1), interruption()
    # ComfyUI runs nodes without gradients.
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode(False), torch.enable_grad():
        file = Path(folder) / "painting.png"
        pictures.to_pil(pixels).save(file)
        for step in course.teach(file, name, network=network, max_minutes=minutes):
            if isinstance(step, Bank):
                return step.select([name])
            stop()
            show(step.progress)
    raise LearnError("nothing was learned; give it more minutes")


def check_new(file: str) -> None:
    """BankError where a file of styles cannot be written, or is there already."""
    try:
        check_writable(file)
    except OSError as error:
        raise BankError(f"{file} cannot be written ({error.strerror})") from error
    if os.path.exists(file):
        raise BankError(f"{file} is there already; use it by Style from a file, or name another")


def batch_of(image: Any) -> np.ndarray:
    """An IMAGE as a new array (B, H, W, 3 or 4) in 0..1; PictureError for what is none."""
    array = as_array(image, "image")
    if array.ndim != 4 or array.shape[-1] not in (3, 4) or array.size == 0:
        raise PictureError(
            f"image is {' x '.join(map(str, array.shape)) or 'a single number'}, and an IMAGE is "
            "batch x height x width x 3 or 4; connect an IMAGE"
        )
    return arrays.checked(array, "image")


def planes_of(mask: Any, style: str, count: int) -> np.ndarray:
    """A MASK as arrays (count, H, W): one for each image, or the same for all of them."""
    array = as_array(mask, f"the mask of {style!r}")
    array = array[np.newaxis] if array.ndim == 2 else array
    if array.ndim != 3 or array.size == 0:
        raise PictureError(f"the mask of {style!r} is not batch x height x width; connect a MASK")
    if len(array) not in (1, count):
        raise PictureError(f"the mask of {style!r} has {len(array)} planes for {count} images; give one, or one each")
    return np.repeat(array, count, axis=0) if len(array) < count else array


def as_array(tensor: Any, name: str) -> np.ndarray:
    """A tensor of any device and type of floats as float32; PictureError for what is no tensor."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu().float().numpy()
    if not isinstance(tensor, np.ndarray):
        raise PictureError(f"{name} is of type {type(tensor).__name__}, not a tensor; connect an IMAGE or a MASK")
    return tensor


def like(array: np.ndarray, image: Any) -> Any:
    """What was painted, as a tensor where the image was one."""
    if isinstance(image, np.ndarray):
        return array
    import torch

    return torch.from_numpy(array)


def bank_with(bank: Bank, more: tuple[Bank, ...]) -> Bank:
    for each in more:
        bank = bank.merge(each)
    return bank


def interruption() -> Callable[[], None]:
    """What raises ComfyUI's own exception once Cancel was pressed; nothing where there is no ComfyUI."""
    management = sys.modules.get("comfy.model_management")
    stop: Callable[[], None] = getattr(management, "throw_exception_if_processing_interrupted", lambda: None)
    return stop


def progress_bar(count: int) -> Callable[[float], None]:
    """What shows on the node how many images are painted; nothing where there is no ComfyUI."""
    make = getattr(sys.modules.get("comfy.utils"), "ProgressBar", None)
    if make is None:
        return lambda done: None
    bar = make(100)
    return lambda done: bar.update_absolute(round(100 * done / count))


def _weight() -> tuple[str, dict[str, float]]:
    return ("FLOAT", {"default": 1.0, "min": 0.0, "max": 10.0, "step": 0.05})


NODE_CLASS_MAPPINGS: Mapping[str, type] = {
    each.__name__: each for each in (ImpastoPaint, ImpastoStyle, ImpastoStyleFile, ImpastoTeach, ImpastoRegion)
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "ImpastoPaint": "Paint (impasto)",
    "ImpastoStyle": "Style (impasto)",
    "ImpastoStyleFile": "Style from a file (impasto)",
    "ImpastoTeach": "Teach a painting (impasto)",
    "ImpastoRegion": "Region (impasto)",
}
