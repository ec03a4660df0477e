"""The styles of each network: loaded when they are asked for, described for people, and those that are taught here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from impasto import assets
from impasto.painting import opening, rows
from impasto.server.api import RequestError
from impasto.server.listing import listed
from impasto.server.looks import Wanted
from impasto.server.settings import Kit
from impasto.server.store import Folder
from impasto.styles import strokes
from impasto.styles.bank import PHOTO, Bank
from impasto.styles.names import check_name


class Catalogue:
    """The banks of ``kits``, by the names that recipes have for them."""

    def __init__(self, kits: Mapping[str, Kit], folder: Folder) -> None:
        self._kits, self._folder = kits, folder
        self._banks: dict[str, Bank] = {}
        self._tables: dict[str, tuple[Bank, list[dict[str, Any]]]] = {}

    async def bank(self, network: str) -> Bank:
        """The styles of a network, taught ones too; 404 for a network that is not here."""
        if network not in self._kits:
            known = " or ".join(self._kits)
            raise RequestError(404, "unknown-network", f"there is no network {network[:40]!r} here; take {known}")
        if network not in self._banks:
            self._banks[network] = await asyncio.to_thread(_loaded, self._kits[network])
        return self._banks[network]

    async def styles(self, network: str) -> list[dict[str, Any]]:
        """A record of each style, for people to choose from."""
        bank = await self.bank(network)
        if network not in self._tables or self._tables[network][0] is not bank:
            self._tables[network] = bank, await asyncio.to_thread(listed, bank)
        return self._tables[network][1]

    async def check(self, wanted: Wanted) -> None:
        """Raise what painting would raise for these styles and dials."""
        rows.check(await self.bank(wanted.network), wanted.look(8, 8))

    async def check_free(self, network: str, name: str) -> None:
        """Raise what is wrong with a name for a new style."""
        bank = await self.bank(network)
        check_name(name)
        if name in bank or name == PHOTO:
            raise RequestError(422, "name-taken", f"there is a style {name!r} already; choose another name")

    def add(self, network: str, taught: Bank) -> None:
        """Know more styles from now on."""
        self._banks[network] = self._banks[network].merge(taught, replace=True)

    async def file(self, network: str, name: str) -> bytes:
        """The bytes of a bank's file with one style, in all its stroke sizes."""
        bank = await self.bank(network)
        return await asyncio.to_thread(self.packed, bank.select(strokes.family(bank, name)))

    def packed(self, bank: Bank) -> bytes:
        """The bytes of a bank's file; not in the loop."""
        path = self._folder.new()
        try:
            bank.save(path)
            return path.read_bytes()
        finally:
            path.unlink(missing_ok=True)


def _loaded(kit: Kit) -> Bank:
    own = assets.bank_file(kit.network)
    return opening.with_photo(Bank.load(kit.bank or own), own)
