"""The styles of each network: loaded when they are asked for, described for people, and those that are made here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from impasto import assets
from impasto.painting import opening, rows
from impasto.server.api import RequestError
from impasto.server.listing import listed
from impasto.server.looks import Wanted
from impasto.server.own import OwnStyles
from impasto.server.settings import Kit
from impasto.server.store import Folder
from impasto.styles import strokes
from impasto.styles.bank import PHOTO, Bank, Card, Floats
from impasto.styles.names import check_name


class Catalogue:
    """The banks of ``kits``, by the names that recipes have for them, and ``own`` styles, which strangers do not see.

    With ``shows`` there are no strangers: lists have all of them.
    """

    def __init__(self, kits: Mapping[str, Kit], folder: Folder, own: OwnStyles, *, shows: bool) -> None:
        self._kits, self._folder, self._own, self._shows = kits, folder, own, shows
        self._banks: dict[str, Bank] = {}
        self._tables: dict[str, tuple[int, list[dict[str, Any]]]] = {}

    async def bank(self, network: str) -> Bank:
        """The styles that a network came with; 404 for a network that is not here."""
        if network not in self._kits:
            known = " or ".join(self._kits)
            raise RequestError(404, "unknown-network", f"there is no network {network[:40]!r} here; take {known}")
        if network not in self._banks:
            self._banks[network] = await asyncio.to_thread(_loaded, self._kits[network])
        return self._banks[network]

    async def styles(self, network: str) -> list[dict[str, Any]]:
        """A record of each style, for people to choose from."""
        bank, changes = await self.bank(network), self._own.changes if self._shows else 0
        if network not in self._tables or self._tables[network][0] != changes:
            own = self._own.all(network) if self._shows else None
            names = () if own is None else own.names
            table = await asyncio.to_thread(listed, bank if own is None else bank.merge(own))
            self._tables[network] = changes, [{**style, "own": style["name"] in names} for style in table]
        return self._tables[network][1]

    async def check(self, wanted: Wanted) -> Wanted:
        """The same with the ``own`` styles that it names; raises what painting would raise for styles and dials."""
        bank, own = await self._with(wanted.network, wanted.names)
        rows.check(bank, wanted.look(8, 8))
        return replace(wanted, own=own)

    async def _with(self, network: str, names: set[str]) -> tuple[Bank, Bank | None]:
        """The styles of a network together with those of ``names`` that are its own ones; and these alone."""
        bank = await self.bank(network)
        own = self._own.bank(network, names.difference(bank.names))
        return bank if own is None else bank.merge(own), own

    async def check_free(self, network: str, name: str) -> None:
        """Raise what is wrong with a name for a new style."""
        bank = await self.bank(network)
        check_name(name)
        if name in bank or name == PHOTO or self._own.taken(network, name):
            raise RequestError(422, "name-taken", f"there is a style {name!r} already; choose another name")

    async def add(self, network: str, name: str, row: Floats, card: Card) -> Bank:
        """Know one style more from now on: a bank of it alone."""
        made = (await self.bank(network)).add(name, row, card).select([name])
        self._own.add(network, made)
        return made

    async def file(self, network: str, name: str) -> bytes:
        """The bytes of a bank's file with one style, in all its stroke sizes."""
        bank, _ = await self._with(network, {name})
        return await asyncio.to_thread(self._packed, bank.select(strokes.family(bank, name)))

    def _packed(self, bank: Bank) -> bytes:
        path = self._folder.new()
        try:
            bank.save(path)
            return path.read_bytes()
        finally:
            path.unlink(missing_ok=True)


def _loaded(kit: Kit) -> Bank:
    own = assets.bank_file(kit.network)
    return opening.with_photo(Bank.load(kit.bank or own), own)
