"""Are arms different? Statistics of a (seeds x arms) table, as pure functions.

Every function takes any leading axes, so that many tables are done at once. A column with a value
that is not finite has no statistics: it gives NaN, and leaves the other columns alone. Nothing
here warns.
"""

from collections.abc import Sequence
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
    """Each arm against its baseline: arrays of shape (..., arms).

    The improvement is in the unit of the values; positive is better than the baseline. The
    column of an arm that is its own baseline is NaN, its verdict empty.
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


def compare(values: Floats, baseline: int | Sequence[int], tests: int | None = None) -> Comparison:
    """Each arm against column ``baseline``, or against a column of its own, in pairs of equal seed.

    ``values`` is (..., seeds, arms) of a metric of which less is better. The improvement is
    d = baseline - arm. The p values are those of the two-sided paired t test,
    t = mean(d) / (std(d) / sqrt(n)), uncorrected and by Holm's method over ``tests`` tests. With
    one seed ``improvement_mean`` and ``probability_better`` are known, the other numbers NaN.

    The intervals are mean(d) +- t * std(d) / sqrt(n) at ``interval_levels``, so that one excludes
    0 exactly where the verdict says that there is a difference.

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
    arms, seeds = columns.shape[-2:]
    places = np.broadcast_to(baseline, arms)
    with np.errstate(all="ignore"):
        improvement = columns[..., places, :] - columns
        # Compared with nothing, a baseline must not count as a test.
        improvement[..., places % arms == np.arange(arms), :] = np.nan
        probability_better = (1 + np.sign(improvement).mean(axis=-1)) / 2
    summary = _summarize(improvement)
    p_value = _p_value(summary, seeds)
    p_holm = holm(p_value, tests)
    with np.errstate(all="ignore"):
        margin = _margin(summary.std, seeds, interval_levels(p_value, tests))
    return Comparison(
        improvement_mean=summary.mean,
        improvement_ci_low=summary.mean - margin,
        improvement_ci_high=summary.mean + margin,
        p_value=p_value,
        p_holm=p_holm,
        probability_better=probability_better,
        verdict=verdicts(summary.mean, p_holm),
    )


def holm(p_values: Floats, tests: int | None = None) -> Floats:
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


def interval_levels(p_values: Floats, tests: int | None = None) -> Floats:
    """With what probability each interval may miss, so that none contradicts its verdict.

    It is 0.05 / m, at which all intervals hold at once in 95 % of tables. Where Holm's method
    finds a difference that such an interval does not show, whose p value is 0.05 / m or more, it
    is 0.05 / (m - k + 1), at which the k-th smallest p value was tested. These hold at once in
    95 % of tables where no arm differs and where every arm does, and in any case in more than
    95 % less 5 % times the share of arms that differ: a false verdict may take 5 % by itself.

    Source: Guilbaud, Simultaneous confidence regions corresponding to Holm's step-down procedure
    and other closed-testing procedures, Biometrical Journal 50 (2008).
    """
    p_values = np.asarray(p_values, dtype=float)
    order = p_values.argsort(axis=-1)
    left = _tests_left(p_values, tests)
    bonferroni = SIGNIFICANCE / np.maximum(left[..., :1], 1)
    own_step = np.empty_like(p_values)
    np.put_along_axis(own_step, order, SIGNIFICANCE / np.maximum(left, 1), axis=-1)
    hidden = (holm(p_values, tests) < SIGNIFICANCE) & (p_values >= bonferroni)
    return np.where(hidden, own_step, bonferroni)


def _tests_left(p_values: Floats, tests: int | None) -> Floats:
    """m - k + 1 for the k-th smallest p value of m tests, along the last axis."""
    known = np.isfinite(p_values).sum(axis=-1, keepdims=True)
    count = known if tests is None else np.full_like(known, tests)
    left: Floats = (count - np.arange(p_values.shape[-1])).astype(float)
    return left


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
        margin = _margin(std, n, np.asarray(SIGNIFICANCE))
        return Summary(mean, std, mean - margin, mean + margin)


def _margin(std: Floats, seeds: int, level: Floats) -> Floats:
    """Half of Student's interval, which misses the true mean with the probability ``level``."""
    margin: Floats = stdtrit(seeds - 1, 1 - level / 2) * std / np.sqrt(seeds)
    return margin


def _p_value(difference: Summary, seeds: int) -> Floats:
    """Two-sided p of a mean difference of 0, also where all differences are equal.

    There t has no value or is infinite: differences of 0 say nothing against 0 (p = 1), others
    everything (p = 0).
    """
    with np.errstate(all="ignore"):
        t = difference.mean / (difference.std / np.sqrt(seeds))
        p: Floats = 2 * stdtr(seeds - 1, -np.abs(t))
    return np.where((difference.std == 0) & (difference.mean == 0), 1.0, p)
