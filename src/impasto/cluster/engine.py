"""The door to Ray: the only place that imports it, silent, and ended if it was started here."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from impasto.cluster import places
from impasto.cluster.ledger import Ledger
from impasto.cluster.manifest import COLUMNS, Work
from impasto.cluster.settings import Crew
from impasto.errors import ClusterError, MissingExtraError, brief, foreign
from impasto.painting.runtimes import cores

STORE = 2**28  # bytes of memory for Ray's objects on this machine: rows and records, never pictures
LOOPBACK = "127.0.0.1"
READING = 1  # cores for what reads lists: if actors held all there are, Ray would wait for them for ever
LOOKED_FOR = 1_024  # paintings at once


def ray() -> Any:
    """Ray with its reports off; MissingExtraError where it is not installed."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read when Ray is started
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{error.name} is not installed: pip install 'impasto[cluster]'") from error
    return ray


@contextmanager
def connected(crew: Crew) -> Iterator[Crew]:
    """Inside, Ray runs: yields the crew with its number of actors. What was running before goes on afterwards.

    ClusterError where no cluster answers.
    """
    found = ray()
    if found.is_initialized():
        yield _counted(crew, found)
        return
    if crew.address is None and crew.actors is None:
        crew = dataclasses.replace(crew, actors=max(1, cores() // crew.threads))
    with foreign(lambda error: ClusterError(_why(crew, error))), _signals_kept():
        if crew.address is None:
            _start(crew, found)
        else:
            found.init(address=crew.address, log_to_driver=False, logging_level="ERROR")
    try:
        yield _counted(crew, found)
    finally:
        found.shutdown()


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray lets SIGTERM end the process in a way of its own, with no word of what was done."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _start(crew: Crew, ray: Any) -> None:
    ray.init(
        num_cpus=(crew.actors or 1) * crew.threads + READING,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        object_store_memory=STORE,
        _node_ip_address=LOOPBACK,  # else Ray asks the way to an address in the internet for its own
    )


def _counted(crew: Crew, ray: Any) -> Crew:
    """With as many actors as are asked for, or as the cores allow that Ray knows of; ClusterError for too few."""
    known = int(ray.cluster_resources().get("CPU", 0))
    if known < crew.threads + READING:
        raise ClusterError(f"the cluster has {known} cores; an actor takes {crew.threads} (--threads), reading {READING}")
    return dataclasses.replace(crew, actors=crew.actors or (known - READING) // crew.threads)


def _why(crew: Crew, error: Exception) -> str:
    if crew.address is None:
        return f"Ray cannot be started on this machine ({brief(error)})"
    return f"no cluster answers at {crew.address} ({brief(error)}); start one with ray start --head, or leave it out"


class Asked:
    """The ledger of a job, in an actor on the machine that began it; to be sent to other processes."""

    def __init__(self) -> None:
        found = ray()
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(found.get_runtime_context().get_node_id(), soft=False)
        self._actor = found.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Ledger)
        self._actor = self._actor.options(scheduling_strategy=here).remote()

    def enter(self, pictures: Sequence[str]) -> list[int]:
        found: list[int] = ray().get(self._actor.enter.remote(list(pictures)))
        return found

    def begin(self, picture: str) -> None:
        ray().get(self._actor.begin.remote(picture))

    def leave(self, pictures: Sequence[str]) -> None:
        ray().get(self._actor.leave.remote(list(pictures)))


def flow(
    work: Work, output: str, actor: Callable[..., Any], arguments: Sequence[Any], crew: Crew, memory: float | None
) -> Iterator[Any]:
    """Rows through actors, which are made of ``arguments``: tables of what they answer, as they come.

    Rows whose painting is there are dropped in large blocks, before an actor sees them. An actor gets blocks of a
    batch's size, and Ray gives what it had in hand when it died to the one that takes its place. ``memory`` (bytes)
    is what each needs.
    """
    data = ray().data
    rows = _read(work).map_batches(_unfinished, fn_args=(output,), batch_size=LOOKED_FOR, batch_format="pyarrow")
    done = rows.repartition(target_num_rows_per_block=crew.batch_size).map_batches(
        actor,
        fn_constructor_args=tuple(arguments),
        batch_size=None,
        batch_format="pyarrow",
        compute=data.ActorPoolStrategy(min_size=1, max_size=crew.actors),
        num_cpus=crew.threads,
        memory=memory,
    )
    yield from done.iter_batches(batch_size=None, batch_format="pyarrow")


def _read(work: Work) -> Any:
    """The rows as a data set of Ray's; a file is read bit by bit."""
    data = ray().data
    if not work.file:
        return data.from_arrow(work.table)
    store, path = places.opened(work.file) if places.is_address(work.file) else (None, work.file)
    return data.read_parquet(path, filesystem=store)


def _unfinished(rows: Any, output: str) -> Any:
    """The rows whose paintings are not there."""
    found = places.there([places.resolved(output, each) for each in rows["target"].to_pylist()])
    return rows.select(COLUMNS).filter([not each for each in found])
