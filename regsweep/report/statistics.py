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

BETTER, WORSE, UNDECIDED = "better", "worse", "no detectable difference"

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]


@dataclass(frozen=True)
class Summary:
    """Each arm over its seeds: arrays of shape (..., arms), in the unit of the values."""

    mean: Floats
    std: Floats
    ci_low: Floats
    ci_high: Floats


@dataclass(frozen=True)
class Comparison:
    """Each arm against the baseline: arrays of shape (..., arms).

    The improvement is in the unit of the values; positive is better than the baseline. The
    baseline's own column is NaN, its verdict empty.
    """

    improvement_mean: Floats
    improvement_ci_low: Floats
    improvement_ci_high: Floats
    p_value: Floats
    p_holm: Floats
    probability_better: Floats
    verdict: Texts


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


def compare(values: Floats, baseline: int) -> Comparison:
    """Each arm against column ``baseline``, in pairs of equal seed.

    ``values`` is (..., seeds, arms) of a metric of which less is better. The improvement is
    d = baseline - arm. The p values are those of the two-sided paired t test,
    t = mean(d) / (std(d) / sqrt(n)), uncorrected and by Holm's method over the arms. With one
    seed ``improvement_mean`` and ``probability_better`` are known, the other numbers NaN.

    ``probability_better`` is the share of seeds on which the arm is below the baseline, ties
    counting half. It follows Agarwal et al. (NeurIPS 2021), who take all pairs of runs where
    here a run is paired with that of the same seed.

    Sources: Student, Biometrika 6 (1908); Agarwal et al., Deep Reinforcement Learning at the
    Edge of the Statistical Precipice, NeurIPS 2021.

    Raises:
        ValueError: ``values`` has no axis of seeds and arms, or no seed.
        IndexError: there is no column ``baseline``.
    """
    columns = _columns(values)
    with np.errstate(all="ignore"):
        improvement = columns[..., [baseline], :] - columns
        # Compared with nothing, the baseline must not count as a test.
        improvement[..., baseline, :] = np.nan
        probability_better = (1 + np.sign(improvement).mean(axis=-1)) / 2
    summary = _summarize(improvement)
    p_value = _p_value(summary, seeds=columns.shape[-1])
    p_holm = holm(p_value)
    return Comparison(
        improvement_mean=summary.mean,
        improvement_ci_low=summary.ci_low,
        improvement_ci_high=summary.ci_high,
        p_value=p_value,
        p_holm=p_holm,
        probability_better=probability_better,
        verdict=verdicts(summary.mean, p_holm),
    )


def holm(p_values: Floats) -> Floats:
    """P values corrected for the number of tests, along the last axis.

        p_holm of the k-th smallest of m = max over j <= k of min(1, (m - j + 1) * p_j)

    NaN stays NaN and is no test. Shape (..., tests), in and out.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal
    of Statistics 6 (1979).
    """
    p_values = np.asarray(p_values, dtype=float)
    order = p_values.argsort(axis=-1)
    ascending = np.take_along_axis(p_values, order, axis=-1)
    tests = np.isfinite(p_values).sum(axis=-1, keepdims=True)
    # NaN is sorted last, so it reaches no p value through the running maximum.
    scaled = ascending * (tests - np.arange(p_values.shape[-1]))
    corrected = np.empty_like(p_values)
    monotone = np.maximum.accumulate(scaled, axis=-1)
    np.put_along_axis(corrected, order, np.minimum(monotone, 1.0), axis=-1)
    return corrected


def verdicts(improvement: Floats, p_holm: Floats) -> Texts:
    """What a reader may conclude of each arm; empty where p is NaN. Any shape, kept.

    ``better`` or ``worse`` by the sign of the improvement where ``p_holm`` is below 0.05, else
    ``no detectable difference``.
    """
    found = np.asarray(p_holm) < SIGNIFICANCE
    better = np.asarray(improvement) > 0
    cases = [np.isnan(p_holm), found & better, found]
    return np.select(cases, ["", BETTER, WORSE], UNDECIDED)


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
        margin = stdtrit(n - 1, (1 + CONFIDENCE) / 2) * std / np.sqrt(n)
        return Summary(mean, std, mean - margin, mean + margin)


def _p_value(difference: Summary, seeds: int) -> Floats:
    """Two-sided p of a mean difference of 0, also where all differences are equal.

    There t has no value or is infinite: differences of 0 say nothing against 0 (p = 1), others
    everything (p = 0).
    """
    with np.errstate(all="ignore"):
        t = difference.mean / (difference.std / np.sqrt(seeds))
        p: Floats = 2 * stdtr(seeds - 1, -np.abs(t))
    return np.where((difference.std == 0) & (difference.mean == 0), 1.0, p)
