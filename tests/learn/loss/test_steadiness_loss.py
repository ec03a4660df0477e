"""How still paintings hold, as a loss."""

from __future__ import annotations

import pytest
import torch

from impasto.learn.loss.steadiness import Jolt

PERIOD, SIZE = 4, (24, 32)


def jolts() -> list[Jolt]:
    return [Jolt.drawn(0, step, SIZE, PERIOD) for step in range(60)]


def test_moves_stay_within_a_period() -> None:
    """Moves go all ways, by less than a period: by a whole one nothing changes."""
    for moves in ({jolt.down for jolt in jolts()}, {jolt.right for jolt in jolts()}):
        assert moves == set(range(1 - PERIOD, PERIOD))


def test_a_jolt_is_a_function_of_seed_and_step() -> None:
    """The same seed and step give the same jolt, so that a run that is killed goes on to the same bits."""
    one, same, other = (Jolt.drawn(3, step, SIZE, PERIOD) for step in (7, 7, 8))
    assert torch.equal(one.noise, same.noise) and (one.down, one.right) == (same.down, same.right)
    assert not torch.equal(one.noise, other.noise)


def test_the_next_frame_is_the_photo_moved_with_noise() -> None:
    """What is at a place is, in the next frame, so many pixels down and right of it, but for the noise."""
    pictures = 0.3 + 0.4 * torch.rand(2, 3, *SIZE)
    for jolt in jolts()[:8]:
        quiet = Jolt(jolt.down, jolt.right, torch.zeros(3, *SIZE)).of(pictures)
        inner = pictures[:, :, 4:-4, 4:-4]
        down, right = 4 + jolt.down, 4 + jolt.right
        assert torch.equal(quiet[:, :, down : down + 16, right : right + 24], inner)
        assert (jolt.of(pictures) - quiet - jolt.noise).abs().max() < 1e-6


@pytest.mark.parametrize("contrast", [0.2, 1.0])
def test_stuck_to_the_screen_is_unsteady(contrast: float) -> None:
    """A painting that moves along is steady, whatever its border does; one that stays where it was is not.

    How unsteady that is does not depend on contrast.
    """
    jolt = Jolt(1, 1, torch.zeros(3, *SIZE))
    painted = 0.5 + contrast * (torch.rand(2, 3, *SIZE, generator=torch.Generator().manual_seed(0)) - 0.5)
    along = jolt.of(painted)
    along[:, :, :3] = 1
    assert jolt.unsteadiness(painted, along, 3).tolist() == [0, 0]
    assert jolt.unsteadiness(painted, painted, 3).tolist() == pytest.approx([0.5, 0.5], rel=0.15)


def test_the_gradient_goes_through_both_paintings() -> None:
    """Both paintings are moved towards each other, and neither is dulled for its own sake."""
    painted, again = (torch.rand(1, 3, *SIZE, requires_grad=True) for _ in range(2))
    jolt = Jolt(0, 1, torch.zeros(3, *SIZE))
    jolt.unsteadiness(painted, again, 2).sum().backward()  # type: ignore[no-untyped-call]
    assert painted.grad is not None and again.grad is not None
    assert painted.grad[:, :, 2:-2, 1:-3].allclose(-again.grad[:, :, 2:-2, 2:-2], atol=1e-7)
