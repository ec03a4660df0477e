"""The photos that come with the page, to begin with."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from impasto.errors import PictureError
from impasto.server.store import UnknownError

PAGE = Path(__file__).parent / "page"
FOLDER = PAGE / "samples"


@cache
def listed() -> list[dict[str, Any]]:
    """Records of them, as ``samples.json`` beside them has it: name, title, credit, width, height."""
    path = FOLDER / "samples.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return found


def read(name: str) -> bytes:
    """The JPEG of one of them; UnknownError for another name."""
    if name not in [each["name"] for each in listed()]:
        raise UnknownError("there is no such sample")
    try:
        return (FOLDER / f"{name}.jpg").read_bytes()
    except OSError as error:
        raise PictureError("the sample is missing from the installation") from error
