"""All arms against another one than was planned."""

import numpy as np
import pytest
from scipy import stats

from regsweep.errors import InputError
from regsweep.report.__main__ import main
from regsweep.report.build import build_report
from regsweep.report.tables.looks import judge_in_looks, shares
from tests.report.tables.test_looks import LOOKS, claims, sweeps

NONE = [0.30, 0.34, 0.31, 0.36]
L1 = [0.271, 0.31, 0.28, 0.33]
L2 = [0.31, 0.33, 0.35, 0.38]


def compared(folder, name="sweep", **fields):
    seeds = {"search": (0,), "confirm": tuple(range(10000, 10008))}
    given = {"looks": (4, 8), "margin": 0.01, "seeds": seeds, "name": name} | fields
    folder.compared("none", "l1", "l2", **given)
    for arm, losses in (("none", NONE), ("l1", L1), ("l2", L2)):
        folder.arm(arm, losses, sweep=name)


def rows(folder, against=None):
    table = build_report([folder.root], against).comparison
    return table.set_index(table["arm"].str.removeprefix("regularizer="))


@pytest.mark.parametrize("name", ["l1", "regularizer=l1"])
def test_every_arm_is_compared_with_the_one_that_is_named(folder, name):
    compared(folder)
    found = rows(folder, name)
    assert set(found["baseline"]) == {"regularizer=l1"}
    p = stats.ttest_rel(NONE, L1).pvalue
    assert found.loc["none", "p_value"] == pytest.approx(p)
    assert found.loc["none", "improvement_mean"] == pytest.approx(np.mean(L1) - np.mean(NONE))
    # The first of two looks has half of 5 %, and there are two tests.
    assert found.loc["none", "p_holm"] == pytest.approx(2 * p * 2)


def test_its_verdicts_are_marked_in_tables_and_sentences_and_still_sorted_by(folder):
    compared(folder)
    found = rows(folder, "l1")
    assert found.loc["none", "verdict"] == "worse (second look)"
    report = build_report([folder.root], "l1")
    assert report.verdicts[0].startswith("Worse than l1 in test loss (intervals corrected")
    assert report.verdicts[-1].startswith(
        "Second look at the same data: the sweep did not plan to compare with regularizer=l1."
    )


def test_it_says_nothing_of_what_to_take(folder):
    compared(folder)
    assert build_report([folder.root]).choices
    assert build_report([folder.root], "l1").choices == {}


def test_against_the_planned_baseline_it_is_the_planned_comparison(folder):
    compared(folder)
    assert rows(folder, "none").equals(rows(folder))


def test_a_sweep_that_is_exploratory_is_so_at_a_second_look_too(folder):
    compared(folder, exploratory="margin was 0.02")
    found = rows(folder, "l1")
    assert found.loc["none", "verdict"] == "worse (exploratory, second look)"


def test_an_arm_that_stopped_earlier_does_not_end_the_looks_of_others(folder):
    compared(folder)
    for arm in ("none", "l2"):
        folder.confirm(arm, [0.3, 0.35, 0.31, 0.33], seed=10004)
    found = rows(folder, "l2")
    pairs = stats.ttest_rel([*NONE, 0.3, 0.35, 0.31, 0.33], [*L2, 0.3, 0.35, 0.31, 0.33])
    assert found.loc["none", "p_value"] == pytest.approx(pairs.pvalue)
    assert found.loc["l1", "p_value"] == pytest.approx(stats.ttest_rel(L1, L2).pvalue)


def test_an_unknown_arm_is_one_message_with_those_that_there_are(folder):
    compared(folder)
    with pytest.raises(InputError, match="--against=l3: no such arm in sweep; known: l1, l2"):
        build_report([folder.root], "l3")


def test_where_nothing_is_compared_there_is_nothing_to_compare_with(folder):
    folder.trial(0, None, 0.5)
    with pytest.raises(InputError, match="--against=l2: there is no sweep that compares arms"):
        build_report([folder.root], "l2")


def test_the_command_keeps_the_tables_of_what_was_planned(folder, capsys):
    compared(folder)
    sweep = folder.root / "sweep"
    assert main([str(sweep)]) == 0
    before = (sweep / "comparison.csv").read_bytes()
    for out in ([], ["--out", str(sweep)], ["--out", f"{sweep}/../sweep/"]):
        assert main([str(sweep), "--against", "l1", *out]) == 1
        assert "--out" in capsys.readouterr().err
    assert main([str(folder.root), "--against", "l1", "--out", str(folder.root)]) == 1
    assert (sweep / "comparison.csv").read_bytes() == before
    assert main([str(sweep), "--against", "l1", "--out", str(sweep / "against")]) == 0
    assert "second look" in (sweep / "against" / "comparison.csv").read_text()
    assert (sweep / "comparison.csv").read_bytes() == before
    assert main([str(sweep), "--out", str(folder.root / "again")]) == 0
    assert (folder.root / "again" / "comparison.csv").read_bytes() == before


def second_looks(values, arm, margin=0.006):
    """Sweeps whose arms stopped as against arm 0, then judged against ``arm``."""
    arms = values.shape[-1]
    first = judge_in_looks(values, [0] * arms, LOOKS, arms - 1, margin)
    made = np.concatenate([first.seeds.max(axis=1, keepdims=True), first.seeds[:, 1:]], axis=1)
    there = np.arange(LOOKS[-1])[:, None] < made[:, None, :]
    values = np.where(there, values, np.nan)
    return judge_in_looks(values, [arm] * arms, LOOKS, arms - 1, margin, together=False)


@pytest.mark.parametrize("effects", [(0, 0, 0, 0), (1, 1, 0, 0), (0.5, 0, 0, 0)])
def test_it_claims_something_false_in_at_most_5_percent(effects):
    number = 2000
    found = second_looks(sweeps(number, effects), 2)
    true = np.array([0, *effects])
    false = (claims(found) & (true == true[2])).any(axis=1)
    assert false.mean() <= stats.binom.ppf(0.999, number, 0.05) / number


def test_the_looks_of_one_arm_do_not_wait_for_another():
    values = sweeps(1, (0, 0, 0, 0))[0]
    values[10:, 1] = np.nan
    apart = judge_in_looks(values, [0] * 5, LOOKS, 4, None, together=False)
    assert apart.seeds.tolist() == [0, 10, 40, 40, 40]
    assert judge_in_looks(values, [0] * 5, LOOKS, 4, None).seeds.tolist() == [0, 10, 10, 10, 10]
    assert sum(shares(LOOKS)) == pytest.approx(0.05)
