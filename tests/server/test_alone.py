"""The server without any network but the computer's own: nothing is fetched, so nothing is missed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from system import needs_linux

INSIDE = """
import fcntl, socket, struct
with socket.socket() as lo:  # a new network has its loopback switched off
    fcntl.ioctl(lo, 0x8914, struct.pack("16sh14x", b"lo", 1))
from benchmarks.serve import STYLE, picture, served
with served("--network", "fast") as server:
    for more in ("", "&url=http://192.0.2.1/"):
        print(server.ask("POST", f"/api/v1/paint?style={STYLE}{more}", picture(99))[0])
"""


@pytest.mark.process
def test_it_works_without_a_network() -> None:
    """In a network of its own, without a route to anywhere, the server paints; an address to fetch is an error."""
    needs_linux("unshare")
    if os.geteuid() != 0:
        pytest.skip("only root makes another network")
    command = ["unshare", "--net", sys.executable, "-c", INSIDE]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["200", "422"], done.stderr
