"""Profiles of networks: what the runtimes count of every layer, and what the machine could do at most."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openvino")
pytest.importorskip("onnx")

from benchmarks import profiles, speed  # noqa: E402


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_every_convolution_is_counted(network_file: Path, runtime: str) -> None:
    """Both runtimes count as many convolutions, with arithmetic, bytes, milliseconds and a kernel each."""
    nodes = profiles.openvino_nodes(network_file, 64, "f32") if runtime == "openvino" else None
    nodes = profiles.onnxruntime_nodes(network_file, 64) if nodes is None else nodes
    convolutions = [node for node in nodes if node["operations"]]
    assert len(convolutions) == 16
    assert all(node["ms"] > 0 and node["bytes"] > 0 and node["kernel"] for node in convolutions)
    first = 2 * 3 * 3 * 9 * 9 * 64 * 64  # three channels of the picture to three
    padded = 16 / 3 if runtime == "onnxruntime" else 1  # which computes channels in blocks of 16 on this processor
    assert convolutions[0]["operations"] in (first, first * padded)


def test_roofline() -> None:
    """A node takes at least what its bytes take at the copy's speed, and its operations at the product's."""
    limits = {"copy_small_gbs": 10.0, "gflops": 100.0}
    assert profiles.roofline({"bytes": 10**8, "operations": 0}, limits) == pytest.approx(10.0)
    assert profiles.roofline({"bytes": 10**8, "operations": 5 * 10**9}, limits) == pytest.approx(50.0)


def test_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cap on instructions goes to the worker by the variable that oneDNN reads, and to nobody else."""
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    assert speed.capped("AVX2")["ONEDNN_MAX_CPU_ISA"] == "AVX2"
    assert "ONEDNN_MAX_CPU_ISA" not in speed.capped("")


def test_machine() -> None:
    """A result says on what it was measured: processor, cores, instructions, versions."""
    found: dict[str, Any] = speed.machine()
    assert found["processor"] and found["cores"] >= 1 and isinstance(found["instructions"], list)
    assert {"torch", "openvino", "onnxruntime"} <= found.keys()


def test_kernels(network_file: Path) -> None:
    """The kernels that ran are named with their share of the convolutions' time."""
    shares = speed.kernels(str(network_file), 64, "f32")
    assert shares and sum(shares.values()) == pytest.approx(1, abs=0.01)


def test_no_benchmark_hides_a_module_of_python() -> None:
    """What another program's interpreter is handed as a script finds Python's own modules, not one beside it."""
    folder = Path(profiles.__file__).parent
    assert not {file.stem for file in folder.glob("*.py")} & sys.stdlib_module_names
