"""How long paintings take, learned from those that were painted; and how far one of them is."""

from __future__ import annotations

from dataclasses import dataclass, field

RATES = {"fast": 0.25e-6, "full": 1.3e-6}  # seconds a pixel on common computers, until it is known better
FIXED = 0.1  # seconds of a painting that its size does not change: read, compiled, written
REGIONS = 1.6  # times as long with regions, until it is known better
APART = 50.0  # times quicker or slower than common computers: beyond that something else was measured
LEAST = 250_000  # pixels: of a smaller painting its network has too small a part
ENOUGH = 5e6  # pixels that count as much as all before them
SURE = 0.2  # of a painting, after which its own pace alone counts
NEARLY = 0.95  # how far it is, at most, by what was estimated before


@dataclass
class Pace:
    """Seconds a pixel of each network, with regions and without."""

    _known: dict[tuple[str, bool], float] = field(default_factory=dict)

    def seconds(self, network: str, pixels: float, *, regions: bool = False) -> float:
        """How long a painting of so many pixels will take."""
        return FIXED + pixels * self._rate(network, regions)

    def learn(self, network: str, pixels: float, seconds: float, *, regions: bool = False) -> None:
        """Take in how long a painting took; the larger it is the more that counts."""
        if pixels < LEAST:
            return
        common, known = _common(network, regions), self._rate(network, regions)
        found = min(APART * common, max(common / APART, (seconds - FIXED) / pixels))
        self._known[network, regions] = known + min(0.8, pixels / ENOUGH) * (found - known)

    def _rate(self, network: str, regions: bool) -> float:
        """Seconds a pixel; of a kind that was not painted yet, as the other kind has it."""
        if (network, regions) in self._known:
            return self._known[network, regions]
        other = self._known.get((network, not regions))
        if other is None:
            return _common(network, regions)
        return other * REGIONS if regions else other / REGIONS


def _common(network: str, regions: bool) -> float:
    return RATES.get(network, RATES["full"]) * (REGIONS if regions else 1.0)


def progress(estimate: float, passed: float, share: float = 0.0, then: float = 0.0) -> tuple[float, float]:
    """How far a painting is, 0..1, and the seconds that are left: both from one estimate of its whole time.

    ``estimate`` (s) was made before; ``passed`` seconds ago it began, and ``then`` seconds after that it said that
    ``share`` was done, 0 if it has said nothing.
    """
    sure = min(1.0, share / SURE)
    own = then / share if share else 0.0
    whole = max((1 - sure) * estimate + sure * own, passed / (NEARLY if share < NEARLY else 0.99), 0.01)
    return passed / whole, whole - passed
