"""The interval that a key was searched in, as its sweep spells it."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_INTERVAL = re.compile(
    rf"\binterval\(\s*(?:start\s*=\s*)?({_NUMBER})\s*,\s*(?:end\s*=\s*)?({_NUMBER})\s*\)",
    re.IGNORECASE,
)
_LOG = re.compile(r"\btag\([^()]*\blog\b")


@dataclass(frozen=True)
class Interval:
    """From ``low`` to ``high``; ``log``: equal factors are equal steps, else equal differences."""

    low: float
    high: float
    log: bool

    def shares(self, values: ArrayLike) -> NDArray[np.float64]:
        """How far along the interval each value lies: 0 at ``low``, 1 at ``high``."""
        low, high, at = (self._scaled(part) for part in (self.low, self.high, values))
        return (at - low) / (high - low)

    def value(self, share: float) -> float:
        """The value at a share of the interval; exactly ``low`` at 0 and ``high`` at 1."""
        if share in (0, 1):
            return self.high if share else self.low
        low, high = self._scaled(self.low), self._scaled(self.high)
        at = float(low + share * (high - low))
        return float(np.exp(at)) if self.log else at

    def _scaled(self, values: ArrayLike) -> NDArray[np.float64]:
        numbers = np.asarray(values, dtype=np.float64)
        return np.log(numbers) if self.log else numbers


def read_interval(sweep: str) -> Interval | None:
    """``tag(log, interval(1e-6, 1e-2))``; ``None`` for lists, ranges, and what is no interval."""
    found = _INTERVAL.search(sweep)
    if found is None:
        return None
    low, high = map(float, found.groups())
    log = _LOG.search(sweep) is not None
    return Interval(low, high, log) if low < high and (low > 0 or not log) else None
