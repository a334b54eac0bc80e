"""What to take: closed forms by hand, the error rate by simulation."""

import numpy as np
import pytest
from scipy import stats

from regsweep.report.build import build_report
from regsweep.report.tables.choice import not_worse
from regsweep.report.tables.looks import judge_in_looks, planned_looks, shares

SEEDS = (0.30, 0.34, 0.31, 0.36)
LOOKS, MARGIN = (10, 20, 40), 0.006


def confirmed(folder, margin=0.1, looks=(4,), spaces=None, **losses):
    """A sweep of these arms, each with these test losses; every arm but ``none`` has a weight."""
    arms = tuple(losses)
    seeds = {"search": (0,), "confirm": tuple(10000 + i for i in range(looks[-1]))}
    folder.compared(*arms, margin=margin, looks=looks, seeds=seeds)
    for arm, values in losses.items():
        folder.arm(arm, values)
    return folder


def choice_of(folder):
    ((choice,),) = build_report([folder.root]).choices.values()
    return choice


def near(shift):
    """The losses of an arm that is worse by ``shift`` but for a little noise."""
    return [loss + shift + 1e-4 * (-1) ** i for i, loss in enumerate(SEEDS)]


def test_the_baseline_is_taken_where_it_is_shown_to_be_as_good_as_the_best(folder):
    choice = choice_of(confirmed(folder, none=SEEDS, l1=near(-0.003), l2=near(0.002)))
    assert (choice.arm, choice.reason) == ("regularizer=none", "baseline")
    assert choice.among == ("regularizer=none", "regularizer=l1", "regularizer=l2")
    assert (choice.seeds, choice.arms, choice.metric) == (4, 3, "test_loss")


def test_else_the_best_mean_of_those_with_as_few_searched_keys(folder):
    choice = choice_of(confirmed(folder, none=near(0.2), l1=near(0.002), l2=SEEDS))
    assert (choice.arm, choice.reason) == ("regularizer=l2", "best mean")
    assert choice.among == ("regularizer=l2", "regularizer=l1")


def test_fewer_searched_keys_count_more_than_a_better_mean(folder):
    confirmed(folder, none=near(0.2), elastic=[], l2=near(0.002))
    both = {"regularizer.weight": 1e-4, "regularizer.l1_ratio": 0.5}
    folder.trial(1, 1e-4, 0.2, arm="elastic", params=both)
    folder.confirm("elastic", SEEDS, trial=1, params=both)
    choice = choice_of(folder)
    assert (choice.arm, choice.reason) == ("regularizer=l2", "fewest keys")
    assert choice.among == ("regularizer=l2", "regularizer=elastic")


def test_where_one_alone_is_shown_it_is_taken(folder):
    choice = choice_of(confirmed(folder, none=near(0.2), l1=SEEDS))
    assert (choice.arm, choice.reason) == ("regularizer=l1", "only")


def test_a_good_mean_that_is_not_shown_to_be_good_is_not_taken(folder):
    wild = [0.1, 0.5, 0.2, 0.4]
    choice = choice_of(confirmed(folder, none=SEEDS, l1=wild))
    assert (choice.arm, choice.reason, choice.among) == (None, None, ())


def test_an_unstable_arm_is_out_of_it(folder):
    confirmed(folder, none=SEEDS, l1=near(0.002), l2=near(-0.1)[:3])
    folder.confirm("l2", [0.2], seed=10003, status="diverged")
    assert choice_of(folder).among == ("regularizer=none", "regularizer=l1")


@pytest.mark.parametrize(
    "given", [{"margin": None}, {"looks": (1,)}, {"l1": SEEDS[:3]}, {"l1": []}]
)
def test_there_is_none_without_a_margin_a_look_or_two_arms(folder, given):
    confirmed(folder, **({"none": SEEDS, "l1": SEEDS} | given))
    assert build_report([folder.root]).choices == {"sweep": ()}


def test_arms_that_stopped_at_other_looks_are_compared_at_the_last_that_all_reached(folder):
    later = [*SEEDS, 0.9, 0.9, 0.9, 0.9]
    choice = choice_of(confirmed(folder, looks=(4, 8), none=later, l1=near(0.002)))
    assert choice.seeds == 4
    assert choice.among == ("regularizer=none", "regularizer=l1")


def test_at_a_later_look_the_seeds_of_the_earlier_count_too(folder):
    later = [*SEEDS, 0.9, 0.9, 0.9, 0.9]
    wild = [*near(0.002), 0.2, 0.9, 0.2, 0.9]
    choice = choice_of(confirmed(folder, looks=(4, 8), none=later, l1=wild))
    assert (choice.seeds, choice.arm) == (8, None)


def test_each_baseline_has_a_choice_of_its_own_arms(folder):
    names = [{"regularizer": r, "model": m} for m in ("mlp", "cnn") for r in ("none", "l1")]
    seeds = {"search": (0,), "confirm": (10000, 10001, 10002, 10003)}
    folder.compared(
        *("none", "l1"), arms=names, baseline=None, margin=0.1, looks=(4,), seeds=seeds, trials=()
    )
    for place, arm in enumerate(names):
        shift = 0.5 if arm["model"] == "cnn" else 0.0
        for stage, seed, metrics in [
            ("search", 0, {}),
            *(
                ("confirm", 10000 + i, {"test_loss": v + shift, "test_accuracy": 0.5})
                for i, v in enumerate(near(0))
            ),
        ]:
            more = {"val_loss": 0.5, "val_accuracy": 0.5, "train_accuracy": 0.5} | metrics
            fields = {"stage": stage, "arm": arm, "trial": 0, "seed": seed, "metrics": more}
            folder.run(f"{place}-{stage}-{seed}", "sweep", **fields)
    (found,) = build_report([folder.root]).choices.values()
    assert [choice.arm for choice in found] == [
        "regularizer=none model=mlp",
        "regularizer=none model=cnn",
    ]
    assert {choice.arms for choice in found} == {4}


def test_p_is_the_largest_of_one_sided_paired_tests_with_holms_correction():
    values = np.random.default_rng(0).normal(1, 0.1, (8, 3))
    found = not_worse(values, 0.2)
    largest = [
        max(
            stats.ttest_rel(1.2 * values[:, j], values[:, i], alternative="greater").pvalue
            for j in {0, 1, 2} - {i}
        )
        for i in range(3)
    ]
    first, second, third = np.argsort(largest)
    assert found[first] == pytest.approx(min(1, 3 * largest[first]))
    assert found[second] == pytest.approx(max(found[first], min(1, 2 * largest[second])))
    assert found[third] == pytest.approx(max(found[second], largest[third]))


def test_a_broken_run_and_a_lone_seed_say_nothing():
    values = np.array([[1.0, 1.0], [1.1, np.inf], [1.0, 1.2]])
    assert np.isnan(not_worse(values, 0.1)).all()
    assert np.isnan(not_worse(values[:1], 0.1)).all()


def simulated(number, effects, seed=1, spread=1.0):
    """Metrics (sweeps, 40 seeds, arms) about 100, worse by ``effects`` paired deviations."""
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal((number, LOOKS[-1], len(effects))) * np.sqrt(0.5)
    of_seed = 3 * generator.standard_normal((number, LOOKS[-1], 1))
    return 100 + of_seed + noise * np.asarray(spread) + np.asarray(effects)


def false_choices(values, effects, looks=LOOKS, margin=MARGIN):
    """The share of sweeps that claim an arm as good that is not, where arms stop as they do."""
    effects = np.asarray(effects)
    arms = len(effects)
    judged = judge_in_looks(values, [0] * arms, looks, arms - 1, margin)
    # The baseline goes on as long as any of its arms.
    reached = judged.seeds[:, 1:].min(axis=1)
    wrong = 100 + effects > (1 + margin) * (100 + effects.min()) - 1e-9
    false = np.zeros(len(values), dtype=bool)
    for seeds, share in zip(looks, shares(looks), strict=True):
        at = reached == seeds
        shown = not_worse(values[at, :seeds], margin) < share
        false[at] = (shown & wrong).any(axis=1)
    return float(false.mean())


@pytest.mark.parametrize(
    ("effects", "looks"),
    [
        ((0.6, 0, 0.6, 0.6, 0.6), LOOKS),  # all but one at the margin
        ((0.6, 0, 0.6, 0.6, 0.6), (10,)),
        ((0, 0.6, 0.6, 0.6, 0.6), LOOKS),
        ((0.6, 0, 0, 0, 0), LOOKS),
        ((3.6, 3, 0, 0.6, 0.6), LOOKS),
    ],
)
def test_an_arm_that_is_worse_by_the_margin_is_claimed_in_at_most_5_percent(effects, looks):
    number = 2000
    values = simulated(number, effects, spread=(1, 1, 0.5, 2, 1))
    bound = stats.binom.ppf(0.999, number, 0.05) / number
    assert false_choices(values, effects, looks) <= bound


def test_looks_of_the_simulation_are_those_of_a_sweep_by_default():
    assert planned_looks(10, 40) == LOOKS
