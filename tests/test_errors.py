"""The error family's helpers: what is no memory, and what must cost itself alone."""

from __future__ import annotations

import pytest

from impasto.errors import attempt, lacks_memory


@pytest.mark.parametrize(
    ("error", "lacks"),
    [
        (MemoryError(), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (type("Fail", (Exception,), {"__module__": "onnxruntime.capi"})("Failed to allocate memory"), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError("out of memory"), False),
    ],
    ids=str,
)
def test_lacks_memory(error: Exception, lacks: bool) -> None:
    """Python, torch, OpenVINO and ONNX Runtime each say it in their own way, and other faults are none of that."""
    assert lacks_memory(error) is lacks


def test_attempt() -> None:
    """What cannot be had is replaced; Ctrl-C is not swallowed."""
    assert attempt(lambda: 3, None) == 3
    assert attempt(lambda: {}["missing"], "none") == "none"

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(stop, None)
