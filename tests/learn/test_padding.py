"""Borders: equal to torch's own padding, in value and gradient."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from impasto.learn.padding import reflect_pad, replicate_pad


@pytest.mark.parametrize("margin", [1, 4])
@pytest.mark.parametrize("extra", [1, 2, 3, 5, 6, 7, 20])
def test_reflect_pad(margin: int, extra: int) -> None:
    """Mirror padding equals F.pad in value and gradient, down to the smallest size that can be mirrored."""
    x = torch.randn(2, 3, margin + extra, margin + extra + 2, dtype=torch.float64, requires_grad=True)
    plain = F.pad(x, [margin] * 4, mode="reflect")
    ours = reflect_pad(x, margin)
    assert torch.equal(ours, plain)
    probe = torch.randn_like(plain)
    torch.testing.assert_close(torch.autograd.grad(ours, x, probe), torch.autograd.grad(plain, x, probe))


def test_no_padding() -> None:
    """A margin of 0 gives the tensor back."""
    x = torch.randn(1, 1, 2, 2)
    assert reflect_pad(x, 0) is x


def test_replicate_pad() -> None:
    """Repeating the border once equals F.pad."""
    x = torch.randn(1, 2, 3, 4)
    assert torch.equal(replicate_pad(x), F.pad(x, [1] * 4, mode="replicate"))
