"""The bytes of a bank's file: its JSON object, its rows, its checksum. See docs/bank-file.md."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from safetensors import deserialize

from impasto.errors import BankError

T = TypeVar("T")
FORMAT = 1  # a reader refuses a higher number, so it rises only when older readers would misread the file
KEY = "impasto_bank"  # One metadata key: safetensors writes several in random order, and equal banks are equal bytes.
CHECKSUM = "sha256"  # key of the JSON object, its first
BLANK = "0" * 64  # takes the checksum's place while it is computed
DTYPES = {"F32": "<f4", "F16": "<f2"}
HEADER_LIMIT = 1 << 24  # bytes; ten thousand cards fit, and a stray video is refused before it is read


def digest_of(head: str, rows: npt.NDArray[Any]) -> str:
    """The checksum of a file: of its JSON object with 64 zeros in the checksum's place, and of the rows' bytes."""
    digest = hashlib.sha256(head.encode())
    digest.update(np.ascontiguousarray(rows).data)
    return digest.hexdigest()


def check_digest(text: str, head: dict[str, Any], rows: npt.NDArray[Any]) -> None:
    """BankError if a file with a checksum is not what was written; older files have none."""
    if CHECKSUM not in head:
        return
    written = field_of(head, CHECKSUM, str)
    if digest_of(text.replace(written, BLANK, 1), rows) != written:
        raise BankError("it is damaged: its checksum is not that of its contents; copy it here again")


def read_head(header: bytes) -> tuple[str, dict[str, Any]]:
    """The JSON object of a safetensors header, as text and read."""
    metadata = _read_object(header.decode()).get("__metadata__")
    if not isinstance(metadata, dict) or not isinstance(metadata.get(KEY), str):
        raise BankError("it is a safetensors file without styles; choose a bank or a style file of impasto")
    head = _read_object(metadata[KEY])
    version = field_of(head, "format", int)
    if version > FORMAT:
        raise BankError(f"it has format {version}, and this impasto reads up to {FORMAT}; upgrade impasto")
    return metadata[KEY], head


def _read_object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("a list or number where a JSON object belongs")
    return value


def read_rows(data: bytes) -> npt.NDArray[Any]:
    """The rows as they are stored, float32 or float16."""
    tensors = dict(deserialize(data))  # type: ignore[no-untyped-call]
    if "rows" not in tensors or tensors["rows"]["dtype"] not in DTYPES:
        raise BankError("it has no tensor 'rows' of float32 or float16 numbers; copy it here again")
    tensor = tensors["rows"]
    return np.frombuffer(tensor["data"], DTYPES[tensor["dtype"]]).reshape(tensor["shape"])


def field_of(head: dict[str, Any], key: str, kind: type[T]) -> T:
    value = head.get(key)
    if not isinstance(value, kind):
        raise BankError(f"its {key!r} is missing or damaged; copy it here again")
    return value
