import numpy as np
import pandas as pd
import pytest

from benchmarks.plateau import CURVES, SPACE, found_range, holds, searched
from regsweep.report.tables.comparison import comparison_table
from regsweep.report.tables.gather import gather
from regsweep.report.tables.plateau import FEWEST_TRIALS, WEIGHT, plateau
from regsweep.report.tables.runs import runs_table

RATIO = "regularizer.l1_ratio"
LINEAR = {WEIGHT: "interval(0, 1)"}


def of(weights, values, space=SPACE, margin=0.01, **more):
    trials = pd.DataFrame({WEIGHT: weights} | more)
    costs = pd.Series(values)
    return plateau(trials, costs, costs.idxmin(), space, margin)


def parabola(shares):
    """Within 1 % of its least where the share of the interval is from 0.4 to 0.6."""
    return 0.3 * (1 + (np.asarray(shares) - 0.5) ** 2)


def test_without_noise_the_range_is_that_of_the_curve():
    shares = np.linspace(0, 1, 20)
    low, high = of(10 ** (-6 + 4 * shares), parabola(shares))
    assert np.log10([low, high]) == pytest.approx([-4.4, -3.6], abs=0.1)


def test_a_linear_space_is_read_linearly():
    shares = np.linspace(0, 1, 20)
    assert of(shares, parabola(shares), LINEAR) == pytest.approx((0.4, 0.6), abs=0.025)


@pytest.mark.parametrize("key", ["p", "amount", "alpha"])
def test_the_strength_may_have_another_name(key):
    shares = np.linspace(0, 1, 20)
    key = f"regularizer.{key}"
    trials, costs = pd.DataFrame({key: shares}), pd.Series(parabola(shares))
    found = plateau(trials, costs, costs.idxmin(), {key: "interval(0, 1)"}, 0.01)
    assert found == pytest.approx((0.4, 0.6), abs=0.025)


def test_a_wider_margin_is_a_wider_range():
    shares = np.linspace(0, 1, 20)
    low, high = of(shares, parabola(shares), LINEAR, margin=0.04)
    assert (low, high) == pytest.approx((0.3, 0.7), abs=0.025)


def test_a_range_ends_with_the_interval_that_was_searched():
    shares = np.linspace(0.02, 0.98, 20)
    assert of(10 ** (-6 + 4 * shares), np.full(20, 0.3)) == (1e-6, 1e-2)


def test_how_bad_the_bad_trials_were_does_not_matter():
    shares = np.linspace(0, 1, 20)
    steep = np.where(shares > 0.85, 1e6, parabola(shares))
    assert of(shares, steep, LINEAR) == pytest.approx((0.4, 0.6), abs=0.05)


def test_an_error_of_zero_has_a_range():
    shares = np.linspace(0, 1, 20)
    low, high = of(shares, (shares - 0.5).clip(0), LINEAR)
    assert low < 0.25 < high < 0.75


def test_a_second_valley_is_not_part_of_the_range():
    shares = np.linspace(0, 1, 30)
    values = 0.3 - 0.1 * np.exp(-(((shares - 0.2) / 0.1) ** 2))
    values -= 0.0995 * np.exp(-(((shares - 0.8) / 0.1) ** 2))
    low, high = of(shares, values, LINEAR)
    assert 0.1 < low < 0.2 < high < 0.3


def test_of_two_keys_the_other_is_at_its_best():
    weights, ratios = (part.ravel() for part in np.meshgrid(*[np.linspace(0, 1, 9)] * 2))
    # Along the ridge, where the two sum to 1, all are as good.
    values = 0.3 * (1 + (weights + ratios - 1) ** 2)
    values[(weights == 0.25) & (ratios == 0.75)] -= 1e-6
    space = LINEAR | {RATIO: "interval(0, 1)"}
    assert of(weights, values, space, **{RATIO: ratios}) == pytest.approx((0.15, 0.35), abs=0.05)


def test_what_no_trial_measures_has_no_range():
    shares = np.linspace(0.1, 0.9, 20)
    values = parabola(shares)
    listed = {WEIGHT: "choice(1, 2)"}
    assert of(shares, values, LINEAR) is not None
    assert of(shares, values, LINEAR, margin=None) is None
    assert of(shares, values, listed) is None
    assert of(shares, values, {}) is None
    assert of(shares, values, {RATIO: "interval(0, 1)"}, **{RATIO: shares}) is None
    assert of(shares, values, LINEAR | {RATIO: "choice(0, 1)"}, **{RATIO: shares}) is None
    three = LINEAR | {"a": "interval(0, 1)", "b": "interval(0, 1)"}
    assert of(shares, values, three, a=shares, b=shares) is None


def test_too_few_different_weights_have_no_range():
    shares = np.linspace(0.1, 0.9, FEWEST_TRIALS)
    assert of(shares, parabola(shares), LINEAR) is not None
    twice = np.repeat(shares[1:], 2)
    assert of(twice, parabola(twice), LINEAR) is None


def test_trials_of_another_space_are_none_of_its_own():
    shares = np.linspace(0, 1, 20)
    own = of(shares, parabola(shares), LINEAR)
    others = [0.31, 0.31, 0.31]
    assert of([*shares, 5.0, np.nan, "a"], [*parabola(shares), *others], LINEAR) == own


def test_an_arms_row_has_its_range_and_an_arm_without_a_weight_none(folder):
    folder.compared("none", "l1", budget={"n_trials": 20})
    shares = np.linspace(0, 1, 20)
    for number, share in enumerate(shares):
        folder.trial(number, float(10 ** (-6 + 4 * share)), float(parabola(share)))
    folder.trial(0, None, 0.3, arm="none")
    found = gather([folder.root])
    table = comparison_table(runs_table(found.runs), found.objectives, found.asked)
    row = table.set_index("arm").loc["regularizer=l1"]
    costs = parabola(shares)
    assert (row["plateau_low"], row["plateau_high"]) == of(10 ** (-6 + 4 * shares), costs)
    none = table.set_index("arm").loc["regularizer=none"]
    assert none[["plateau_low", "plateau_high"]].isna().all()


def test_replicates_of_a_trial_count_by_their_mean(folder):
    folder.compared("l1", spaces=LINEAR, budget={"n_trials": 10, "replicates": 2})
    shares = np.linspace(0, 1, 10)
    for number, share in enumerate(shares):
        for seed, off in ((0, 0.25), (1, -0.25)):
            folder.trial(number, share, float(parabola(share)) + off, seed=seed)
    found = gather([folder.root])
    [row] = comparison_table(runs_table(found.runs), "val_loss", found.asked).to_dict("records")
    assert (row["plateau_low"], row["plateau_high"]) == pytest.approx((0.4, 0.6), abs=0.05)


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_the_true_best_is_held_by_nine_ranges_in_ten(sampler):
    found = [
        holds(found_range(*searched(curve, 0.012, sampler, seed)), curve)
        for curve in CURVES.values()
        for seed in range(4)
    ]
    assert sum(found) >= 18
