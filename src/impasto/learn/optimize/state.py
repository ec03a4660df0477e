"""The state of an optimisation in a file, which is always whole: reading and writing it."""

from __future__ import annotations

import json
import os
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from impasto import limits
from impasto.errors import LearnError
from impasto.files import write_atomically

VERSION = 1
DAMAGED = OSError, KeyError, TypeError, ValueError, AttributeError, RuntimeError, SafetensorError

Tensors = dict[str, torch.Tensor]


def write(path: str | os.PathLike[str], tensors: Tensors, identity: dict[str, Any], progress: dict[str, Any]) -> None:
    """Write tensors, what they belong to (``settings`` and cards of the ``scene``), and how far it is, as JSON has it.

    LearnError where it cannot be written.
    """
    meta = {"version": VERSION, **identity, **progress}
    here = {name: value.cpu().clone() for name, value in tensors.items()}
    try:
        write_atomically(path, save(here, {"impasto_state": json.dumps(meta)}))
    except OSError as error:
        raise LearnError(f"{path} cannot be written ({error.strerror})") from error


def read(
    path: str | os.PathLike[str], identity: dict[str, Any], device: torch.device
) -> tuple[dict[str, Any], Tensors]:
    """What was written, the tensors on the device; LearnError if it is none, or of other settings or pictures."""
    try:
        with safe_open(path, "pt") as file:
            meta = json.loads(file.metadata()["impasto_state"])
            tensors = {name: _moved(file.get_tensor(name), device) for name in file.keys()}  # noqa: SIM118
        mine = json.loads(json.dumps([identity["settings"], _hashes(identity["scene"])]))
        meta["settings"]["precision"] = limits.PRECISION.parse(meta["settings"]["precision"])
        if meta["version"] != VERSION or [meta["settings"], _hashes(meta["scene"])] != mine:
            raise LearnError(f"{path} belongs to other settings or pictures; give them again, or start without it")
    except DAMAGED as error:
        raise unreadable(path, error) from error
    return meta, tensors


def unreadable(path: str | os.PathLike[str], error: Exception) -> LearnError:
    """What to raise for a file that is damaged."""
    return LearnError(f"{path} is no state of an optimisation that can be read: {error}")


def is_state(path: str | os.PathLike[str]) -> bool:
    """Whether a file is what ``write`` wrote."""
    try:
        with safe_open(path, "pt") as file:
            return "impasto_state" in (file.metadata() or {})
    except (OSError, SafetensorError):
        return False


def _moved(value: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor where it belongs: planes to the device; numbers are float64, which MPS has not.

    It is a copy, because the file's own memory is aligned to 8 bytes only, and the last bit of a dot product depends
    on the alignment.
    """
    return value.clone() if value.dtype == torch.float64 else value.to(device, copy=True)


def _hashes(cards: dict[str, list[dict[str, str]]]) -> dict[str, list[str]]:
    return {kind: [card["sha256"] for card in listed] for kind, listed in cards.items()}
