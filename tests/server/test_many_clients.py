"""Many clients at once, some of them slow in either direction; as many as CI can bear. benchmarks/serve.py has more."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

import pytest

from benchmarks.serve import STYLE, arguments, load, picture, served

pytestmark = pytest.mark.load
PATH = f"/api/v1/paint?style={STYLE}&network=fast"


def test_many_clients_and_slow_ones() -> None:
    """64 clients, 16 of them slow: only 200 and 503, all served in the end, health at once, and memory stays."""
    words = "--clients 64 --slow 16 --rounds 2 --pictures 2 --side 256 --network fast --drip 2 --patience 200"
    rounds = load(arguments(words.split()))["rounds"]
    for each in rounds:
        assert not each["errors"] and set(each["statuses"]) <= {"200", "503"}
        assert each["served"] == each["wanted"]
        assert each["healthz_p95_ms"] < 100
        assert each["memory_mb"] < 1500
    assert rounds[-1]["memory_mb"] < 1.1 * rounds[0]["memory_mb"] + 20


def test_a_worker_that_dies_under_load() -> None:
    """Workers that are killed while many wait cost a job each at most; all others are served."""
    statuses: list[int] = []

    def client(number: int) -> None:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            status, headers, body = server.ask("POST", PATH, picture(256, number), "image/jpeg")
            if status != 503:
                break
            time.sleep(min(int(headers["retry-after"]), 2))
        statuses.append(status)
        if status == 500:
            assert json.loads(body)["code"] == "worker-died"

    with served("--rate", "0", "--network", "fast") as server:
        threads = [threading.Thread(target=client, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            time.sleep(0.7)
            for pid in server.painters():
                os.kill(pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        assert len(statuses) == 40 and set(statuses) <= {200, 500} and statuses.count(500) <= 2
        assert server.ask("POST", PATH, picture(256), "image/jpeg")[0] == 200


def test_the_last_painting_is_finished() -> None:
    """After SIGTERM no new requests are taken, the one that runs is answered, and the server ends well."""
    statuses: list[int] = []
    with served("--rate", "0", "--network", "full") as server:
        path = f"/api/v1/paint?style={STYLE}&network=full"
        assert server.ask("POST", path, picture(64), "image/jpeg")[0] == 200
        client = threading.Thread(
            target=lambda: statuses.append(server.ask("POST", path, picture(1200), "image/jpeg")[0])
        )
        client.start()
        time.sleep(0.5)
        code = server.end()
        client.join()
        assert (code, statuses) == (0, [200])
