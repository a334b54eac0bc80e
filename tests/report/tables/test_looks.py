"""Arms judged in looks: closed forms by hand, error rates by simulation."""

import numpy as np
import pytest
from scipy import stats

from regsweep.report.tables.looks import (
    BETTER,
    EQUIVALENT,
    UNDECIDED,
    UNSTABLE,
    WORSE,
    LookPlan,
    judge_arms,
    judge_in_looks,
    planned_looks,
    seeds_needed,
    shares,
)

LOOKS, TESTS = (10, 20, 40), 4


def sweeps(number, effects, arms=5, spread=1.0, seed=1):
    """Metrics (sweeps, 40 seeds, arms) about 100: arm 0 is the baseline of the others.

    A paired difference has a standard deviation of 1; ``effects`` are improvements in that unit.
    """
    generator = np.random.default_rng(seed)
    of_run = generator.standard_normal((number, LOOKS[-1], arms)) * np.sqrt(0.5)
    of_run[..., 1:] *= np.asarray(spread)
    of_seed = 3 * generator.standard_normal((number, LOOKS[-1], 1))
    return 100 + of_seed + of_run - np.array([0, *effects])


def judged(values, margin=0.006, looks=LOOKS, tests=TESTS):
    return judge_in_looks(values, [0] * values.shape[-1], looks, tests, margin)


def claims(found):
    return np.isin(found.verdict, (BETTER, WORSE))


@pytest.mark.parametrize(
    ("first", "last", "looks"),
    [
        (10, 40, (10, 20, 40)),
        (10, 50, (10, 20, 40, 50)),
        (40, 40, (40,)),
        (50, 40, (50,)),
        (3, 7, (3, 6, 7)),
        (0, 40, ()),
    ],
)
def test_looks_double_from_the_first_to_the_last(first, last, looks):
    assert planned_looks(first, last) == looks
    assert sum(shares(looks)) == pytest.approx(0.05 if looks else 0)


def test_each_look_spends_by_the_seeds_that_are_new_at_it():
    assert shares(LOOKS) == pytest.approx((0.0125, 0.0125, 0.025))


def test_an_arm_stops_at_the_look_that_finds_it_and_is_judged_on_its_seeds_alone():
    values = sweeps(1, (3, 0, 0, 0))[0]
    later = values.copy()
    later[10:, 1] += 50  # what nobody has looked at

    found, other = judged(values), judged(later)

    assert (found.verdict[1], found.seeds[1]) == (BETTER, 10)
    assert found.improvement_mean[1] == other.improvement_mean[1]
    pairs = values[:10, 0] - values[:10, 1]
    p = stats.ttest_1samp(pairs, 0).pvalue
    assert found.p_value[1] == pytest.approx(p)
    assert found.p_holm[1] == pytest.approx(4 * p * 0.05 / 0.0125)
    low, high = stats.ttest_1samp(pairs, 0).confidence_interval(1 - 0.0125 / 4)
    assert found.improvement_ci_low[1] == pytest.approx(low)
    assert found.improvement_ci_high[1] == pytest.approx(high)


def test_p_is_below_5_percent_and_the_interval_excludes_0_exactly_where_one_was_found():
    found = judged(sweeps(3000, (0.3, 0.5, 0.7, 0)), margin=None)

    arms = slice(1, None)
    excludes = (found.improvement_ci_low > 0) | (found.improvement_ci_high < 0)
    assert (excludes[:, arms] == claims(found)[:, arms]).all()
    assert ((found.p_holm < 0.05)[:, arms] == claims(found)[:, arms]).all()
    assert {10, 20, 40} == set(found.seeds[:, arms].ravel().tolist())


def test_what_was_found_before_leaves_the_others_more():
    values = sweeps(1, (9, 0, 0, 0))[0]
    alone = judged(np.delete(values, 1, axis=1), margin=None, tests=3)

    found = judged(values, margin=None)

    # From the second look on three tests are left, as if the first had never been.
    assert found.improvement_ci_low[2] == alone.improvement_ci_low[1]


def test_equivalent_is_within_the_margin_on_both_sides_in_pairs():
    values = sweeps(1, (0, 0, 0, 0))[0]
    found = judged(values, margin=0.03)

    assert (found.verdict[1:] == EQUIVALENT).all()
    assert (found.seeds[1:] == 10).all()
    pairs = values[:10, 0] - values[:10, 1]
    assert found.margin[1] == pytest.approx(0.03 * values[:10, 0].mean())
    low, high = stats.ttest_1samp(pairs, 0).confidence_interval(1 - 0.0125 / 4)
    assert -found.margin[1] < low
    assert high < found.margin[1]


def test_a_difference_that_is_found_may_be_too_small_to_matter():
    values = sweeps(1, (2, 0, 0, 0))[0]

    found = judged(values, margin=0.1)

    assert found.verdict[1] == EQUIVALENT
    assert found.p_holm[1] < 0.05


def test_an_arm_that_breaks_off_is_unstable_and_a_baseline_leaves_what_was_decided():
    values = sweeps(1, (9, 0, 0, 0))[0]
    values[3, 2] = np.inf
    values[15, 0] = np.inf

    found = judged(values, margin=None)

    assert found.verdict.tolist() == ["", BETTER, UNSTABLE, UNDECIDED, UNDECIDED]
    assert found.seeds.tolist()[3:] == [10, 10]
    assert not found.open.any()


def test_a_look_waits_for_all_runs_of_the_arms_that_it_judges():
    values = sweeps(1, (9, 0, 0, 0))[0]
    values[10:, 1] = np.nan  # decided at the first look
    values[19:, 2] = np.nan

    found = judged(values, margin=None)

    assert found.verdict.tolist() == ["", BETTER, *[UNDECIDED] * 3]
    assert found.seeds.tolist() == [0, 10, 10, 10, 10]
    assert found.open.tolist() == [False, False, True, True, True]


def test_an_arm_whose_baseline_has_no_run_is_compared_with_nothing():
    plan = LookPlan((5, 6), (2,), {"none": "none", "l1": "none"}, None)

    assert judge_arms({"l1": {5: 1.0, 6: 2.0}}, plan)["l1"].verdict == ""
    both = judge_arms({"l1": {5: 1.0, 6: 2.0}, "none": {6: 4.0, 5: 2.0}}, plan)
    assert both["l1"].improvement_mean == 1.5


@pytest.mark.parametrize("spread", [1.0, (0.5, 1, 2, 3)], ids=str)
@pytest.mark.parametrize("effects", [(0, 0, 0, 0), (1, 0, 0, 0), (1, 1, 1, 0)], ids=str)
def test_few_sweeps_claim_what_is_false(effects, spread):
    found = judged(sweeps(20_000, effects, spread=spread), margin=None)

    truly = np.array([0, *effects])
    false = (claims(found) & (truly == 0)) | (found.verdict == WORSE)
    assert false.any(axis=-1).mean() < 0.055


def test_few_sweeps_call_arms_at_the_margin_equivalent():
    found = judged(sweeps(20_000, (-0.6, -0.6, -0.6, -0.6)))

    assert (found.verdict == EQUIVALENT).any(axis=-1).mean() < 0.055


def test_the_power_is_what_the_plan_is_made_for():
    found = judged(sweeps(4_000, (0.7, 0, 0, 0)), margin=None)
    one_look = judged(sweeps(4_000, (0.7, 0, 0, 0)), margin=None, looks=(10,))

    assert (found.verdict[:, 1] == BETTER).mean() > 0.9
    assert (one_look.verdict[:, 1] == BETTER).mean() < 0.4
    assert found.seeds[:, 1].mean() < 32


def test_so_many_seeds_decide_about_the_margin_in_four_of_five_cases():
    needed = seeds_needed(std=1.0, margin=0.6, tests=1)
    generator = np.random.default_rng(5)

    def decided(effect):
        base = 100 + generator.standard_normal((4_000, needed, 1)) * np.sqrt(0.5)
        arm = 100 - effect + generator.standard_normal((4_000, needed, 1)) * np.sqrt(0.5)
        values = np.concatenate([base, arm], axis=-1)
        return judge_in_looks(values, [0, 0], (needed,), 1, 0.006).verdict[:, 1]

    assert (decided(0.0) == EQUIVALENT).mean() == pytest.approx(0.8, abs=0.04)
    assert (decided(0.6) == BETTER).mean() > 0.78
    assert seeds_needed(1.0, np.nan, 1) is None
    assert seeds_needed(1.0, 1e-6, 1) is None
