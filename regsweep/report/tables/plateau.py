"""How strong: the weights that are as good as an arm's best, by all of its trials.

The winner is the least of some noisy values; over a wide range of weights they often differ by
less than those of two seeds do.
"""

import warnings
from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regsweep.report.tables.interval import Interval, read_interval

WEIGHT = "regularizer.weight"
# The keys that say how strong a regularizer is; a choice has one of them.
STRENGTHS = (WEIGHT, "regularizer.p", "regularizer.amount", "regularizer.alpha")
# Fewer trials say little of a curve, and a plane needs more than a line does.
FEWEST_TRIALS = 8
MOST_KEYS = 2
_POINTS = 201
# How bad the bad trials were tells nothing of the plateau, and would bend the curve. They are cut
# at as far from the best as this many times the median is, and no nearer than so many margins.
_MEDIANS, _MARGINS = 2.0, 3.0
# A share of the searched interval: curves that turn within less are noise. These three, and that
# the standard deviation counts once, are by simulation (``benchmarks/plateau.py``).
_LEAST_LENGTH = 0.4

Floats = NDArray[np.float64]


def plateau(
    trials: pd.DataFrame,
    values: "pd.Series[float]",
    best: Hashable,
    space: Mapping[str, str],
    margin: float | None,
) -> tuple[float, float] | None:
    """The lowest and the highest weight that are as good as the best within the ``margin``.

    The weight is the first of ``STRENGTHS`` that is searched, such as the p of dropout.
    ``trials`` has a row a trial and a column a searched key, ``values`` their objectives (a loss
    or an error), ``best`` is the winner's row, and ``space`` maps the searched keys to their
    sweeps. A Gaussian process (Matérn 5/2, noise estimated) over the keys, in the scale that each
    is searched in, has the mean m(w), the other key at its best; s(w) is the standard deviation
    of m(w) - m(w*), and w* where m is least. As good is m(w) - s(w) <= (1 + margin) m(w*). The
    range is the part of the searched interval around w* where all are as good.

    ``None`` where there is no margin, where the weight is not searched in an interval, where there
    are other keys than one that is, and where fewer than ``FEWEST_TRIALS`` differ in weight.

    Source: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), 2.2 and 5.4.1.
    """
    read = {key: read_interval(sweep) for key, sweep in space.items()}
    intervals = {key: interval for key, interval in read.items() if interval is not None}
    strength = next((key for key in STRENGTHS if key in intervals), None)
    if margin is None or strength is None or not len(intervals) == len(space) <= MOST_KEYS:
        return None
    keys = trials.reindex(columns=list(space)).apply(pd.to_numeric, errors="coerce")
    # Of a folder whose sweep file is that of another search, the trials that could be its own.
    keys = keys.loc[[all(map(_within, intervals.values(), row)) for row in keys.to_numpy(float)]]
    if best not in keys.index or keys[strength].nunique() < FEWEST_TRIALS:
        return None
    grid = np.linspace(0, 1, _POINTS)
    shares = pd.DataFrame(
        {key: one.shares(keys[key]) for key, one in intervals.items()}, keys.index
    )
    wanted = pd.DataFrame(
        {key: grid if key == strength else shares.at[best, key] for key in shares}
    )
    mean, deviation, least = _curve(
        shares.to_numpy(), values.loc[keys.index].to_numpy(float), wanted.to_numpy(), margin
    )
    low, high = _around(mean - deviation <= mean[least] + margin * abs(mean[least]), least)
    weight = intervals[strength]
    return weight.value(grid[low]), weight.value(grid[high])


def _within(interval: Interval, value: float) -> bool:
    return interval.low <= value <= interval.high


def _curve(
    tried: Floats, values: Floats, wanted: Floats, margin: float
) -> tuple[Floats, Floats, int]:
    """m and s of ``plateau`` at the ``wanted`` points (points, keys), and the place of the least m.

    ``tried`` (trials, keys) and ``wanted`` are shares of the searched intervals.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    lowest = values.min()
    reach = max(_MEDIANS * (np.median(values) - lowest), _MARGINS * margin * abs(lowest))
    cut = np.minimum(values, lowest + reach)
    center, spread = cut.mean(), cut.std() or 1.0
    lengths = np.full(tried.shape[1], 0.5)
    smooth = Matern(lengths, (_LEAST_LENGTH, 10), nu=2.5)
    kernel = ConstantKernel(1, (1e-2, 1e3)) * smooth + WhiteKernel(0.1, (1e-5, 1))
    process = GaussianProcessRegressor(kernel, random_state=0)
    with warnings.catch_warnings():
        # Of flat curves the length, and of exact ones the noise, ends at a bound, as it should.
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(tried, (cut - center) / spread)
    mean, covariance = process.predict(wanted, return_cov=True)
    # The noise is that of a trial, and no part of the curve.
    covariance -= process.kernel_.k2.noise_level * np.eye(len(wanted))
    least = int(mean.argmin())
    own = covariance.diagonal()
    variance = own + own[least] - 2 * covariance[least]
    return center + spread * mean, spread * np.sqrt(variance.clip(0)), least


def _around(good: NDArray[np.bool_], place: int) -> tuple[int, int]:
    """The ends of the stretch of ``good`` points that ``place`` is in."""
    bad = np.flatnonzero(~good)
    low = max(bad[bad < place], default=-1) + 1
    high = min(bad[bad > place], default=len(good)) - 1
    return int(low), int(high)
