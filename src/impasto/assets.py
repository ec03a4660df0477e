"""What comes with the package: its version, networks and banks, a name to a file, and a photo to begin with."""

from __future__ import annotations

import os
from pathlib import Path

from impasto.errors import NetworkError

__version__ = "0.1.0"

FOLDER = Path(__file__).parent / "data"
DEFAULT = "full"
DEMO = FOLDER / "demo.jpg"  # the cat of scikit-image: Stéfan van der Walt, CC0

LOSS_NETWORK = FOLDER / "unseen" / "vgg19.onnx"  # VGG-19 to relu4_1: Simonyan and Zisserman, CC BY 4.0
SAMPLES = tuple((FOLDER.parent / "server" / "page" / "samples" / f"{name}.jpg") for name in ("astronaut", "coffee"))
SAMPLES += (DEMO,)  # photos that rows are tried on


def networks() -> list[str]:
    """Names of the networks that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.onnx"))


def network_file(network: str | os.PathLike[str] = DEFAULT) -> Path:
    """The ONNX file of a network: of one of ours by its name (NetworkError if there is none), or itself, *.onnx."""
    path = Path(network)
    return path if path.suffix == ".onnx" else _file(str(network), ".onnx")


def bank_file(network: str | os.PathLike[str] = DEFAULT) -> Path:
    """The style bank of a network of ours, NetworkError if there is none of that name, or the one beside *.onnx."""
    path = Path(network)
    return path.with_suffix(".safetensors") if path.suffix == ".onnx" else _file(str(network), ".safetensors")


def predictor_file(network: str | os.PathLike[str] = DEFAULT) -> Path | None:
    """What predicts rows for a network of ours, or for *.onnx the *-predictor.safetensors beside it; None without."""
    path = Path(network)
    ours = FOLDER / "unseen" / f"{network}.safetensors"
    found = path.with_name(f"{path.stem}-predictor.safetensors") if path.suffix == ".onnx" else ours
    return found if found.is_file() else None


def _file(name: str, suffix: str) -> Path:
    if name not in networks():
        raise NetworkError(f"impasto comes with no network {name!r}; it has {', '.join(networks()) or 'none'}")
    return FOLDER / f"{name}{suffix}"
