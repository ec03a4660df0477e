"""Networks and banks that are named, or in files."""

from __future__ import annotations

import contextlib
import os
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from impasto import assets
from impasto.errors import ImpastoError, MismatchError
from impasto.painting.network import Network
from impasto.styles.bank import PHOTO, Bank

Where: TypeAlias = str | os.PathLike[str]

FIRST = {"fast": "full"}  # networks that another one makes the first pass for, which composes better


class Opened:
    """An open network and the styles that it paints in; ``options`` are those of ``Network``."""

    def __init__(self, network: Where, bank: Bank | Where | None, **options: Any) -> None:
        file, self._beside = assets.network_file(network), assets.bank_file(network)
        self.network = Network(file, **options)
        self.bank = bank if isinstance(bank, Bank) else self._bank_in(bank or self._beside)
        first = FIRST.get(os.fspath(network))
        taken = {name: getattr(self.network, name) for name in ("runtime", "precision", "device")}
        taken["threads"] = options["threads"]
        # How to open a painter of the network that makes the first pass for it; empty where there is none.
        self.composer: dict[str, Any] = {"network": first, **taken} if first in assets.networks() else {}

    @property
    def bank(self) -> Bank:
        """The styles, with ``photo`` if it can be had; to set one of another network is a MismatchError."""
        return self._bank

    @bank.setter
    def bank(self, bank: Bank) -> None:
        network = self.network
        bank.check_network(network.fingerprint, network=network.name)
        if bank.rows.shape[1] != network.row_size:
            raise MismatchError(
                f"the rows of the bank have {bank.rows.shape[1]} numbers and those of network {network.name!r} "
                f"{network.row_size}; use the bank that came with the network"
            )
        self._bank = with_photo(bank, self._beside)

    @cached_property
    def own(self) -> Bank:
        """The bank that came with the network."""
        return Bank.load(self._beside)

    def _bank_in(self, file: Where) -> Bank:
        """The bank in a file, once it belongs to the network."""
        opened = Bank.load(file)
        try:
            opened.check_network(self.network.fingerprint, network=self.network.name)
        except MismatchError as error:
            raise MismatchError(f"'{os.fspath(file)}': {error}") from error
        return opened


def with_photo(bank: Bank, beside: Path) -> Bank:
    """The bank with the ``photo`` row of the bank beside the network, or of a bank that comes with impasto."""
    for file in (beside, *map(assets.bank_file, assets.networks())) if PHOTO not in bank else ():
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
