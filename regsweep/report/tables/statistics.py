"""Are arms different? Statistics of a (seeds x arms) table, as pure functions.

Every function takes any leading axes, so that many tables are done at once. A column with a value
that is not finite has no statistics: it gives NaN, and leaves the other columns alone. Nothing
here warns.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Summary:
    """Each arm over its seeds: arrays of shape (..., arms), in the unit of the values."""

    mean: Floats
    std: Floats
    ci_low: Floats
    ci_high: Floats


def summarize(values: Floats) -> Summary:
    """Mean, standard deviation and 95 % interval of each arm.

        mean +- t * std / sqrt(n),   std^2 = sum (x - mean)^2 / (n - 1)

    with t the 97.5 % point of Student's distribution with n - 1 degrees of freedom. ``values`` is
    (..., seeds, arms). With one seed there is a mean alone, and the rest is NaN. Equal values
    have a standard deviation of exactly 0, whatever their mean rounds to.

    Source: Student, The probable error of a mean, Biometrika 6 (1908).

    Raises:
        ValueError: ``values`` has no axis of seeds and arms, or no seed.
    """
    return _summarize(_columns(values))


def holm(p_values: Floats, tests: "int | Counts | None" = None) -> Floats:
    """P values corrected for the number of tests, along the last axis.

        p_holm of the k-th smallest of m = max over j <= k of min(1, (m - j + 1) * p_j)

    NaN stays NaN. m is ``tests``, of which those without a p value count as the largest; by
    default it is the number of p values. Shape (..., arms), in and out.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal
    of Statistics 6 (1979).
    """
    p_values = np.asarray(p_values, dtype=float)
    order = p_values.argsort(axis=-1)
    # NaN is sorted last, so it reaches no p value through the running maximum.
    ascending = np.take_along_axis(p_values, order, axis=-1)
    scaled = ascending * _tests_left(p_values, tests)
    corrected = np.empty_like(p_values)
    monotone = np.maximum.accumulate(scaled, axis=-1)
    np.put_along_axis(corrected, order, np.minimum(monotone, 1.0), axis=-1)
    return corrected


def _tests_left(p_values: Floats, tests: "int | Counts | None") -> Floats:
    """m - k + 1 for the k-th smallest p value of m tests, along the last axis."""
    known = np.isfinite(p_values).sum(axis=-1, keepdims=True)
    count = known if tests is None else np.broadcast_to(tests, known.shape)
    left: Floats = (count - np.arange(p_values.shape[-1])).astype(float)
    return left


def _columns(values: Floats) -> Floats:
    """The table as (..., arms, seeds), NaN where a value is not finite."""
    values = np.asarray(values, dtype=float)
    if values.ndim < 2 or values.shape[-2] == 0:
        raise ValueError(f"{values.shape=}: (..., seeds, arms) with at least one seed is needed")
    return np.where(np.isfinite(values), values, np.nan).swapaxes(-1, -2)


def _summarize(columns: Floats) -> Summary:
    """``summarize`` of (..., arms, seeds)."""
    # The order of a sum depends on the strides, so an arm's last bit would on its neighbours.
    columns = np.ascontiguousarray(columns)
    n = columns.shape[-1]
    # An overflow is no error: it gives an infinite interval.
    with np.errstate(all="ignore"):
        equal = columns.max(axis=-1) == columns.min(axis=-1)
        mean = np.where(equal, columns[..., 0], columns.mean(axis=-1))
        if n < 2:
            unknown = np.full_like(mean, np.nan)
            return Summary(mean, unknown, unknown, unknown)
        std = np.where(equal, 0.0, columns.std(axis=-1, ddof=1))
        margin = half_width(std, n, np.asarray(SIGNIFICANCE))
        return Summary(mean, std, mean - margin, mean + margin)


def half_width(std: Floats, seeds: int, level: Floats) -> Floats:
    """Half of Student's interval, which misses the true mean with the probability ``level``."""
    margin: Floats = stdtrit(seeds - 1, 1 - level / 2) * std / np.sqrt(seeds)
    return margin


def p_value_of(difference: Summary, seeds: int) -> Floats:
    """Two-sided p of a mean difference of 0, also where all differences are equal.

    There t has no value or is infinite: differences of 0 say nothing against 0 (p = 1), others
    everything (p = 0).
    """
    with np.errstate(all="ignore"):
        t = difference.mean / (difference.std / np.sqrt(seeds))
        p: Floats = 2 * stdtr(seeds - 1, -np.abs(t))
    return np.where((difference.std == 0) & (difference.mean == 0), 1.0, p)


def one_sided_p(values: Floats) -> Floats:
    """P of a mean of 0 or below, by the one-sided t test; ``values`` is (..., seeds, arms)."""
    ahead = summarize(values)
    two_sided = p_value_of(ahead, np.asarray(values).shape[-2])
    return np.where(ahead.mean > 0, two_sided / 2, 1 - two_sided / 2)
