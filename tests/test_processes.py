"""Processes of many kinds: a forked child paints, memory levels off, an interrupted painting leaves no files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

FORKED = """
import os, sys
import numpy as np
from impasto import Painter
from impasto.painting import painter
painter.LEAST_BYTES = 400_000
file, runtime, whole, first = sys.argv[1:]
options = {} if whole == "whole" else {"max_memory": 1}
photo = np.random.default_rng(0).integers(0, 256, (150, 200, 3), np.uint8)
one = Painter(file, runtime=runtime, streams=2, **options)
def paint(): return [one.paint_array(photo[rows:], "red") for rows in (0, 4, 8, 0)]
expected = None if first == "first" else paint()
child = os.fork()
if not child:
    painted = paint()
    if not os.fork():  # and a child of the child
        Painter(file, runtime=runtime, **options).paint_array(photo, "red")
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 7
    assert expected is None or max(np.abs(a.astype(int) - b).max() for a, b in zip(painted, expected)) <= 1
    sys.exit(5)  # with all that Python does at its end
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
paint()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("first", ["first", "again"])
@pytest.mark.parametrize(("runtime", "whole"), [("openvino", "whole"), ("openvino", "tiles"), ("onnxruntime", "whole")])
def test_forked(network_file: Path, runtime: str, whole: str, first: str) -> None:
    """A child forked from a process that has, or has not yet, painted paints the same, and ends as it should."""
    command = [sys.executable, "-c", FORKED, str(network_file), runtime, whole, first]
    group = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    try:
        _, said = group.communicate(timeout=120)
    finally:
        try:
            os.killpg(group.pid, signal.SIGKILL)  # a child that hangs outlives its parent
        except ProcessLookupError:
            pass
    assert group.returncode == 0, said


SIZES = """
import sys
import numpy as np
from impasto.painting import memory
from impasto.painting.network import Network
network = Network(sys.argv[1], runtime=sys.argv[2], threads=1)
random, row = np.random.default_rng(0), np.ones(network.row_size)
for count in range(400):
    height, width = random.integers(16, 100, 2)
    network.paint(np.zeros((height, width, 3), np.uint8), row)
    if count == 150:
        before = memory.used()
print(memory.used() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports what a process uses")
@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_memory_levels_off(network_file: Path, runtime: str) -> None:
    """Pictures of ever new sizes do not take ever more memory."""
    command = [sys.executable, "-c", SIZES, str(network_file), runtime]
    grown = int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout)
    assert grown < 25e6


INTERRUPTED = """
import sys
import numpy as np
from impasto import Painter
from impasto.painting import painter
painter.LEAST_BYTES = 400_000
one = Painter(sys.argv[1], max_memory=1)
photo = np.zeros((900, 900, 3), np.uint8)
for step in one.steps(photo, "red"):
    print(step.share, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="a signal cannot be sent to one process there")
def test_nothing_is_left_of_an_interrupted_painting(network_file: Path, tmp_path: Path) -> None:
    """Ctrl-C in the midst of tiles ends the work soon and leaves no temporary file."""
    pytest.importorskip("openvino")
    command = [sys.executable, "-c", INTERRUPTED, str(network_file)]
    with subprocess.Popen(
        command, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as ran:
        assert ran.stdout is not None and 0 < float(ran.stdout.readline()) < 1
        ran.send_signal(signal.SIGINT)
        _, said = ran.communicate(timeout=60)
    assert said.rstrip().endswith("KeyboardInterrupt") and not list(tmp_path.iterdir())


SIGNALLED = """
import signal, sys
import numpy as np
from impasto import Painter
photo, mask = np.zeros((40, 60, 3), np.uint8), np.full((40, 60), 128, np.uint8)
for _ in range(3):
    painter = Painter(sys.argv[1], runtime=sys.argv[2])
    painter.paint_array(photo, "red")
    painter.paint_array(photo, "red", masks={"blue": mask})
    del painter
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
signal.raise_signal(signal.SIGTERM)
"""


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_signals_arrive_when_painters_are_gone(network_file: Path, runtime: str) -> None:
    """What runtimes do to a process's signals does not outlive them: a handler is called, and nothing crashes."""
    command = [sys.executable, "-c", SIGNALLED, str(network_file), runtime]
    assert subprocess.run(command, timeout=120).returncode == 7
