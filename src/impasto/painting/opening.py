"""Networks and banks that are named, or in files."""

from __future__ import annotations

import contextlib
import copy
import os
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from impasto import assets, pictures
from impasto.errors import BankError, ImpastoError, MismatchError
from impasto.painting import runtimes
from impasto.painting.network import Network
from impasto.painting.tiles import compile_cache
from impasto.styles.bank import PHOTO, Bank, Card
from impasto.styles.names import check_name, slug_of

if TYPE_CHECKING:
    from impasto.styles.unseen.likeness import Likeness

Where: TypeAlias = str | os.PathLike[str]
Floats: TypeAlias = npt.NDArray[np.float32]

FIRST = {"fast": "full"}  # networks that another one makes the first pass for, which composes better


class Opened:
    """An open network and the styles that it paints in; ``options`` are those of ``Network``."""

    def __init__(self, network: Where, bank: Bank | Where | None, **options: Any) -> None:
        file, self._beside = assets.network_file(network), assets.bank_file(network)
        self._file, self._predictor = file, assets.predictor_file(network)
        self.network = Network(file, **options)
        self.bank = bank if isinstance(bank, Bank) else self._bank_in(bank or self._beside)
        self._likeness: Likeness | None = None
        self._making = threading.Lock()
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

    def knowing(self, more: Bank) -> Self:
        """The same, open just once, which knows the styles of ``more`` as well: for one painting among many."""
        found = copy.copy(self)
        found.bank = self.bank.merge(more, replace=True)
        return found

    @cached_property
    def own(self) -> Bank:
        """The bank that came with the network."""
        return Bank.load(self._beside)

    def row(self, painting: pictures.Photo | pictures.Source, *, steps: int | None = None) -> Floats:
        """A row (R,) for a ``painting`` that nothing was trained on: paint with it as with any other row.

        ``painting`` is whatever can be read as a picture. The row depends on the network and the bank that came with
        it alone, not on what else ``bank`` has. Takes some seconds: the row is moved towards the painting by
        ``steps``, as many as are good by default; more are better. Needs no torch. PictureError for a painting below 64
        pixels or of one colour, NetworkError where OpenVINO does not run.
        """
        with self._making:
            if self._likeness is None:
                self._likeness = self._new_likeness()
            return self._likeness.row(painting, steps=steps)

    def add(
        self, painting: pictures.Photo | pictures.Source, name: str | None = None, *, steps: int | None = None
    ) -> str:
        """Find a ``row`` for a painting and put it into ``bank``; returns its name there, for mixes and masks.

        That is by default the name of its file, as a slug. In this painter's bank it takes the place of a style of the
        same name. BankError for a name that is no slug.
        """
        name = slug_of(getattr(painting, "name", painting)) if name is None else name
        check_name(name)
        if name == PHOTO:
            raise BankError(f"{name!r} is the style that gives the photo back; choose another name")
        self.bank = self.bank.add(name, self.row(painting, steps=steps), Card("", name, "", "", ""), replace=True)
        return name

    def _new_likeness(self) -> Likeness:
        from impasto.styles.unseen import backward, search
        from impasto.styles.unseen.likeness import Likeness
        from impasto.styles.unseen.predictor import Predictor

        network = self.network
        options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": network.precision, "PERFORMANCE_HINT": "LATENCY"}
        options |= {"INFERENCE_NUM_THREADS": network.threads}
        wanted = runtimes.Wanted(network.runtime, network.threads, network.precision)
        session = runtimes.open(assets.LOSS_NETWORK, wanted).session
        predictor = None if self._predictor is None else Predictor.load(self._predictor)

        def compile(make: Callable[[], Any], what: str, network: Path, eye: Path, *key: str) -> Any:
            code = Path(backward.__file__), Path(search.__file__)
            return compile_cache.compiled(make, options, what, compile_cache.digest_of(network, eye, *code), *key)

        bank = self.bank
        with contextlib.suppress(ImpastoError):  # a network may have come without one
            bank = self.own if self.own.fingerprint == bank.fingerprint else bank
        return Likeness(self._file, bank, session, compile if network.runtime == "openvino" else None, predictor)

    def _bank_in(self, file: Where) -> Bank:
        """The bank in a file, once it belongs to the network."""
        opened = Bank.load(file)
        try:
            opened.check_network(self.network.fingerprint, network=self.network.name)
        except MismatchError as error:
            raise MismatchError(f"'{os.fspath(file)}': {error}") from error
        return opened

    def _repr_html_(self) -> str:
        """What a notebook shows of it: its network, and its styles as a table."""
        head = f"network <b>{self.network.name}</b>, {self.network.precision}, {self.network.runtime}"
        return f"<p>impasto.Painter: {head}</p>{self.bank._repr_html_()}"


def with_photo(bank: Bank, beside: Path) -> Bank:
    """The bank with the ``photo`` row of the bank beside the network, or of a bank that comes with impasto."""
    for file in (beside, *map(assets.bank_file, assets.networks())) if PHOTO not in bank else ():
        with contextlib.suppress(ImpastoError):  # it is no fault of this bank if another cannot be read
            own = Bank.load(file)
            if own.fingerprint == bank.fingerprint and PHOTO in own:
                return bank.merge(own.select([PHOTO]))
    return bank


def elsewhere(style: str, bank: Bank) -> str:
    """Where a style is that a bank has not: the end of a sentence, "" where no network that comes with it has it."""
    found = []
    for name in assets.networks():
        with contextlib.suppress(ImpastoError):  # it is no fault of this bank if another cannot be read
            other = Bank.load(assets.bank_file(name))
            if style in other and other.fingerprint == bank.fingerprint:
                return f"; the bank that came with {name!r} has it: impasto styles add puts both into one"
            found += [name] * (style in other)
    return f"; the network {found[0]!r} has it" if found else ""
