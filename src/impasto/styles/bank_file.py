"""A bank's file: its JSON object, its rows, its checksum. See docs/bank-file.md.

Of the banks that come with impasto it knows where they are, to hold older files against them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save as serialize

from impasto import assets
from impasto.errors import BankError, brief
from impasto.files import write_atomically

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


@contextmanager
def opened(source: str | os.PathLike[str] | bytes) -> Iterator[BinaryIO]:
    """A bank's file, or its bytes, to read; whatever is wrong with it is a BankError that names it."""
    if not isinstance(source, (str, os.PathLike, bytes)):
        raise BankError(f"a bank is read from a file's path or bytes, not from a {type(source).__name__}")
    label = "the bank" if isinstance(source, bytes) else f"'{os.fspath(source)}'"
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:
            yield file
    except OSError as error:
        raise BankError(f"{label} cannot be read: {error.strerror or error}; check the path") from error
    except BankError as error:
        raise BankError(f"{label} cannot be used as a style bank: {error}") from error
    except (SafetensorError, ValueError, RecursionError) as error:
        raise BankError(f"{label} is damaged or not a style bank; copy it here again ({brief(error)})") from error
    except MemoryError as error:
        raise BankError(f"{label} does not fit into memory; choose a smaller file of styles") from error


def read(file: BinaryIO) -> tuple[dict[str, Any], npt.NDArray[Any]]:
    """The JSON object, and the rows (N, R) as they are stored, float32 or float16; they are what was written."""
    size = file.read(8)
    length = int.from_bytes(size, "little")
    if len(size) < 8 or not 0 < length <= HEADER_LIMIT:
        raise BankError("it is not a safetensors file; choose a bank or a style file of impasto")
    header = file.read(length)
    text, head = read_head(header)  # first, so that a large file of another kind is not read to its end
    rows = read_rows(size + header + file.read())
    if CHECKSUM in head:  # older files have none
        written = field_of(head, CHECKSUM, str)
        if digest_of(text.replace(written, BLANK, 1), rows) != written:
            raise BankError("it is damaged: its checksum is not that of its contents; copy it here again")
    return head, rows


def write(path: str | os.PathLike[str], head: dict[str, Any], rows: npt.NDArray[Any], *, overwrite: bool) -> None:
    """Write a bank's file; BankError where that cannot be."""
    label = f"'{os.fspath(path)}'"
    if os.path.lexists(path) and not overwrite:
        raise BankError(f"{label} exists already; choose another name, or overwrite it (--force)")
    try:  # the checksum is the first key, so that nothing before it can look like it
        text = json.dumps({CHECKSUM: BLANK, "format": FORMAT, **head}, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise BankError(f"a card or meta holds what JSON cannot; use text and finite numbers ({error})") from error
    text = text.replace(BLANK, digest_of(text, rows.astype(rows.dtype.newbyteorder("<"), copy=False)), 1)
    data = serialize({"rows": rows}, {KEY: text})
    if int.from_bytes(data[:8], "little") > HEADER_LIMIT:
        raise BankError(f"the cards and meta take more than {HEADER_LIMIT >> 20} MB; shorten meta")
    try:
        write_atomically(path, data)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BankError(f"{label} cannot be written: {reason}; check the folder and its rights") from error


def check_old(head: dict[str, Any], rows: npt.NDArray[np.float32]) -> None:
    """BankError if a row of a file without a checksum is that of a bank that comes with impasto but for a few numbers.

    They are compared as float16, which ours are stored as. A style that was taught anew has other numbers nearly
    everywhere, even where they do nothing for most pictures.
    """
    network = head["network"]
    if CHECKSUM in head or network not in assets.networks() or not assets.bank_file(network).is_file():
        return
    known, values = _shipped(assets.bank_file(network))
    if known["fingerprint"] != head["fingerprint"] or values.shape[1] != rows.shape[1]:
        return
    own = dict(zip(known["names"], values.astype(np.float16), strict=True))
    for name, row in zip(head["names"], rows.astype(np.float16), strict=True):
        other = np.count_nonzero(row.view(np.uint16) != own.get(name, row).view(np.uint16))
        if 0 < other < row.size / 2:
            raise BankError(
                f"the row of {name!r} is damaged: it differs from the one that comes with {network!r} in {other} of "
                f"{row.size} numbers; copy it here again"
            )


@lru_cache(maxsize=4)
def _shipped(path: Path) -> tuple[dict[str, Any], npt.NDArray[np.float32]]:
    with open(path, "rb") as file:
        head, rows = read(file)
    return head, rows.astype(np.float32)


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
