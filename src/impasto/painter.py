"""Photo and style in, painted photo out: an open network together with its bank of styles.

This is the one call behind the library, the command line and everything else; they differ only at the two ends.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from impasto import assets, blend, pictures, regions
from impasto.bank import PHOTO, Bank
from impasto.runtime import Network, RuntimeName

Style: TypeAlias = str | Mapping[str, float] | npt.NDArray[np.float32]


class Painter:
    """A network and a bank of styles, opened once; ``paint`` as often as you like.

    ``network`` is the name of a network that comes with impasto ("full") or an ONNX file that ``impasto export`` wrote;
    ``bank`` is a bank, its file, or None for the one that belongs to the network. ``runtime`` is "openvino",
    "onnxruntime" or "auto" (OpenVINO where it runs); ``threads`` limits the cores.

    Raises NetworkError for a network that cannot be opened, BankError for a bank that cannot be read, MismatchError for
    a bank that belongs to another network.
    """

    def __init__(
        self,
        network: str | os.PathLike[str] = assets.DEFAULT,
        *,
        bank: Bank | str | os.PathLike[str] | None = None,
        runtime: RuntimeName = "auto",
        threads: int | None = None,
    ) -> None:
        network_file, own_bank = _files(network)
        self.network = Network(network_file, runtime=runtime, threads=threads)
        self.bank = bank if isinstance(bank, Bank) else Bank.load(own_bank if bank is None else bank)
        self.bank.check_network(self.network.fingerprint, network=self.network.name)

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of the styles that this painter knows."""
        return self.bank.names

    def paint(
        self,
        image: pictures.Source,
        style: Style,
        *,
        strength: float = 1.0,
        size: int | None = None,
        keep_color: bool = False,
        masks: Mapping[str, regions.Mask] | None = None,
        max_pixels: int = pictures.DEFAULT_MAX_PIXELS,
    ) -> Image.Image:
        """Paint ``image`` (a path, bytes, file, PIL image or array) and return a PIL image of the same size.

        ``style`` is a name, a mix such as ``{"a": 0.6, "b": 0.4}`` or "a:0.6,b:0.4" (weights are normalised), or a row.
        ``strength`` 0 is the photo, 1 the style, up to 1.5 overdoes it. ``size`` shrinks the longer side to so many
        pixels first. ``keep_color`` keeps the photo's colours and takes only light and shade from the painting. Alpha
        is carried over.

        ``masks`` gives regions other styles or mixes: to each a grey picture of the photo's size whose values are
        weights, or "alpha" for the photo's own; soft edges are soft transitions, what is left goes to ``style``, and
        masks that add up to more than 1 are divided by their sum. Raises PictureError, StyleNameError, BankError.
        """
        photo = pictures.load(image, max_pixels=max_pixels)
        weights = regions.load(masks or {}, photo)
        painted = self.paint_picture(
            photo.picture, style, strength=strength, size=size, keep_color=keep_color, masks=weights
        )
        return pictures.to_pil(painted, photo.alpha_for(painted))

    def paint_picture(
        self,
        picture: pictures.Picture,
        style: Style,
        *,
        strength: float = 1.0,
        size: int | None = None,
        keep_color: bool = False,
        masks: Mapping[str, pictures.Picture] | None = None,
    ) -> pictures.Picture:
        """``paint`` for those who hold pictures: float32, (h, w, 3), 0..1 in, the same out; masks are (h, w), 0..1."""
        masks = dict(masks or {})
        if size is not None:
            whole, picture = picture, pictures.resize(picture, size)
            masks = {name: _like(mask, whole, picture) for name, mask in masks.items()}
        styles: list[Style] = [style, *masks]
        bank = self.bank_for(picture) if any(_needs_photo(each, strength) for each in styles) else self.bank
        rows = [blend.mix(bank, each, strength=strength) for each in styles]
        if masks:
            painted = self.network.paint_regions(picture, np.stack(rows), regions.stack(list(masks.values())))
        else:
            painted = self.network.paint(picture, rows[0])
        return pictures.keep_color(painted, picture) if keep_color else painted

    def bank_for(self, picture: pictures.Picture) -> Bank:
        """The bank with the ``photo`` row that gives this very picture back; ``blend`` the rows of a photo from it."""
        if PHOTO not in self.bank:
            return self.bank
        own = blend.with_own_tones(self.bank[PHOTO], picture)
        return self.bank.add(PHOTO, own, self.bank.card(PHOTO), replace=True)


def paint(
    image: pictures.Source,
    style: Style,
    *,
    strength: float = 1.0,
    size: int | None = None,
    keep_color: bool = False,
    masks: Mapping[str, regions.Mask] | None = None,
    network: str | os.PathLike[str] = assets.DEFAULT,
    bank: Bank | str | os.PathLike[str] | None = None,
) -> Image.Image:
    """Paint one photo: ``Painter(network, bank=bank).paint(image, style, ...)``; for many, keep a ``Painter`` open."""
    painter = Painter(network, bank=bank)
    return painter.paint(image, style, strength=strength, size=size, keep_color=keep_color, masks=masks)


def _like(mask: pictures.Picture, whole: pictures.Picture, picture: pictures.Picture) -> pictures.Picture:
    """``mask`` (h, w) of the ``whole`` picture at the size of the resized ``picture``."""
    resized = pictures.Photo(whole, mask).alpha_for(picture)
    return mask if resized is None else resized


def _needs_photo(style: Style, strength: float) -> bool:
    return strength != 1 or (not isinstance(style, np.ndarray) and PHOTO in style)


def _files(network: str | os.PathLike[str]) -> tuple[Path, Path]:
    """The network's ONNX file and the bank that lies beside it."""
    path = Path(network)
    if path.suffix == ".onnx":
        return path, path.with_suffix(".safetensors")
    return assets.network_file(str(network)), assets.bank_file(str(network))
