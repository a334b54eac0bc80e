from dataclasses import fields, replace

import numpy as np
import pytest
from scipy import stats

from regsweep.report.tables.looks import BETTER, NUMBERS, UNDECIDED, UNSTABLE, WORSE, judge_in_looks
from regsweep.report.tables.statistics import holm, summarize

# Student's t at 97.5 %, from a printed table.
T_OF_2, T_OF_3 = 4.302653, 3.182446


def table(*arms):
    """The (seeds, arms) table of one list of values an arm."""
    return np.array(arms, dtype=float).T


def compare(values, baseline, tests=None):
    """Judged in one look, at all seeds."""
    seeds, arms = np.shape(values)[-2:]
    baselines = [place % arms for place in np.broadcast_to(baseline, arms)]
    tested = sum(place != arm for arm, place in enumerate(baselines))
    return judge_in_looks(values, baselines, (seeds,), tests or tested, None)


def random_table(seeds=7, arms=4, batch=()):
    generator = np.random.default_rng(3)
    of_seed = generator.normal(size=(*batch, seeds, 1))
    return of_seed + generator.normal(size=(*batch, seeds, arms)) + np.linspace(0, 2, arms)


def assert_same(left, right):
    for field in fields(left):
        np.testing.assert_array_equal(getattr(left, field.name), getattr(right, field.name))


def numbers(comparison, arm):
    """Everything but the verdict, of one arm."""
    names = [name for name in NUMBERS if name != "margin"]
    return {name: float(getattr(comparison, name)[arm]) for name in names}


class TestSummarize:
    def test_a_small_table_by_hand(self):
        found = summarize(table([1, 2, 3, 6], [5, 5, 5, 5]))

        # Deviations -2, -1, 0, 3: squares 14, over 3.
        std = (14 / 3) ** 0.5
        assert found.mean.tolist() == [3, 5]
        assert found.std.tolist() == pytest.approx([std, 0])
        margin = T_OF_3 * std / 2
        assert found.ci_low.tolist() == pytest.approx([3 - margin, 5])
        assert found.ci_high.tolist() == pytest.approx([3 + margin, 5])

    @pytest.mark.parametrize("seeds", [2, 3, 10, 100])
    def test_the_interval_is_scipys(self, seeds):
        values = random_table(seeds)

        found = summarize(values)

        low, high = stats.t.interval(0.95, seeds - 1, values.mean(0), stats.sem(values, axis=0))
        np.testing.assert_allclose(found.ci_low, low, rtol=1e-12)
        np.testing.assert_allclose(found.ci_high, high, rtol=1e-12)
        np.testing.assert_allclose(found.std, values.std(0, ddof=1), rtol=1e-12)

    def test_equal_values_have_no_spread_though_their_mean_rounds(self):
        assert np.mean([0.1] * 3) != 0.1

        found = summarize(table([0.1] * 3))

        assert [found.mean, found.std, found.ci_low, found.ci_high] == [0.1, 0, 0.1, 0.1]

    def test_one_seed_has_a_mean_alone(self):
        found = summarize(table([1], [2]))

        assert found.mean.tolist() == [1, 2]
        for unknown in (found.std, found.ci_low, found.ci_high):
            assert np.isnan(unknown).tolist() == [True, True]


class TestCompare:
    def test_a_small_table_by_hand(self):
        found = compare(table([1.0, 2.0, 3.0], [0.5, 1.0, 3.0], [1.5, 3.0, 3.0]), baseline=0)

        # Improvements 1/2, 1, 0: mean 1/2, standard deviation 1/2, so t = sqrt(3); with two
        # degrees of freedom p = 1 - t / sqrt(2 + t^2).
        p = 1 - (3 / 5) ** 0.5
        # Of two tests the interval misses in 0.05 / 2.
        margin = stats.t.ppf(1 - 0.0125, 2) * 0.5 / 3**0.5
        assert numbers(found, 1) == pytest.approx(
            {
                "improvement_mean": 0.5,
                "improvement_ci_low": 0.5 - margin,
                "improvement_ci_high": 0.5 + margin,
                "p_value": p,
                "p_holm": 2 * p,
                "probability_better": 2.5 / 3,
            }
        )
        assert found.improvement_mean[2] == -0.5
        assert found.probability_better[2] == pytest.approx(0.5 / 3)
        assert found.verdict.tolist() == ["", UNDECIDED, UNDECIDED]

    def test_the_test_and_its_interval_are_scipys(self):
        values = random_table(seeds=10)

        found = compare(values, baseline=1)

        # Of arm 3 a difference is found first, of three tests; then of none of two.
        for arm, level in ((0, 0.05 / 2), (2, 0.05 / 2), (3, 0.05 / 3)):
            oracle = stats.ttest_rel(values[:, 1], values[:, arm])
            low, high = oracle.confidence_interval(1 - level)
            assert found.p_value[arm] == pytest.approx(oracle.pvalue, rel=1e-10)
            assert found.improvement_ci_low[arm] == pytest.approx(low)
            assert found.improvement_ci_high[arm] == pytest.approx(high)

    def test_arms_are_corrected_together_and_told_apart_by_sign(self):
        values = random_table(seeds=10)
        values[:, 0] -= 9
        values[:, 3] += 9

        found = compare(values, baseline=1)

        tests = [0, 2, 3]
        np.testing.assert_array_equal(found.p_holm[tests], holm(found.p_value[tests]))
        assert found.verdict.tolist() == [BETTER, "", UNDECIDED, WORSE]

    @pytest.mark.parametrize("baseline", [0, 2, -1])
    def test_the_baseline_is_compared_with_nothing(self, baseline):
        found = compare(random_table(), baseline)

        assert np.isnan(list(numbers(found, baseline).values())).all()
        assert found.verdict[baseline] == ""
        assert (found.verdict == "").sum() == 1

    def test_differences_of_zero_say_nothing(self):
        same = [0.3, 0.1, 0.2]

        found = compare(table(same, same), baseline=0)

        assert numbers(found, 1) == {
            "improvement_mean": 0,
            "improvement_ci_low": 0,
            "improvement_ci_high": 0,
            "p_value": 1,
            "p_holm": 1,
            "probability_better": 0.5,
        }
        assert found.verdict[1] == UNDECIDED

    @pytest.mark.parametrize(
        ("difference", "verdict", "probability"), [(0.25, BETTER, 1), (-0.25, WORSE, 0)]
    )
    def test_equal_differences_leave_no_doubt(self, difference, verdict, probability):
        values = np.array([1.0, 2.0, 4.0])

        found = compare(table(values, values - difference), baseline=0)

        assert numbers(found, 1) == {
            "improvement_mean": difference,
            "improvement_ci_low": difference,
            "improvement_ci_high": difference,
            "p_value": 0,
            "p_holm": 0,
            "probability_better": probability,
        }
        assert found.verdict[1] == verdict

    def test_one_seed_has_an_improvement_and_no_test(self):
        found = compare(table([3], [1], [3]), baseline=0)

        assert found.improvement_mean[1:].tolist() == [2, 0]
        assert found.probability_better[1:].tolist() == [1, 0.5]
        for unknown in (
            *(found.improvement_ci_low, found.improvement_ci_high),
            *(found.p_value, found.p_holm),
        ):
            assert np.isnan(unknown).all()
        assert found.verdict.tolist() == ["", "", ""]

    def test_an_arm_of_which_a_run_broke_off_is_unstable_and_still_counts(self):
        values = random_table(seeds=10)
        broken = values.copy()
        broken[4, 2] = np.inf

        found = compare(broken, baseline=0)

        others = compare(values[:, [0, 1, 3]], baseline=0, tests=3)
        assert np.isnan(list(numbers(found, 2).values())).all()
        assert found.verdict[2] == UNSTABLE
        for left, right in ((1, 1), (3, 2)):
            assert numbers(found, left) == numbers(others, right)
        assert np.isnan(compare(broken, baseline=2).p_value).all()

    def test_numbers_at_the_ends_of_the_range_raise_no_warning(self):
        largest, least = np.finfo(float).max, np.finfo(float).tiny

        arms = table([largest, -largest], [-largest, largest], [least, 0])
        found = compare(arms, baseline=0)

        assert not {"better", "worse"} & set(found.verdict)

    def test_many_tables_at_once_give_what_each_gives_alone(self):
        values = random_table(batch=(2, 3))

        at_once, summaries = compare(values, baseline=1), summarize(values)

        for i in np.ndindex(2, 3):
            mine = {field.name: getattr(at_once, field.name)[i] for field in fields(at_once)}
            assert_same(replace(at_once, **mine), compare(values[i], baseline=1))
            of_arms = {field.name: getattr(summaries, field.name)[i] for field in fields(summaries)}
            assert_same(replace(summaries, **of_arms), summarize(values[i]))

    def test_the_table_is_not_written_to(self):
        values = random_table()
        before = values.copy()

        compare(values, baseline=0)

        np.testing.assert_array_equal(values, before)

    def test_a_table_without_an_axis_of_seeds_is_refused(self):
        with pytest.raises(ValueError, match=r"values.shape=\(3,\)"):
            judge_in_looks(np.zeros(3), [0, 0, 0], (1,), 2, None)


def naive_holm(p_values):
    """Step down: the smallest p times the tests that are left, never below the last one."""
    left = {i: p for i, p in enumerate(p_values) if p == p}
    corrected, last = list(p_values), 0.0
    while left:
        smallest = min(left, key=left.__getitem__)
        last = max(last, min(1.0, len(left) * left[smallest]))
        corrected[smallest] = last
        del left[smallest]
    return corrected


class TestHolm:
    @pytest.mark.parametrize(
        ("p_values", "corrected"),
        [
            # 4 * 0.005; 3 * 0.01; 2 * 0.03; 1 * 0.04 is below the one before it.
            ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
            ([0.5, 0.4, 0.9], [1.0, 1.0, 1.0]),
            ([0.04], [0.04]),
            ([0.0, 1.0], [0.0, 1.0]),
            ([np.nan, 0.02, np.nan, 0.03], [np.nan, 0.04, np.nan, 0.04]),
            ([np.nan, np.nan], [np.nan, np.nan]),
        ],
    )
    def test_worked_examples(self, p_values, corrected):
        np.testing.assert_allclose(holm(np.array(p_values)), corrected, rtol=1e-14)

    def test_it_steps_down_in_every_row(self):
        generator = np.random.default_rng(5)
        p_values = generator.uniform(0, 0.5, size=(40, 25, 6))
        p_values[generator.uniform(size=p_values.shape) < 0.2] = np.nan
        p_values[:, ::3, 1] = p_values[:, ::3, 4]  # ties

        corrected = holm(p_values)

        oracle = [naive_holm(row) for row in p_values.reshape(-1, 6).tolist()]
        np.testing.assert_allclose(corrected.reshape(-1, 6), oracle, rtol=1e-14)


def test_planned_tests_without_a_p_value_count_as_the_largest():
    p_values = np.array([0.01, np.nan, 0.03])

    np.testing.assert_allclose(holm(p_values, tests=4), [0.04, np.nan, 0.09])


def test_arms_may_have_baselines_of_their_own():
    values = random_table(seeds=10)

    found = compare(values, baseline=[0, 0, 2, 2])

    assert np.isnan(found.p_value).tolist() == [True, False, True, False]
    for arm, baseline in ((1, 0), (3, 2)):
        alone = compare(values[:, [baseline, arm]], baseline=0, tests=2)
        assert found.p_value[arm] == alone.p_value[1]
        assert found.improvement_mean[arm] == alone.improvement_mean[1]


# 20,000 sweeps of a baseline and 4 arms on 10 seeds, whose effect all of them share; in each the
# true loss of every arm is TRUTH. A paired difference has a standard deviation of sqrt(2) * 0.01.
SWEEPS, SEEDS, ARMS = 20_000, 10, 5
TRUTH = 0.3


@pytest.fixture(scope="module")
def losses():
    generator = np.random.default_rng(20_000)
    of_seed = generator.normal(size=(SWEEPS, SEEDS, 1))
    of_run = generator.normal(size=(SWEEPS, SEEDS, ARMS))
    return TRUTH + 0.02 * of_seed + 0.01 * of_run


@pytest.fixture(scope="module")
def simulated(losses):
    return compare(losses, baseline=0)


def claims(verdict):
    return (verdict == BETTER) | (verdict == WORSE)


class TestSimulatedSweeps:
    def test_few_sweeps_claim_a_difference_that_is_not_there(self, simulated):
        rate = claims(simulated.verdict).any(axis=-1).mean()

        # Holm's method promises at most 5 %; as the arms share a baseline, it is a little less.
        assert 0.03 < rate < 0.055

    def test_intervals_of_improvement_cover_zero_at_their_rate(self, simulated):
        low, high = simulated.improvement_ci_low[:, 1:], simulated.improvement_ci_high[:, 1:]
        rates = ((low <= 0) & (high >= 0)).mean(axis=0)

        assert ((rates > 0.985) & (rates < 0.99)).all()

    @pytest.mark.parametrize(("effect", "least"), [(0.0, 0.95), (0.014, 0.94), (0.1, 0.93)])
    def test_all_intervals_of_a_sweep_hold_at_once_as_often_as_said(self, losses, effect, least):
        """Where no arm differs, and where every arm does."""
        found = compare(losses - effect * np.array([0, 1, 1, 1, 1]), baseline=0)
        low, high = found.improvement_ci_low[:, 1:], found.improvement_ci_high[:, 1:]

        assert ((low <= effect) & (effect <= high)).all(axis=-1).mean() > least

    def test_an_interval_excludes_zero_exactly_where_there_is_a_difference(self, losses):
        found = compare(losses - np.linspace(0, 0.02, ARMS), baseline=0)
        low, high = found.improvement_ci_low[:, 1:], found.improvement_ci_high[:, 1:]

        # Some are found only because Holm's method found others before.
        assert ((found.p_value >= 0.05 / 4) & claims(found.verdict)).any()
        assert (((low > 0) | (high < 0)) == claims(found.verdict[:, 1:])).all()

    def test_intervals_of_means_cover_the_truth_at_their_rate(self, losses):
        found = summarize(losses)
        rates = ((found.ci_low <= TRUTH) & (found.ci_high >= TRUTH)).mean(axis=0)

        assert ((rates > 0.94) & (rates < 0.96)).all()

    def test_a_difference_that_is_there_is_found_beside_arms_without_one(self, losses):
        two_deviations = 0.028

        verdict = compare(losses - np.array([0, 0, two_deviations, 0, 0]), baseline=0).verdict

        assert (verdict[:, 2] == BETTER).mean() > 0.95
        assert not (verdict[:, 2] == WORSE).any()
        assert claims(verdict[:, [1, 3, 4]]).any(axis=-1).mean() < 0.055
