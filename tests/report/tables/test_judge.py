import pandas as pd
import pytest
from scipy.stats import t, ttest_rel

from regsweep.report.build import build_report

NONE = [0.30, 0.34, 0.31, 0.36]
L1 = [0.27, 0.33, 0.30, 0.32]
L2 = [0.31, 0.33, 0.35, 0.38]
NUMBERS = [
    *("improvement_mean", "improvement_ci_low", "improvement_ci_high"),
    *("p_value", "p_holm", "probability_better"),
]
JUDGING = ["metric", "baseline", *NUMBERS, "verdict"]


def report(folder):
    return build_report([folder.root])


def rows(folder):
    """The rows of the comparison by the choice of a regularizer, of several sweeps ``a: l1``."""
    table = report(folder).comparison
    names = table["arm"].str.removeprefix("regularizer=")
    if "sweep" in table:
        names = table["sweep"] + ": " + names
    return {name: row for name, (_, row) in zip(names, table.iterrows(), strict=True)}


def order(folder):
    return [arm.removeprefix("regularizer=") for arm in report(folder).comparison["arm"]]


def three_arms(folder, **fields):
    folder.compared("none", "l1", "l2", **fields)
    for arm, losses in (("none", NONE), ("l1", L1), ("l2", L2)):
        # Test accuracies that say the opposite of the losses.
        folder.arm(arm, losses, accuracies=[0.5 + loss for loss in losses])


@pytest.mark.parametrize(
    ("objective", "metric", "sign"),
    [("val_loss", "test_loss", 1), ("val_error", "test_error", -1)],
)
def test_confirmed_arms_are_tested_in_pairs_on_the_twin_of_the_objective(
    folder, objective, metric, sign
):
    three_arms(folder, objective=objective)
    row = rows(folder)["l1"]
    paired = ttest_rel(NONE, L1)
    differences = [sign * (none - own) for none, own in zip(NONE, L1, strict=True)]
    mean = sum(differences) / 4
    std = (sum((d - mean) ** 2 for d in differences) / 3) ** 0.5
    # Half of 0.05 / 2: there are two tests.
    margin = t.ppf(1 - 0.0125, 3) * std / 2
    assert (row["metric"], row["baseline"]) == (metric, "regularizer=none")
    assert row["improvement_mean"] == pytest.approx(mean)
    assert row["improvement_ci_low"] == pytest.approx(mean - margin)
    assert row["improvement_ci_high"] == pytest.approx(mean + margin)
    assert row["p_value"] == pytest.approx(paired.pvalue)
    # Of two tests the smaller p counts twice.
    assert row["p_value"] < rows(folder)["l2"]["p_value"]
    assert row["p_holm"] == pytest.approx(2 * paired.pvalue)
    assert row["probability_better"] == (1 if sign == 1 else 0)


def test_the_larger_of_two_p_values_counts_once(folder):
    three_arms(folder)
    row = rows(folder)["l2"]
    p = ttest_rel(NONE, L2).pvalue
    assert p > 2 * ttest_rel(NONE, L1).pvalue
    assert row["p_holm"] == row["p_value"] == pytest.approx(p)
    assert (row["verdict"], row["probability_better"]) == ("undecided", 0.25)


def test_better_and_worse_by_the_sign_of_a_small_p(folder):
    folder.compared("none", "l1", "l2")
    for arm, shift in (("none", 0), ("l1", -0.1), ("l2", 0.1)):
        folder.arm(arm, [0.300 + shift, 0.341 + 1.01 * shift, 0.313 + shift])
    assert rows(folder)["l1"]["verdict"] == "better"
    assert rows(folder)["l2"]["verdict"] == "worse"


def test_the_baseline_has_its_name_and_no_numbers(folder):
    three_arms(folder)
    row = rows(folder)["none"]
    assert (row["metric"], row["baseline"]) == ("test_loss", "regularizer=none")
    assert row[[*NUMBERS, "verdict"]].isna().all()


def test_the_baseline_is_the_one_asked_for(folder):
    three_arms(folder, baseline="regularizer=l2")
    found = rows(folder)
    assert {row["baseline"] for row in found.values()} == {"regularizer=l2"}
    assert pd.isna(found["l2"]["improvement_mean"])
    mean = (sum(L2) - sum(NONE)) / 4
    assert found["none"]["improvement_mean"] == pytest.approx(mean)


def test_where_none_is_asked_for_the_baseline_is_the_arm_without_regularization(folder):
    three_arms(folder, baseline=None)
    assert rows(folder)["l1"]["baseline"] == "regularizer=none"


def test_a_baseline_without_confirm_runs_is_not_replaced_by_another(folder):
    folder.compared("none", "l1", "l2")
    folder.trial(0, None, 0.5, arm="none", status="failed")
    folder.arm("l1", L1)
    folder.arm("l2", L2)
    row = rows(folder)["l1"]
    assert row["baseline"] == "regularizer=none"
    assert row[NUMBERS].isna().all()
    remark = "Nothing is tested against regularizer=none: it has no confirm run."
    assert remark in report(folder).remarks


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_an_arm_with_a_broken_confirm_run_is_unstable_and_still_a_planned_test(folder, status):
    folder.compared("none", "l1", "l2")
    folder.arm("none", NONE)
    folder.arm("l1", L1)
    folder.arm("l2", L2[:3])
    folder.trial(0, 1e-4, 0.25, arm="l2", seed=10003, stage="confirm", status=status)
    row = rows(folder)["l2"]
    assert (row["verdict"], row["metric"]) == ("unstable", "test_loss")
    assert row[NUMBERS].isna().all()
    assert pd.isna(row["test_loss_mean"])
    assert pd.isna(row["seeds"])
    other = rows(folder)["l1"]
    assert other["p_value"] == pytest.approx(ttest_rel(NONE, L1).pvalue)
    assert other["p_holm"] == 2 * other["p_value"]


def test_nothing_is_tested_against_an_unstable_baseline(folder):
    folder.compared("none", "l1")
    folder.arm("none", NONE[:3])
    folder.trial(0, None, 0.25, arm="none", seed=10003, stage="confirm", status="diverged")
    folder.arm("l1", L1)
    found = rows(folder)
    assert found["l1"][[*NUMBERS, "verdict"]].isna().all()
    assert pd.isna(found["none"]["verdict"])
    assert found["l1"]["test_loss_mean"] == pytest.approx(sum(L1) / 4)
    assert report(folder).remarks == (
        "Nothing is tested against regularizer=none: a confirm run of it diverged or failed.",
    )


def test_one_seed_has_an_improvement_and_no_verdict(folder):
    folder.compared("none", "l1", budget={"confirm_seeds": 1})
    folder.arm("none", [0.5])
    folder.arm("l1", [0.25])
    row = rows(folder)["l1"]
    assert (row["improvement_mean"], row["probability_better"]) == (0.25, 1)
    unknown = ["improvement_ci_low", "improvement_ci_high", "p_value", "p_holm", "verdict"]
    assert row[unknown].isna().all()
    made = report(folder)
    assert made.verdicts == ()
    assert made.remarks == (
        "Nothing is tested: one seed does not tell by how much another would differ; expected 2 "
        "confirm_seeds or more.",
    )


def test_a_sweep_that_was_cut_off_between_looks_says_that_they_are_not_over(folder):
    seeds = {"search": (0,), "confirm": tuple(range(10000, 10006))}
    folder.compared("none", "l1", looks=(3, 6), seeds=seeds, margin=0.01)
    folder.arm("none", [0.5, 0.25, 0.5])
    folder.arm("l1", [0.25, 0.5, 0.5])
    made = report(folder)
    assert rows(folder)["l1"]["verdict"] == "undecided"
    assert made.remarks == (
        "The looks are not over: confirm runs of the next one are missing, and what is said of "
        "regularizer=l1 may change.",
    )
    # A second look ends where the arms were stopped.
    assert build_report([folder.root], "l1").untested == {}


def test_a_first_look_of_one_seed_is_no_fault_where_more_follow(folder):
    folder.compared("none", "l1", budget={"confirm_seeds": 1}, looks=(1, 2))
    folder.arm("none", [0.5])
    folder.arm("l1", [0.25])
    (said,) = report(folder).untested["sweep"]
    assert said.startswith("The looks are not over: ")


def test_equal_arms_have_a_p_of_one(folder):
    folder.compared("none", "l1")
    folder.arm("none", NONE)
    folder.arm("l1", NONE)
    row = rows(folder)["l1"]
    assert (row["improvement_mean"], row["p_value"], row["p_holm"]) == (0, 1, 1)
    assert (row["probability_better"], row["verdict"]) == (0.5, "undecided")
    assert report(folder).untested == {}  # which claims nothing


def test_a_verdict_of_differences_that_are_all_the_same_is_told_to_be_one(folder):
    folder.compared("none", "l1")
    folder.arm("none", [0.5, 0.25, 0.75])
    folder.arm("l1", [0.375, 0.125, 0.625])
    row = rows(folder)["l1"]
    assert (row["p_value"], row["verdict"]) == (0, "better")
    assert report(folder).untested["sweep"] == (
        "regularizer=l1: all 3 seeds gave the same difference from the baseline, so its interval "
        "has no width: of few seeds, or few test rows, that may be chance.",
    )


def test_only_seeds_that_all_arms_have_are_compared(folder):
    folder.compared("none", "l1", "l2", budget={"confirm_seeds": 4})
    folder.arm("none", NONE)
    folder.arm("l1", L1)
    folder.arm("l2", L2[:3])
    row = rows(folder)["l1"]
    assert row["seeds"] == 4
    assert row["improvement_mean"] == pytest.approx((sum(NONE[:3]) - sum(L1[:3])) / 3)
    assert row["p_value"] == pytest.approx(ttest_rel(NONE[:3], L1[:3]).pvalue)
    assert report(folder).remarks == ("Not all of the 4 confirm seeds are done.",)


def test_arms_without_a_common_seed_are_not_tested(folder):
    folder.compared("none", "l1")
    folder.arm("none", NONE[:2])
    folder.arm("l1", L1[:2], seed=10002)
    assert rows(folder)["l1"][NUMBERS].isna().all()
    assert "Nothing is tested: the arms have no confirm seed in common." in report(folder).remarks


def test_an_arm_with_no_finished_trial_keeps_its_row_and_is_a_planned_test(folder):
    folder.compared("none", "l1", "l2")
    folder.arm("none", NONE)
    folder.arm("l1", L1)
    folder.trial(0, 1e-4, 0.25, arm="l2", status="diverged")
    found = rows(folder)
    assert (found["l2"]["trials"], found["l2"]["diverged"]) == (1, 1)
    assert found["l2"][JUDGING].isna().all()
    assert found["l1"]["p_holm"] == 2 * found["l1"]["p_value"]
    assert "regularizer=l2 has no finished trial." in report(folder).remarks


def test_an_arm_that_was_asked_for_and_never_ran_keeps_a_row(folder):
    folder.compared("none", "l1", "elastic")
    folder.arm("none", NONE)
    folder.arm("l1", L1)
    row = rows(folder)["elastic"]
    assert (row["trials"], row["failed"], row["diverged"]) == (0, 0, 0)
    assert pd.isna(row["best_overrides"])
    assert order(folder) == ["l1", "none", "elastic"]


def with_an_earlier_winner(folder):
    """``l1``: trial 0 was confirmed, then trial 1 won, and was confirmed too."""
    folder.compared("none", "l1", budget={"n_trials": 2, "confirm_seeds": 4})
    folder.arm("none", NONE)
    folder.arm("l1", [0.9, 0.9, 0.9], val_loss=0.5)
    folder.trial(1, 1e-3, 0.125)
    folder.confirm("l1", L1, trial=1, weight=1e-3)


def test_confirm_runs_of_an_earlier_winner_do_not_count(folder):
    with_an_earlier_winner(folder)
    row = rows(folder)["l1"]
    assert (row["seeds"], row["test_loss_mean"]) == (4, pytest.approx(sum(L1) / 4))
    assert row["p_value"] == pytest.approx(ttest_rel(NONE, L1).pvalue)


def test_confirm_runs_of_an_earlier_winner_are_marked_and_counted(folder):
    with_an_earlier_winner(folder)
    made = report(folder)
    marked = made.runs[made.runs["error"].notna()]
    assert list(marked["run"]) == ["l1-0-10000", "l1-0-10001", "l1-0-10002"]
    assert set(marked["error"]) == {"superseded: the winner is now trial 1"}
    assert made.remarks == (
        "regularizer=l1: 3 confirm runs of an earlier winner are superseded and do not count.",
    )


def test_a_new_winner_is_not_judged_before_its_own_confirm_runs(folder):
    folder.compared("none", "l1")
    folder.arm("none", NONE)
    folder.arm("l1", L1, val_loss=0.5)
    folder.trial(1, 1e-3, 0.125)
    row = rows(folder)["l1"]
    assert row["val_loss"] == 0.125
    assert row[[*JUDGING, "test_loss_mean"]].isna().all()


def test_without_confirm_seeds_nothing_is_judged(folder):
    folder.compared("none", "l1", budget={"confirm_seeds": 0})
    folder.trial(0, None, 0.5, arm="none")
    folder.trial(0, 1e-4, 0.25, arm="l1")
    assert all(row[JUDGING].isna().all() for row in rows(folder).values())
    assert report(folder).remarks == (
        "Nothing was confirmed (confirm_seeds=0): the table ranks by validation alone and does "
        "not say whether a difference is real.",
    )


def test_runs_that_no_sweep_file_asks_for_are_not_judged(folder):
    folder.arm("none", NONE)
    folder.arm("l1", L1)
    assert all(row[JUDGING].isna().all() for row in rows(folder).values())
    assert report(folder).remarks[0] == (
        "Nothing is tested: there is no sweep.json that can be read, so it is not known what was "
        "planned (baseline, looks, margin)."
    )


def judged(folder, *names):
    """What the sweeps of these names say of their arms, gathered together."""
    made = build_report([folder.root / name for name in names])
    columns = ["arm", *JUDGING, "seeds", "test_loss_mean"]
    tables = made.comparison if len(names) > 1 else made.comparison.assign(sweep=names[0])
    of_sweep = dict(list(tables.groupby("sweep")))
    return {name: of_sweep[name][columns].reset_index(drop=True) for name in names}


@pytest.mark.parametrize(
    "other", [{"trainer.epochs": 4}, {"data.name": "fashion_mnist"}, {"model.hidden": [8]}, {}]
)
def test_gathering_changes_no_verdict(folder, other):
    """A longer sweep, better by far, is judged against its own baseline and not another's."""
    folder.compared("none", "l1", "l2", name="a")
    folder.compared("none", "l1", "l2", name="b", config=other)
    for sweep, shift in (("a", 0.0), ("b", -0.1)):
        for arm, losses in (("none", NONE), ("l1", L2), ("l2", L1)):
            folder.arm(arm, [loss + shift for loss in losses], sweep=sweep)
    together = judged(folder, "a", "b")
    for name in "ab":
        pd.testing.assert_frame_equal(together[name], judged(folder, name)[name])
        assert set(together[name]["baseline"]) == {"regularizer=none"}
        p_values = [ttest_rel(NONE, losses).pvalue for losses in (L1, L2)]
        holm = together[name].set_index("arm")["p_holm"]
        assert holm["regularizer=l2"] == pytest.approx(2 * min(p_values))


def test_baselines_that_repeat_are_no_tests(folder):
    for sweep in "abc":
        folder.compared("none", "l1", name=sweep)
        folder.arm("none", NONE, sweep=sweep)
        folder.arm("l1", L1, sweep=sweep)
    p = ttest_rel(NONE, L1).pvalue
    assert [rows(folder)[f"{sweep}: l1"]["p_holm"] for sweep in "abc"] == pytest.approx([p] * 3)


def test_remarks_on_the_tests_of_one_of_several_sweeps_name_it(folder):
    folder.compared("none", "l1", name="a")
    folder.arm("none", NONE, sweep="a")
    folder.arm("l1", L1, sweep="a")
    folder.compared("none", "l1", name="b")
    folder.trial(0, None, 0.5, arm="none", status="failed", sweep="b")
    folder.arm("l1", L1, sweep="b")
    remark = "b: Nothing is tested against regularizer=none: it has no confirm run."
    assert report(folder).remarks[0] == remark


MODELS = {"mlp": 0.0, "logistic": 0.2}


def two_models(folder, **fields):
    """``none`` and ``l1`` of two models; the second model is worse by far."""
    arms = [{"regularizer": r, "model": m} for r in ("none", "l1") for m in MODELS]
    names = [f"regularizer={arm['regularizer']} model={arm['model']}" for arm in arms]
    given = {"arms": arms, "baselines": names[:2] * 2}
    folder.compared("none", "l1", **(given | {"trials": [1] * 4, "baseline": None} | fields))
    for arm in arms:
        losses = NONE if arm["regularizer"] == "none" else L1
        for stage, seeds in (("search", [0]), ("confirm", range(10000, 10004))):
            for seed in seeds:
                loss = losses[seed % 4] + MODELS[arm["model"]]
                folder.run(
                    f"{'-'.join(arm.values())}-{seed}",
                    "sweep",
                    stage=stage,
                    arm=arm,
                    trial=0,
                    seed=seed,
                    metrics={"val_loss": 0.5, "val_accuracy": 0.5, "test_loss": loss}
                    | {"test_accuracy": 0.5, "train_accuracy": 0.5},
                )


def test_of_several_groups_an_arm_is_tested_against_that_of_its_other_choices(folder):
    two_models(folder)
    table = report(folder).comparison.set_index("arm")
    for model in MODELS:
        row = table.loc[f"regularizer=l1 model={model}"]
        assert row["baseline"] == f"regularizer=none model={model}"
        assert row["improvement_mean"] == pytest.approx((sum(NONE) - sum(L1)) / 4)
        assert row["p_holm"] == pytest.approx(min(1, 2 * ttest_rel(NONE, L1).pvalue))
        assert pd.isna(table.loc[f"regularizer=none model={model}", "improvement_mean"])
    undecided = [(s.partition(":")[0], s.splitlines()[1]) for s in report(folder).verdicts]
    assert undecided == [(f"Undecided against none, {m}", f"  l1, {m}") for m in MODELS]


def test_an_older_sweep_file_names_one_baseline_for_all(folder):
    two_models(folder, baselines=(), baseline="regularizer=none model=mlp")
    table = report(folder).comparison.set_index("arm")
    assert set(table["baseline"]) == {"regularizer=none model=mlp"}
    assert table.loc["regularizer=l1 model=logistic", "improvement_mean"] < -0.1


def test_confirmed_arms_are_ranked_by_their_test(folder):
    folder.compared("none", "l1", "l2", "elastic")
    folder.arm("none", [0.3, 0.3], val_loss=0.1)
    folder.arm("l1", [0.1, 0.3], val_loss=0.2)
    folder.arm("l2", [0.1, 0.2], val_loss=0.3)
    folder.arm("elastic", [0.1], val_loss=0.01)
    broken = {"stage": "confirm", "status": "diverged"}
    folder.trial(0, 1e-4, 0.01, arm="elastic", seed=10001, **broken)
    assert order(folder) == ["l2", "l1", "none", "elastic"]


@pytest.mark.parametrize("objective", ["val_loss", "val_error"])
def test_arms_that_were_not_confirmed_are_ranked_behind_those_that_were(folder, objective):
    folder.compared("none", "l1", "l2", objective=objective)
    folder.arm("none", [0.5, 0.5])
    folder.trial(0, 1e-4, 0.02, arm="l1")
    folder.trial(0, 1e-4, 0.01, arm="l2")
    assert order(folder) == ["none", "l2", "l1"]


def test_what_was_judged_by_a_changed_plan_is_marked(folder):
    folder.compared("none", "l1", "l2", exploratory="margin was 0.02")
    folder.arm("none", NONE)
    folder.arm("l1", L1)
    folder.arm("l2", L2[:3])
    folder.confirm("l2", [0.2], seed=10003, status="diverged")
    found = {arm: row["verdict"] for arm, row in rows(folder).items()}
    assert found["l1"] == "undecided (exploratory)"
    assert found["l2"] == "unstable"
    assert pd.isna(found["none"])
