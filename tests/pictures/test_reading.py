"""What reading makes of errors: those of files become sentences, our own stay what they are."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from impasto import pictures
from impasto.errors import PictureError
from impasto.pictures import arrays, color

PHOTO = np.zeros((4, 5, 3), np.uint8)


def test_our_own_faults_are_not_blamed_on_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A TypeError or AttributeError raised in impasto's own code passes; one of Pillow's is a damaged file."""
    monkeypatch.setattr(color, "in_srgb", None)
    with pytest.raises(TypeError):
        pictures.load(Image.fromarray(PHOTO))
    monkeypatch.undo()

    def broken(image: Image.Image) -> None:
        raise TypeError("an unsupported thing")

    monkeypatch.setattr(Image.Image, "load", broken)
    with pytest.raises(PictureError, match="TypeError: an unsupported thing") as caught:
        pictures.load(Image.fromarray(PHOTO))
    assert isinstance(caught.value.__cause__, TypeError)


def test_arrays_that_do_not_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Running out of memory is a sentence, for arrays as for files."""

    def exhausted(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(arrays, "as_pixels", exhausted)
    for source in (PHOTO, Image.fromarray(PHOTO)):
        with pytest.raises(PictureError, match="does not fit into memory"):
            pictures.load(source)
