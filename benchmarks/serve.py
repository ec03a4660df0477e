"""The HTTP API under load: many clients at once, some of them slow in either direction, and one that asks for health.

    python -m benchmarks.serve [--clients 64] [--slow 16] [--rounds 5] [--pictures 20] [--side 512] [--network full]

Starts ``impasto serve`` in a process of its own. In each round every client sends its pictures, one after the other, to
``POST /paint``, and comes again after Retry-After where the answer is 503. Half of the slow ones send their photo in
drops, the other half take the painting in drops. Told are the answers by status, the 95th percentile of /healthz, and
the memory of all processes of the server after each round. ``--throughput`` paints so many photos of half a megapixel
with ``impasto paint FOLDER`` and over HTTP, in turns, and tells the ratio.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

STYLE = "hokusai-great-wave"
TOKEN = "a-token-for-measuring"
RESULT = Path(__file__).parent / "results" / "serve.json"
DROPS = 20  # pieces in which slow clients send and take


class Served:
    """``impasto serve`` as a process. ``memory`` is in bytes, of the listening process or of all."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "impasto", "serve", "--port", "0", "--token", TOKEN, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()  # empty if it ends at once
        self.port = int(line.strip().rpartition(":")[2] or 0)
        self.said: list[str] = []
        self.listener = threading.Thread(target=self._listen)
        self.listener.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)

    def connect(self, timeout: float = 120) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(
        self, method: str, path: str, body: bytes | None = None, kind: str = "image/png", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case and body of one request with the token."""
        sent = {"Authorization": f"Bearer {TOKEN}", **({"Content-Type": kind} if body is not None else {}), **headers}
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def wait(self, seconds: float = 60) -> None:
        """Until it takes photos."""
        end = time.monotonic() + seconds
        while self.port and time.monotonic() < end and self.process.poll() is None:
            if self.ask("GET", "/readyz")[0] == 200:
                return
            time.sleep(0.05)
        raise RuntimeError(f"the server did not become ready: {' '.join(self.said)}")

    def memory(self, *, all: bool = True) -> int:
        return sum(resident(pid) for pid in (descendants(self.process.pid) if all else [self.process.pid]))

    def seconds(self) -> float:
        """Processor time that all its processes took, those too that have ended."""
        own, *others = (_proc(pid, "stat").rpartition(b")")[2].split() for pid in descendants(self.process.pid))
        ticks = sum(map(int, own[11:15])) + sum(int(tick) for each in others for tick in each[11:13])
        return ticks / os.sysconf("SC_CLK_TCK")

    def painters(self) -> list[int]:
        """The processes that paint."""
        return [pid for pid in descendants(self.process.pid) if b"spawn_main" in _proc(pid, "cmdline")]

    def end(self, seconds: float = 40) -> int:
        """SIGTERM, and its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()
            self.listener.join()
            for stream in (self.process.stdout, self.process.stderr):
                assert stream is not None
                stream.close()


@contextlib.contextmanager
def served(*options: str) -> Iterator[Served]:
    """A server that takes photos, and ends with the block."""
    server = Served(*options)
    try:
        server.wait()
        yield server
    finally:
        server.end()


def _proc(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # it has ended
        return b""


def resident(pid: int) -> int:
    """Bytes in memory of one process."""
    fields = _proc(pid, "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if fields else 0


def descendants(pid: int) -> list[int]:
    """A process and all that it began."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        fields = _proc(int(folder.name), "stat").rpartition(b")")[2].split()
        if fields:
            parents[int(folder.name)] = int(fields[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def picture(side: int, seed: int = 0) -> bytes:
    """A soft made-up photo, side x side, as JPEG."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def percentile(values: Sequence[float], share: float) -> float:
    return float(np.percentile(values, 100 * share)) if values else float("nan")


# One client


def paint(server: Served, photo: bytes, path: str, slow: str, seconds: float) -> int:
    """The status of one painting; a slow client spreads its photo, or what it takes, over ``seconds``."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {TOKEN}\r\n"
    head += f"Content-Type: image/jpeg\r\nContent-Length: {len(photo)}\r\nConnection: close\r\n\r\n"
    with socket.socket() as client:
        if slow == "takes":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(300)
        client.connect(("127.0.0.1", server.port))
        client.sendall(head.encode())
        step = -(-len(photo) // DROPS) if slow == "sends" else len(photo)
        for start in range(0, len(photo), step):
            client.sendall(photo[start : start + step])
            time.sleep(seconds / DROPS if slow == "sends" else 0)
        answer = http.client.HTTPResponse(client, method="POST")
        answer.begin()
        if slow == "takes":
            while answer.read(max(1, (answer.length or 0) // DROPS)):
                time.sleep(seconds / DROPS)
        taken = answer.read()
        if answer.status == 200 and not slow:
            with Image.open(io.BytesIO(taken)) as image:
                image.load()
        return -int(answer.headers.get("Retry-After", 1)) if answer.status == 503 else answer.status


class Round:
    """What clients saw: answers by status, of each client how many were served, seconds of /healthz."""

    def __init__(self, server: Served, args: argparse.Namespace) -> None:
        self.server, self.args = server, args
        self.statuses: Counter[int] = Counter()
        self.served = 0
        self.health: list[float] = []
        self.errors: list[str] = []

    def run(self) -> None:
        over = threading.Event()
        prober = threading.Thread(target=self._probe, args=(over,))
        prober.start()
        with ThreadPoolExecutor(self.args.clients) as pool:
            list(pool.map(self._client, range(self.args.clients)))
        over.set()
        prober.join()

    def _client(self, number: int) -> None:
        slow = ("sends" if number % 2 else "takes") if number < self.args.slow else ""
        photo = picture(self.args.side, number)
        path = f"/api/v1/paint?style={STYLE}&network={self.args.network}"
        end = time.monotonic() + self.args.patience
        todo = self.args.pictures
        while todo and time.monotonic() < end:
            try:
                status = paint(self.server, photo, path, slow, self.args.drip)
            except OSError as error:
                self.errors.append(f"{type(error).__name__}: {error}")
                return
            self.statuses[503 if status < 0 else status] += 1
            if status < 0:
                time.sleep(min(-status, self.args.retry))
            else:
                todo -= 1
                self.served += status == 200

    def _probe(self, over: threading.Event) -> None:
        while not over.wait(0.05):
            start = time.monotonic()
            status = self.server.ask("GET", "/healthz")[0]
            self.health.append(time.monotonic() - start)
            self.statuses[status] += status != 200


def load(args: argparse.Namespace) -> dict[str, Any]:
    """All rounds, as a record."""
    rounds: list[dict[str, Any]] = []
    with served("--rate", "0", "--workers", str(args.workers)) as server:
        paint(server, picture(args.side), f"/api/v1/paint?style={STYLE}&network={args.network}", "", 0)
        for _ in range(args.rounds):
            start, each = time.monotonic(), Round(server, args)
            each.run()
            rounds.append(
                {
                    "statuses": {str(status): count for status, count in sorted(each.statuses.items()) if count},
                    "served": each.served,
                    "wanted": args.clients * args.pictures,
                    "errors": each.errors,
                    "healthz_p95_ms": round(1000 * percentile(each.health, 0.95), 1),
                    "memory_mb": round(server.memory() / 1e6),
                    "listener_mb": round(server.memory(all=False) / 1e6),
                    "seconds": round(time.monotonic() - start, 1),
                }
            )
            print(json.dumps(rounds[-1]), file=sys.stderr)
    return {"clients": args.clients, "slow": args.slow, "side": args.side, "network": args.network, "rounds": rounds}


# Beside the command line


def throughput(args: argparse.Namespace) -> dict[str, Any]:
    """Photos of half a megapixel a second, from a folder by the command line and over HTTP, in turns."""
    photos = [picture(707, seed) for seed in range(args.throughput)]
    folder_rates, http_rates = [], []
    with tempfile.TemporaryDirectory() as name, served("--rate", "0") as server:
        folder = Path(name, "photos")
        folder.mkdir()
        for number, photo in enumerate(photos):
            (folder / f"{number:03}.jpg").write_bytes(photo)
        path = f"/api/v1/paint?style={STYLE}&network={args.network}"
        paint(server, photos[0], path, "", 0)
        for turn in range(3):
            command = [sys.executable, "-m", "impasto", "paint", str(folder), "-s", STYLE, "--network", args.network]
            start = time.monotonic()
            subprocess.run([*command, "-o", str(Path(name, f"painted{turn}"))], check=True, capture_output=True)
            folder_rates.append(len(photos) / (time.monotonic() - start))
            start = time.monotonic()
            with ThreadPoolExecutor(4) as pool:
                assert set(pool.map(lambda photo: paint(server, photo, path, "", 0), photos)) == {200}
            http_rates.append(len(photos) / (time.monotonic() - start))
    best = {"folder_per_second": round(max(folder_rates), 2), "http_per_second": round(max(http_rates), 2)}
    return {
        "photos": len(photos),
        "network": args.network,
        **best,
        "ratio": round(max(http_rates) / max(folder_rates), 2),
    }


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--slow", type=int, default=16, help="how many of them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=20, help="of each client and round")
    parser.add_argument("--side", type=int, default=512, help="of the photos, in pixels")
    parser.add_argument("--network", default="full")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--drip", type=float, default=5.0, help="seconds that slow clients take for one direction")
    parser.add_argument("--retry", type=float, default=120.0, help="seconds, the most that clients wait on a 503")
    parser.add_argument("--patience", type=float, default=3600.0, help="seconds until a client gives up")
    parser.add_argument("--throughput", type=int, default=0, help="photos for the comparison; 0: none")
    parser.add_argument("--output", type=Path, default=RESULT)
    return parser.parse_args(words)


def main() -> None:
    args = arguments()
    found: dict[str, Any] = {"cores": os.cpu_count(), "load": load(args)}
    if args.throughput:
        found["throughput"] = throughput(args)
    args.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
