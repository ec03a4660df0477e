"""What a server counts, as Prometheus reads it. Labels are routes, never addresses, names or ids."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)  # seconds
Numbers = Callable[[], dict[str, float]]


class Metrics:
    """The counters of one server. ``numbers`` are asked for when they are read; those that end with _total grow."""

    def __init__(self, numbers: Numbers) -> None:
        self._registry, self._numbers = CollectorRegistry(), numbers
        self.requests = Counter(
            "impasto_requests", "Requests by route and status.", ["method", "route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "impasto_request_seconds", "Until the answer began.", ["route"], buckets=BUCKETS, registry=self._registry
        )
        self._registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """What is counted elsewhere."""
        for name, value in self._numbers().items():
            family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            yield family(f"impasto_{name.removesuffix('_total')}", name.replace("_", " "), value)

    def text(self) -> bytes:
        """All of them, as text."""
        return generate_latest(self._registry)


class Counted:
    """An app whose requests are counted."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin, status = time.perf_counter(), 500

        async def counting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                metrics.seconds.labels(route()).observe(time.perf_counter() - begin)
            await send(message)

        def route() -> str:
            return getattr(scope.get("route"), "path", "none")

        metrics: Metrics = scope["app"].state.hub.metrics
        try:
            await self.app(scope, receive, counting)
        finally:
            metrics.requests.labels(scope["method"], route(), str(status)).inc()
