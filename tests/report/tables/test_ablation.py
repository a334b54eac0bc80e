"""A winner without an ingredient against the winner: its row, its test, what is said and drawn."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from regsweep.report.build import build_report
from regsweep.report.page.page import page
from regsweep.report.words.headline import headlines
from regsweep.report.words.terminal import show

L1, DROPOUT, MIXUP = (f"regularizer.{name}" for name in ("l1", "dropout", "mixup"))
WON = {L1: 1e-4, DROPOUT: 0.5, MIXUP: None}
SPACES = dict.fromkeys(WON, "tag(or_null,interval(0,1))")
WHOLE = [0.5, 0.6, 0.7, 0.55]
DEARER = [0.71, 0.8, 0.93, 0.75]
AS_GOOD = [0.501, 0.6, 0.7, 0.55]
ARM = "regularizer=cocktail"


def sweep(folder, without, looks=(4,), ablated=tuple(WON), trials=1, **fields):
    """A cocktail with l1 and dropout won; ``without`` one of them it has these test losses."""
    confirm_seeds = tuple(range(10000, 10000 + max(looks)))
    folder.compared(
        *("none", "cocktail"),
        budget={"n_trials": trials},
        spaces=SPACES,
        looks=looks,
        margin=0.1,
        seeds={"search": (0,), "confirm": confirm_seeds},
        ablated=((), ablated),
        **fields,
    )
    folder.arm("none", [1.0, 1.1, 1.2, 1.05][: max(looks)])
    folder.trial(0, None, 0.25, arm="cocktail", params=WON)
    confirm(folder, WHOLE[: max(looks)], role="winner")
    for key, losses in without.items():
        confirm(folder, losses, role="ablation", params=WON | {key: None})
    return build_report([folder.root / "sweep"])


def confirm(folder, losses, params=WON, trial=0, **fields):
    for seed, loss in enumerate(losses, start=10000):
        more = {"test_loss": loss, "test_accuracy": 1 - loss / 4, "train_accuracy": 1.0}
        given = {"stage": "confirm", "seed": seed, "more": more, "params": params}
        key = next((k for k in WON if params[k] is None and WON[k] is not None), "")
        run = f"confirm/cocktail/{trial}-{seed}{key}"
        record = {**given, **fields}
        metrics = {"val_loss": 0.25, "val_accuracy": 0.75} | record.pop("more")
        arm = {"regularizer": "cocktail"}
        folder.run(run, "sweep", arm=arm, trial=trial, metrics=metrics, **record)


def test_each_has_a_row_below_its_arm(folder):
    made = sweep(folder, {L1: AS_GOOD, DROPOUT: DEARER})
    names = [ARM, f"{ARM} without l1", f"{ARM} without dropout", "regularizer=none"]
    assert list(made.comparison["arm"]) == names
    assert list(made.winners["arm"]) == [ARM, "regularizer=none"]
    row = made.comparison.iloc[2]
    assert (row["trial"], row["seeds"], row[L1], row[DROPOUT]) == (0, 4, 1e-4, None)
    assert row["test_loss_mean"] == pytest.approx(np.mean(DEARER))
    assert (row["baseline"], row["verdict"]) == (ARM, "worse")
    assert f"{DROPOUT}=null" in row["best_overrides"]
    assert made.comparison["verdict"][1] == "equivalent"
    assert made.runs["error"].isna().all()  # none is superseded


def test_the_test_is_that_of_pairs_corrected_for_all_ingredients_that_are_on(folder):
    # Of two that are on, one has no runs yet; mixup is off.
    row = sweep(folder, {DROPOUT: DEARER}).comparison.iloc[1]
    pairs = np.array(WHOLE) - DEARER
    assert row["p_value"] == pytest.approx(stats.ttest_1samp(pairs, 0).pvalue)
    assert row["p_holm"] == pytest.approx(2 * row["p_value"])
    half = stats.t.ppf(1 - 0.05 / 2 / 2, 3) * stats.sem(pairs)
    assert row["improvement_ci_low"] == pytest.approx(pairs.mean() - half)
    assert row["margin"] == pytest.approx(0.1 * np.mean(WHOLE))


def test_it_is_judged_look_by_look(folder):
    made = sweep(folder, {L1: AS_GOOD[:2], DROPOUT: DEARER}, looks=(2, 4))
    rows = made.comparison.set_index("arm")
    # At the first look on two seeds; the second waits for the runs of l1.
    assert rows.loc[f"{ARM} without l1", "seeds"] == 2
    pairs = (np.array(WHOLE) - DEARER)[:2]
    p = stats.ttest_1samp(pairs, 0).pvalue
    assert rows.loc[f"{ARM} without dropout", "p_value"] == pytest.approx(p)


def test_the_arms_are_judged_as_without_it(folder, tmp_path):
    beside = sweep(folder, {L1: AS_GOOD, DROPOUT: DEARER})
    (folder.root / "sweep").rename(tmp_path / "other")
    alone = sweep(folder, {}, ablated=())
    assert alone.comparison.equals(beside.winners)
    assert alone.choices == beside.choices
    assert alone.over_rows == beside.over_rows


def test_it_is_said_the_dearest_first_and_no_row_of_the_table_on_the_screen(folder, capsys):
    made = sweep(folder, {L1: AS_GOOD, DROPOUT: DEARER})
    show(made, [])
    out = capsys.readouterr().out
    table, _, words = out.partition("The winner of cocktail without one of its ingredients")
    assert "without" not in table
    lines = [line.split()[:3] for line in words.splitlines() if line.startswith("  without")]
    assert lines == [["without", "dropout:", "worse;"], ["without", "l1:", "equivalent;"]]
    assert "without" not in " ".join(headlines(made.winners, made.asked))


def test_a_winner_with_nothing_on_is_told(folder):
    folder.compared("none", "cocktail", spaces=SPACES, looks=(3,), ablated=((), tuple(WON)))
    folder.arm("none", [1.0, 1.1, 1.2])
    off = dict.fromkeys(WON)
    folder.trial(0, None, 0.25, arm="cocktail", params=off)
    confirm(folder, WHOLE[:3], params=off, role="winner")
    said = build_report([folder.root / "sweep"]).verdicts
    assert "The winner of cocktail has no ingredient on, so there is none to take out." in said


def test_what_broke_off_is_unstable(folder):
    made = sweep(folder, {L1: AS_GOOD[:3], DROPOUT: DEARER})
    assert pd.isna(made.comparison["verdict"][1])
    assert "without l1: not tested" in made.verdicts[-1]
    arm = {"regularizer": "cocktail"}
    params = WON | {L1: None}
    given = {"stage": "confirm", "trial": 0, "arm": arm, "params": params, "role": "ablation"}
    folder.run("broken", "sweep", seed=10003, status="diverged", **given)
    made = build_report([folder.root / "sweep"])
    assert made.comparison["verdict"][1] == "unstable"


def test_those_of_an_earlier_winner_are_superseded(folder):
    sweep(folder, {DROPOUT: DEARER}, trials=2)
    folder.trial(1, None, 0.2, arm="cocktail", params={L1: 1e-3, DROPOUT: None, MIXUP: None})
    made = build_report([folder.root / "sweep"])
    assert [name for name in made.comparison["arm"] if "without" in name] == []
    marked = made.runs[made.runs["error"].notna()]
    assert len(marked) == 8
    assert set(marked["error"]) == {"superseded: the winner is now trial 1"}
    said = f"{ARM}: 8 confirm runs of an earlier winner are superseded and do not count."
    assert said in made.remarks


def test_the_page_draws_it_and_leaves_it_out_of_its_table(folder):
    text = page(sweep(folder, {L1: AS_GOOD, DROPOUT: DEARER}))
    assert "cocktail without one of its ingredients, in test loss" in text
    assert "compared with its winner as it is on the same seed" in text
    assert "\\u003cb\\u003ewithout dropout\\u003c/b\\u003e" in text
    table = text[text.index('<table id="comparison">') : text.index("</table>")]
    assert "without" not in table


def test_gathered_sweeps_keep_their_own(folder):
    sweep(folder, {DROPOUT: DEARER})
    alone = build_report([folder.root / "sweep"]).comparison
    (folder.root / "sweep").rename(folder.root / "one")
    folder.compared("none", "l1", name="two", looks=(3,))
    folder.arm("none", [1.0, 1.1, 1.2], sweep="two")
    folder.arm("l1", [1.0, 1.1, 1.2], sweep="two")
    made = build_report([folder.root])
    own = made.comparison.query("sweep == 'one'").reset_index(drop=True)
    assert list(own["arm"]) == list(alone["arm"])
    assert list(own["p_holm"].dropna()) == list(alone["p_holm"].dropna())
    assert "one: The winner of cocktail without one" in "\n".join(made.verdicts)
    assert "cocktail without one of its ingredients, in test loss" in page(made)
