"""What comes with the package: its version, networks and banks, a name to a file, and a photo to begin with."""

from __future__ import annotations

from pathlib import Path

from impasto.errors import NetworkError

__version__ = "0.1.0"

FOLDER = Path(__file__).parent / "data"
DEFAULT = "full"
DEMO = FOLDER / "demo.jpg"  # the cat of scikit-image: Stéfan van der Walt, CC0


def networks() -> list[str]:
    """Names of the networks that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.onnx") if not path.stem.endswith("-regions"))


def network_file(name: str = DEFAULT) -> Path:
    """The ONNX file of the network ``name``; NetworkError if there is none of that name."""
    return _file(name, ".onnx")


def bank_file(name: str = DEFAULT) -> Path:
    """The style bank of the network ``name``; NetworkError if there is none of that name."""
    return _file(name, ".safetensors")


def _file(name: str, suffix: str) -> Path:
    if name not in networks():
        raise NetworkError(f"impasto comes with no network {name!r}; it has {', '.join(networks()) or 'none'}")
    return FOLDER / f"{name}{suffix}"
