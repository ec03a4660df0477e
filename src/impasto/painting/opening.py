"""Networks and banks that are named, or in files."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from impasto import assets
from impasto.errors import ImpastoError, MismatchError
from impasto.painting.network import Network
from impasto.styles.bank import PHOTO, Bank


def open_bank(file: str | os.PathLike[str], network: Network) -> Bank:
    """The bank in a file, once it belongs to the network."""
    opened = Bank.load(file)
    try:
        opened.check_network(network.fingerprint, network=network.name)
    except MismatchError as error:
        raise MismatchError(f"'{os.fspath(file)}': {error}") from error
    return opened


def with_photo(bank: Bank, own_bank: Path) -> Bank:
    """The bank with the ``photo`` row of the bank beside the network, or of a bank that comes with impasto."""
    for file in (own_bank, *map(assets.bank_file, assets.networks())) if PHOTO not in bank else ():
        with contextlib.suppress(ImpastoError):  # it is no fault of this bank if another cannot be read
            own = Bank.load(file)
            if own.fingerprint == bank.fingerprint and PHOTO in own:
                return bank.merge(own.select([PHOTO]))
    return bank


def network_of(style: str) -> str | None:
    """A network that comes with impasto whose bank has the style; None if there is none."""
    for name in assets.networks():
        with contextlib.suppress(ImpastoError):  # it is no fault of this bank if another cannot be read
            if style in Bank.load(assets.bank_file(name)):
                return name
    return None


def files(network: str | os.PathLike[str]) -> tuple[Path, Path]:
    """The network's ONNX file and the bank beside it."""
    path = Path(network)
    if path.suffix == ".onnx":
        return path, path.with_suffix(".safetensors")
    return assets.network_file(str(network)), assets.bank_file(str(network))
