import pandas as pd
import pytest

from regsweep.records.record import RARE, metrics_of
from regsweep.records.task import SCORES
from regsweep.report.build import build_report
from regsweep.report.tables.columns import COMPARISON, GROUP, KEY, RUNS, columns_table
from regsweep.report.tables.comparison import COLUMNS
from regsweep.report.tables.runs import AFTER_METRICS, BEFORE_PARAMS, ROLE
from regsweep.report.tables.write import csv_text

SCORE_NAMES = tuple(SCORES)


def sweep_of(folder, score, name="sweep"):
    """A sweep of two arms whose score is the one of this name, which ``r2`` makes a regression."""
    folder.compared("none", "l1", name=name)
    more = {f"val_{score}": 0.5}
    tested = more | {f"{part}_{score}": 0.5 for part in ("train", "test")} | {"test_loss": 0.1}
    for arm, weight in (("none", None), ("l1", 1e-4)):
        given = {"arm": arm, "sweep": name}
        folder.trial(0, weight, 0.5, metrics={"val_loss": 0.5} | more, **given)
        for seed in range(10000, 10003):
            metrics = {"val_loss": 0.5} | tested
            folder.trial(0, weight, 0.5, seed=seed, stage="confirm", metrics=metrics, **given)


def explained(folder):
    report = build_report([folder.root])
    table = columns_table(report.runs, report.comparison)
    return report, table.set_index(["file", "column"])


def test_every_column_that_may_be_has_a_meaning_of_its_own():
    metrics = (*metrics_of(SCORES.values()), *RARE)
    assert set(RUNS) == {*BEFORE_PARAMS, ROLE, *metrics, *AFTER_METRICS}
    assert set(COMPARISON) == {"sweep", *COLUMNS}


@pytest.mark.parametrize("scores", [("accuracy",), ("r2",), SCORE_NAMES])
def test_every_column_of_real_tables_is_explained_in_their_order(folder, scores):
    for score in scores:
        sweep_of(folder, score, score)
    report, table = explained(folder)
    written = [("runs.csv", name) for name in report.runs]
    written += [("comparison.csv", name) for name in report.comparison]
    assert table.index.tolist() == written
    assert (table[["meaning", "unit"]] != "").all(axis=None)
    for score in scores:
        assert ("comparison.csv", f"test_{score}_ci_low") in table.index
        assert ("runs.csv", f"train_{score}") in table.index


def test_groups_and_searched_keys_are_told_apart(folder):
    sweep_of(folder, "accuracy")
    _, table = explained(folder)
    assert tuple(table.loc[("runs.csv", "regularizer")]) == GROUP
    assert tuple(table.loc[("runs.csv", "regularizer.weight")]) == KEY
    meaning = table.loc[("comparison.csv", "regularizer.weight"), "meaning"]
    assert meaning == "the winner's value of a searched key"


def test_no_cell_is_taken_for_a_formula(folder):
    sweep_of(folder, "accuracy")
    report, _ = explained(folder)
    table = columns_table(report.runs, report.comparison)
    assert not any(cell.startswith("'") for name in table for cell in table[name])
    lines = csv_text(table).splitlines()
    assert lines[0] == "file,column,meaning,unit,formula"
    assert len(lines) == 1 + len(report.runs.columns) + len(report.comparison.columns)


def test_it_is_all_text(folder):
    sweep_of(folder, "r2")
    report, _ = explained(folder)
    types = columns_table(report.runs, report.comparison).dtypes
    assert all(pd.api.types.is_string_dtype(one) for one in types)
