"""The door to Ray: the only place that imports it, silent, and ended if it was started here."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from impasto.cluster import places
from impasto.cluster.ledger import Ledger
from impasto.cluster.manifest import COLUMNS, Work
from impasto.cluster.settings import Crew
from impasto.errors import ClusterError, MissingExtraError, brief, foreign
from impasto.painting.sessions import cores

STORE = 2**28  # bytes of memory for Ray's objects on this machine: rows and records, never pictures
LOOPBACK = "127.0.0.1"
SHORT = "/tmp"
READING = 1  # cores for what reads lists: if actors held all there are, Ray would wait for them for ever
LOOKING = 0.5  # of a core, to look for paintings; no whole one, or Ray makes one step of that and of painting
LOOKED_FOR = 1_024  # paintings at once


def check() -> None:
    """MissingExtraError where Ray is not installed; it is not imported for that, which takes seconds."""
    if importlib.util.find_spec("ray") is None:
        raise MissingExtraError("ray is not installed: pip install 'impasto[cluster]'")


def ray(*, alone: bool = False) -> Any:
    """Ray with its reports off; MissingExtraError where it is not installed.

    ``alone``: on this machine, where it listens on loopback only. That is settled when Ray is first imported. Else it
    listens for others, and asks the way to an address in the internet to learn its own.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read when Ray is started
    if alone:
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its own news, on standard error
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
    found = ray(alone=crew.address is None)
    if found.is_initialized():
        yield _counted(crew)
        return
    if crew.address is None and crew.actors is None:
        crew = dataclasses.replace(crew, actors=max(1, cores() // crew.threads))
    with _folder() as folder:
        with foreign(lambda error: ClusterError(_why(crew, error))), _signals_kept(), _muted():
            if crew.address:
                found.init(address=crew.address, log_to_driver=False, logging_level="ERROR")
            else:
                _start(crew, folder, found)
        try:
            yield _counted(crew)
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


@contextmanager
def _muted() -> Iterator[None]:
    """That it was told to be silent Ray says on standard error, past Python."""
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


@contextmanager
def _folder() -> Iterator[str]:
    """A folder for Ray's logs and sockets, whose paths must be short; nothing of it stays."""
    with tempfile.TemporaryDirectory(
        prefix="impasto-", dir=SHORT if os.path.isdir(SHORT) else None, ignore_cleanup_errors=True
    ) as folder:
        yield folder


def _start(crew: Crew, folder: str, ray: Any) -> None:
    """Start Ray on this machine, without the server of its dashboard.

    That one asks the metadata services of three clouds where it is, even with the reports off; nothing here needs it.
    """
    services = ray._private.services
    server, services.start_api_server = services.start_api_server, lambda *_, **__: (None, None)
    try:
        ray.init(
            num_cpus=(crew.actors or 1) * crew.threads + READING,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            object_store_memory=STORE,
            _temp_dir=folder,
            _node_ip_address=LOOPBACK,
        )
    finally:
        services.start_api_server = server


def _counted(crew: Crew) -> Crew:
    """With as many actors as are asked for, or as the cores allow that Ray knows of; ClusterError for too few."""
    fitting = (known := _cores()) - READING
    if fitting < crew.threads:
        raise ClusterError(
            f"the cluster has {known} cores; an actor takes {crew.threads} (--threads), reading {READING}"
        )
    return dataclasses.replace(crew, actors=crew.actors or fitting // crew.threads)


def _at_first(crew: Crew) -> int:
    """How many actors there are room for now; Ray adds more, one by one, if there come to be more cores."""
    return max(1, min(crew.actors or 1, (_cores() - READING) // crew.threads))


def _cores() -> int:
    return int(ray().cluster_resources().get("CPU", 0))


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
    with data.DataContext.current(_quietly(data.DataContext.get_current().copy())):
        rows = _read(work).map_batches(
            _unfinished, fn_args=(output, os.getcwd()), batch_size=LOOKED_FOR, batch_format="pyarrow", num_cpus=LOOKING
        )
    done = rows.repartition(target_num_rows_per_block=crew.batch_size).map_batches(
        actor,
        fn_constructor_args=tuple(arguments),
        batch_size=None,
        batch_format="pyarrow",
        compute=data.ActorPoolStrategy(min_size=1, max_size=crew.actors, initial_size=_at_first(crew)),
        num_cpus=crew.threads,
        memory=memory,
    )
    yield from done.iter_batches(batch_size=None, batch_format="pyarrow")


def _quietly(context: Any) -> Any:
    context.enable_progress_bars = context.print_on_execution_start = False
    return context


def _read(work: Work) -> Any:
    """The rows as a data set of Ray's; a file is read bit by bit."""
    data = ray().data
    if not work.file:
        return data.from_arrow(work.table)
    store, path = places.opened(work.file) if places.is_address(work.file) else (None, work.file)
    return data.read_parquet(path, filesystem=store)


def _unfinished(rows: Any, output: str, start: str) -> Any:
    """The rows whose paintings are not there; paths of sources go from the folder ``start``."""
    import pyarrow as pa

    sources, targets = ([str(each) for each in rows[column].to_pylist()] for column in COLUMNS)
    found = places.there([places.resolved(output, each) for each in targets])
    sources = [places.resolved(start, each) for each in sources]
    text = pa.table({"source": pa.array(sources, pa.string()), "target": pa.array(targets, pa.string())})
    return text.filter([not each for each in found])
