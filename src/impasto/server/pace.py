"""How long paintings take, learned from those that were painted; and how far one of them is."""

from __future__ import annotations

from dataclasses import dataclass, field

RATES = {"fast": 0.25e-6, "full": 1.3e-6}  # seconds a pixel on common computers, until it is known better
FIXED = 0.1  # seconds of a painting that its size does not change: read, compiled, written
APART = 50.0  # times quicker or slower than common computers: beyond that something else was measured
LEAST = 250_000  # pixels: of a smaller painting its network has too small a part
ENOUGH = 5e6  # pixels that count as much as all before them
SURE = 0.2  # of a painting, after which its own pace alone counts
NEARLY = 0.95  # how far it is, at most, by what was estimated before


@dataclass
class Pace:
    """Seconds a pixel of each network."""

    _known: dict[str, float] = field(default_factory=dict)

    def seconds(self, network: str, pixels: float) -> float:
        """How long a painting of so many pixels will take."""
        return FIXED + pixels * self._known.get(network, _common(network))

    def learn(self, network: str, pixels: float, seconds: float) -> None:
        """Take in how long a painting took; the larger it is the more that counts."""
        if pixels < LEAST:
            return
        common = _common(network)
        known = self._known.get(network, common)
        found = min(APART * common, max(common / APART, (seconds - FIXED) / pixels))
        self._known[network] = known + min(0.8, pixels / ENOUGH) * (found - known)


def _common(network: str) -> float:
    return RATES.get(network, RATES["full"])


def progress(estimate: float, passed: float, share: float = 0.0, then: float = 0.0) -> tuple[float, float]:
    """How far a painting is, 0..1, and the seconds that are left: both from one estimate of its whole time.

    ``estimate`` (s) was made before; ``passed`` seconds ago it began, and ``then`` seconds after that it said that
    ``share`` was done, 0 if it has said nothing.
    """
    sure = min(1.0, share / SURE)
    own = then / share if share else 0.0
    whole = max((1 - sure) * estimate + sure * own, passed / (NEARLY if share < NEARLY else 0.99), 0.01)
    return passed / whole, whole - passed
