"""The door to Ray: the only place that imports it, silent, and ended if it was started here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from impasto.cluster.ledger import Ledger
from impasto.cluster.settings import Crew
from impasto.errors import ClusterError, MissingExtraError, brief, foreign
from impasto.painting.runtimes import cores

STORE = 2**28  # bytes of memory for Ray's objects on this machine: rows and records, never pictures
LOOPBACK = "127.0.0.1"


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
def connected(crew: Crew) -> Iterator[int]:
    """Inside, Ray runs: yields how many actors there are to be. What was running before goes on afterwards.

    ClusterError where no cluster answers.
    """
    found = ray()
    if found.is_initialized():
        yield _actors(crew, found)
        return
    with foreign(lambda error: ClusterError(_why(crew, error))):
        if crew.address is None:
            _start(crew, found)
        else:
            found.init(address=crew.address, log_to_driver=False, logging_level="ERROR")
    try:
        yield _actors(crew, found)
    finally:
        found.shutdown()


def _start(crew: Crew, ray: Any) -> None:
    actors = crew.actors or max(1, cores() // crew.threads)
    ray.init(
        num_cpus=actors * crew.threads + 1,  # one more, which reads lists
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        object_store_memory=STORE,
        _node_ip_address=LOOPBACK,  # else Ray asks the way to an address in the internet for its own
    )


def _actors(crew: Crew, ray: Any) -> int:
    """As many as are asked for, or as the cores allow that Ray knows of."""
    return crew.actors or max(1, int(ray.cluster_resources().get("CPU", 1)) // crew.threads)


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
