"""What a long run is judged by: straight lines through samples, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

T_95 = 1.96
"""Standard errors on either side that hold the true slope in 95 of 100 cases, of many samples."""


@dataclass(frozen=True)
class Line:
    """Least squares through samples that may lean on each other: ``error`` is Newey and West's standard error."""

    slope: float
    error: float
    first: float
    last: float
    samples: int

    @property
    def is_flat(self) -> bool:
        """True where no slope is one of the likely ones."""
        return abs(self.slope) <= T_95 * self.error

    def __str__(self) -> str:
        return f"{self.slope:+.3g} ± {self.error:.2g}"


def fit(xs: Sequence[float], ys: Sequence[float]) -> Line:
    """Fit ``y = a + slope x``. Neighbouring samples resemble each other, so residuals are weighed over n^(1/3) lags."""
    x, y = np.asarray(xs, float), np.asarray(ys, float)
    centred = x - x.mean()
    spread = float(centred @ centred)
    slope = float(centred @ (y - y.mean())) / spread
    scores = centred * (y - y.mean() - slope * centred)
    lags = math.ceil(len(x) ** (1 / 3))
    variance = float(scores @ scores)
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(scores[lag:] @ scores[:-lag])
    return Line(slope, math.sqrt(max(variance, 0.0)) / spread, float(y[0]), float(y[-1]), len(x))


def wilson(successes: int, trials: int, z: float = T_95) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a proportion."""
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    middle = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)


def memory_bytes(pid: int) -> int:
    """Resident memory of a process (proc_pid_statm(5), field 2)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4_096


def descriptors(pid: int) -> int:
    """Open descriptors of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def file_bytes(path: Path) -> int:
    """Size of a SQLite file with what waits in its write-ahead log."""
    return sum(one.stat().st_size for one in path.parent.glob(f"{path.name}*"))
