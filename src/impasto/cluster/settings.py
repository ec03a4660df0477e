"""Who paints, and with what: plain records, which are sent to other machines; no Ray."""

from __future__ import annotations

import os
from dataclasses import dataclass

from impasto import assets, limits
from impasto.limits import Device, Precision, RuntimeName

THREADS = 2  # of an actor, unless something else is asked for
PARTS = "impasto-records"  # the folder of records, in that of the paintings


@dataclass(frozen=True)
class Crew:
    """Who paints. OptionError for a number out of its range.

    ``address`` is that of a running cluster, "HOST:6379", or "auto" on one of its machines; None starts Ray on this
    machine alone. ``actors`` are processes that each keep a painter open, as many as the cores allow if None, and each
    paints with ``threads``. An actor takes ``batch_size`` pictures at once.
    """

    address: str | None = limits.field(None, "A running cluster: HOST:PORT, or auto; default: this machine alone.")
    actors: int | None = limits.field(None, "Processes that paint; default: as many as the cores allow.", limits.ACTORS)
    threads: int = limits.field(THREADS, "Threads of each.", limits.THREADS)
    batch_size: int = limits.field(16, "Pictures that one takes at a time.", limits.BATCH)

    def __post_init__(self) -> None:
        limits.settle(self)


@dataclass(frozen=True)
class Tools:
    """What every actor opens a painter with: the options of ``Painter``. Files must be there on every machine.

    ``max_memory`` (bytes) is that of one actor; None is its share of what its machine has free.
    """

    network: str | os.PathLike[str] = assets.DEFAULT
    bank: str | os.PathLike[str] | None = None
    runtime: RuntimeName = "auto"
    precision: Precision = "auto"
    max_memory: float | None = None
    device: Device = "auto"
