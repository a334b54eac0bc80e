"""Reports of a few runs, made by the functions that make the real tables."""

import pandas as pd

from regsweep.records.record import Record
from regsweep.report.tables.arm import arm_results
from regsweep.report.tables.comparison import comparison_table
from regsweep.report.tables.gather import GatheredRun
from regsweep.report.tables.report import Report
from regsweep.report.tables.request import Request
from regsweep.report.tables.runs import in_order, runs_table

CURVE_COLUMNS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


def run(choice, loss=0.25, sweep="sweep", params=None, weight=None, metrics=None, **fields):
    """A run of ``regularizer=choice`` with a validation loss, by default of a search."""
    measured = {"val_loss": loss, "val_accuracy": 1 - loss / 4, "near_zero_fraction": 0.1}
    given = {
        "run": "-".join(map(str, (choice, *fields.values()))),
        "stage": "search",
        "arm": {"regularizer": choice},
        "trial": None,
        "seed": 0,
        "status": "completed",
        "params": params or ({} if weight is None else {"regularizer.weight": weight}),
        "metrics": measured | (metrics or {}),
        "epochs": 2,
        "config": {"data.name": "mnist"},
    }
    return GatheredRun(sweep, Record(**(given | fields)))


def confirmed(choice, seed, test_loss, **fields):
    """A confirm run; its test accuracy is ``1 - test_loss / 4``."""
    tested = {"test_loss": test_loss, "test_accuracy": 1 - test_loss / 4, "train_accuracy": 1.0}
    given = {"stage": "confirm", "trial": 1, "seed": 10000 + seed, "metrics": tested}
    return run(choice, **(given | fields))


def small_sweep(sweep="sweep", arms=("none", "l1", "l2")):
    """Two trials an arm that has a weight, one of ``none``, and three confirm runs each."""
    runs = []
    for place, arm in enumerate(arms):
        weights = [None] if arm == "none" else [1e-2, 1e-4]
        for trial, weight in enumerate(weights):
            loss = 0.5 / (1 + trial) - 0.01 * place
            runs.append(run(arm, loss, sweep, weight=weight, trial=trial))
        best = {"trial": len(weights) - 1, "weight": weights[-1]}
        runs += [
            confirmed(arm, seed, 0.3 + 0.01 * seed - 0.1 * place, sweep=sweep, **best)
            for seed in range(3)
        ]
    return runs


def results_of(runs, objective="val_loss", asked=None):
    """The arms of the runs, whose records have no config but that of their data."""
    ordered = in_order(runs)
    records = [run.record for run in ordered]
    return arm_results(runs_table(runs), objective, asked or {}, records)


def tables(runs, objective="val_loss"):
    """The runs table and the comparison, its statistics still empty."""
    table = runs_table(runs)
    return table, comparison_table(table, objective)


def judge(comparison, arm, **values):
    """Fill columns of one arm's rows by hand."""
    for column, value in values.items():
        comparison.loc[comparison["arm"] == f"regularizer={arm}", column] = value


def report(runs, **fields):
    """A report of the runs, without curves and without verdicts where none are given."""
    table, comparison = tables(runs)
    given = {
        "runs": table,
        "comparison": comparison,
        "results": tuple(results_of(runs)),
        "curves": curves([]),
        "asked": {},
        "verdicts": (),
        "remarks": (),
        "unreadable": (),
        "unfinished": (),
    }
    return Report(**(given | fields))


def full_report(**fields):
    """A report of ``small_sweep`` with statistics, curves and what was asked: every part filled."""
    made = report(small_sweep(), asked={"sweep": ASKED}, verdicts=("l2 wins.",), **fields)
    table = made.comparison
    for arm in ("none", "l1", "l2"):
        mean = float(table.loc[table["arm"] == f"regularizer={arm}", "test_accuracy_mean"].iloc[0])
        interval = {"test_accuracy_ci_low": mean - 0.01, "test_accuracy_ci_high": mean + 0.01}
        judge(table, arm, metric="test_loss", baseline="regularizer=none", **interval)
    for arm, mean in (("l1", 0.125), ("l2", 0.25)):
        interval = {"improvement_ci_low": mean - 0.0625, "improvement_ci_high": mean + 0.0625}
        judge(table, arm, improvement_mean=mean, verdict="better", **interval)
        judge(table, arm, p_holm=0.0001, probability_better=0.9999)
    rows = [(f"regularizer={arm}", seed) for arm in ("none", "l1", "l2") for seed in range(3)]
    return Report(**(vars(made) | {"curves": curves(rows)}))


def curves(arms_and_seeds, epochs=2, sweep="sweep", **values):
    """Learning curves: at epoch ``e`` of seed ``s`` every metric is ``(s + 1) / (4 e)``."""
    rows = [
        {"sweep": sweep, "arm": arm, "seed": seed, "epoch": epoch}
        | {column: (seed + 1) / (4 * epoch) for column in CURVE_COLUMNS}
        | values
        for arm, seed in arms_and_seeds
        for epoch in range(1, epochs + 1)
    ]
    return pd.DataFrame(rows, columns=["sweep", "arm", "seed", "epoch", *CURVE_COLUMNS])


ASKED = Request(
    sweeper="compare",
    overrides=("trainer.epochs=2", "model.hidden=[8, 4]"),
    objective="val_loss",
    seed=0,
    arms=("regularizer=none", "regularizer=l1", "regularizer=l2"),
    spaces={
        "regularizer=none": {},
        "regularizer=l1": {"regularizer.weight": "tag(log, interval(1e-6, 1e-2))"},
    },
    baselines={
        "regularizer=none": "regularizer=none",
        "regularizer=l1": "regularizer=none",
        "regularizer=l2": "regularizer=none",
    },
    trials={"regularizer=none": 1, "regularizer=l1": 2, "regularizer=l2": 2},
    configs={
        "regularizer=none": {"data.name": "mnist", "data.root": "/somewhere", "trainer.epochs": 2}
    },
    budget={"n_trials": 2, "n_jobs": 16, "replicates": 1, "confirm_seeds": 3},
    compares=True,
    settled={"device": "cpu", "mode": "eager", "threads": 1, "pack_width": 16},
    versions={"python": "3.11.2", "torch": "2.10.0"},
)
