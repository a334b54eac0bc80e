"""What the columns of both tables mean, as ``columns.csv`` says it."""

from typing import NamedTuple

import pandas as pd

from regsweep.records.record import BEST_EPOCH, UNITS
from regsweep.records.task import SCORES, Score, loss_of

_PARTS = {"train": "training", "val": "validation", "test": "test"}
_SCORE_FORMULAS = {
    "accuracy": "rows told right / rows; of several labels, labels told right / labels",
    "balanced_accuracy": "mean over classes of (rows of it told right / rows of it)",
    "roc_auc": "chance that a row of a class outranks a row of another",
    "r2": "1 - sum (x - t)^2 / sum (t - mean t)^2",
}


class Meaning(NamedTuple):
    """What a column holds, in which unit, and its formula, empty where the words say it all."""

    meaning: str
    unit: str
    formula: str = ""


GROUP = Meaning("the choice of this config group", "name")
KEY = Meaning("a searched key of the arm; null is Hydra's null, empty where it has none", "its own")
_WINNING_KEY = Meaning("the winner's value of a searched key", "its own")
_SWEEP = Meaning("the sweep's folder; empty for runs outside any sweep", "name")


def _unit(score: Score) -> str:
    return "share, 0 to 1" if score.low == 0 else "number, at most 1"


def _run_metrics() -> dict[str, Meaning]:
    metrics: dict[str, Meaning] = {}
    for part, name in _PARTS.items():
        of = f"on the {name} data, after the last epoch"
        loss = "mean over rows of cross-entropy, or of the outputs' mean bce or mse (standardised)"
        metrics[loss_of(part)] = Meaning(f"data loss {of}, without penalties", "nats or mse", loss)
        for score in SCORES.values():
            meaning = Meaning(f"{score.words} {of}", _unit(score), _SCORE_FORMULAS[score.name])
            metrics[score.of(part)] = meaning
    return metrics


RUNS: dict[str, Meaning] = {
    "sweep": _SWEEP,
    "run": Meaning("the run, by its folder in the sweep", "name"),
    "stage": Meaning("what it was for", "search, confirm or single"),
    "role": Meaning(
        "of a confirm run, what of its arm it trains again; there where not all are of winners",
        "winner, sparsest or ablation (of an ingredient)",
    ),
    "arm": Meaning("the choices that are compared, as overrides", "name"),
    "trial": Meaning("the number of the trial in its arm's study", "count from 0"),
    "seed": Meaning("of initial weights, order of data and all noise", "integer"),
    "status": Meaning("how it ended", "completed, diverged or failed"),
    **_run_metrics(),
    "penalty": Meaning(
        "what the regularizer adds to the loss, after the last epoch",
        "that of the loss",
        "l1 * sum |w| + l2 * sum w^2 + that of groups, and a function of your own",
    ),
    "l1_norm": Meaning("of the weights, without biases and norm layers", "weight", "sum |w|"),
    "l2_norm": Meaning("of the same weights", "weight", "sqrt(sum w^2)"),
    "zero_fraction": Meaning(
        "of these weights, those that are 0", "share, 0 to 1", "share of w = 0"
    ),
    "near_zero_fraction": Meaning(
        "of these weights, those near 0", "share, 0 to 1", "share of |w| < 1e-3"
    ),
    UNITS: Meaning(
        "hidden units whose incoming weights are all 0; of runs under group_lasso alone", "count"
    ),
    BEST_EPOCH: Meaning(
        "the epoch whose weights were kept and measured, in place of the last, the validation data "
        "being the half that does not stop; of runs under early_stopping alone",
        "count from 1",
        "that of the least stopping_loss in history.csv",
    ),
    "epochs": Meaning("passes over the training data", "count"),
    "seconds": Meaning("time in training", "seconds", "the pack's time / the runs in the pack"),
    "error": Meaning("why it failed, or that its confirm runs are of an earlier winner", "text"),
}


_WON = "{} on the validation data of the winning trial, mean over its runs"


def _over_seeds(name: str, meaning: str, unit: str) -> dict[str, Meaning]:
    interval = "mean -+ t(0.975; n - 1) * std / sqrt(n) over n seeds, cut at the range's ends"
    return {
        f"{name}_mean": Meaning(f"{meaning}, mean over the seeds", unit),
        f"{name}_std": Meaning(
            f"{meaning}, standard deviation over the seeds",
            unit,
            "sqrt(sum (x - mean)^2 / (n - 1))",
        ),
        f"{name}_ci_low": Meaning(f"{meaning}, lower end of its 95 % interval", unit, interval),
        f"{name}_ci_high": Meaning(f"{meaning}, upper end of its 95 % interval", unit, interval),
    }


def _mean(name: str, meaning: str) -> dict[str, Meaning]:
    return {f"{name}_mean": RUNS[name]._replace(meaning=f"{meaning}, mean over the seeds")}


def _arm_metrics() -> dict[str, Meaning]:
    metrics = {loss_of("val"): RUNS[loss_of("val")]._replace(meaning=_WON.format("data loss"))}
    for score in SCORES.values():
        name, unit = score.of("val"), _unit(score)
        metrics[name] = RUNS[name]._replace(meaning=_WON.format(score.words))
        metrics |= _over_seeds(score.of("test"), f"{score.words} on the test data", unit)
        metrics |= _mean(score.of("train"), f"{score.words} on the training data")
    return metrics | _over_seeds(loss_of("test"), "data loss on the test data", "nats or mse")


_INTERVAL = (
    "improvement_mean -+ t(1 - level / 2; n - 1) * std of the pairs / sqrt(n); level: that of the "
    "arm's step in Holm's method at its look's share of 5 %"
)
COMPARISON: dict[str, Meaning] = {
    "sweep": _SWEEP,
    "arm": RUNS["arm"]._replace(
        meaning="the choices that are compared, as overrides; with sparsest behind them, the "
        "arm's sparsest trial that is as good as its winner by validation, within the margin; with "
        "without and an ingredient behind them, the arm's winner with that taken out"
    ),
    "trials": Meaning("trials of the search", "count"),
    "failed": Meaning("trials with a run that failed", "count"),
    "diverged": Meaning("trials with a run whose loss was not finite, and none failed", "count"),
    "trial": Meaning("the number of the winning trial", "count from 0"),
    "best_overrides": Meaning("what repeats the winner: paste it behind the command", "overrides"),
    **_arm_metrics(),
    "seeds": Meaning("confirm seeds of the winner that were tested", "count"),
    "generalization_gap_mean": Meaning(
        "how much better training data are told, mean over the seeds",
        "that of the score",
        "mean of (score on the training data - score on the test data)",
    ),
    **_mean("zero_fraction", "weights that are 0"),
    **_mean(UNITS, "hidden units without an incoming weight, under group_lasso"),
    **_mean("near_zero_fraction", "weights near 0"),
    **_mean("l1_norm", "sum of the weights' sizes"),
    **_mean("l2_norm", "norm of the weights"),
    "metric": Meaning(
        "what the arm is judged on", "test_loss or test_error", "test_error = 1 - test score"
    ),
    "baseline": Meaning(
        "the arm that it is tested against, seed by seed; of a sparsest trial, and of a "
        "winner without an ingredient, the winner as it is",
        "name",
    ),
    "improvement_mean": Meaning(
        "how much better than its baseline, above 0 where better",
        "that of the metric",
        "mean over the arm's n seeds of (baseline - arm)",
    ),
    "improvement_ci_low": Meaning(
        "lower end of the interval that the verdict was made of", "that of the metric", _INTERVAL
    ),
    "improvement_ci_high": Meaning(
        "upper end of the interval that the verdict was made of", "that of the metric", _INTERVAL
    ),
    "p_value": Meaning(
        "two-sided paired t test against the baseline, uncorrected, at the arm's last look",
        "probability",
        "2 * P(T > |improvement_mean| / (std of the pairs / sqrt(n))), T of n - 1 degrees; of a "
        "sparsest trial one-sided, of being worse by more than the margin",
    ),
    "p_holm": Meaning(
        "corrected for all planned tests and looks: below 0.05 where a difference was found",
        "probability",
        "least over looks of Holm's p * 0.05 / share of the look, at most 1",
    ),
    "probability_better": Meaning(
        "seeds at which it was better than its baseline",
        "share, 0 to 1",
        "(seeds better + half of those equal) / n",
    ),
    "margin": Meaning(
        "the largest difference that does not matter",
        "that of the metric",
        "hydra.sweeper.margin * the baseline's mean on these seeds",
    ),
    "seeds_needed": Meaning(
        "of an undecided arm, the seeds that would decide about the margin with 80 % power; empty "
        "where more than 1,000 are needed",
        "count",
        "least n: t(1 - 0.025 / tests; n - 1) + t(0.9; n - 1) <= margin / (std of the pairs / "
        "sqrt(n))",
    ),
    "plateau_low": Meaning(
        "least weight (or p, amount, alpha) that is as good as the winner's within the margin",
        "that of the weight",
        "where a Gaussian process over the weights, log where they are searched so, one deviation "
        "below, is at most its least mean * (1 + margin)",
    ),
    "plateau_high": Meaning(
        "largest weight (or p, amount, alpha) that is as good as the winner's within the margin",
        "that of the weight",
        "as plateau_low",
    ),
    "verdict": Meaning(
        "better, worse, equivalent (the interval lies within the margin), undecided, or unstable "
        "(a confirm run broke off); empty for a baseline; with (exploratory) where the plan was or "
        "may have been changed after a look, (second look) where the baseline is not the planned "
        "one; of a sparsest trial not worse (than its winner by more than the margin), worse or "
        "undecided",
        "words",
    ),
}


def columns_table(runs: pd.DataFrame, comparison: pd.DataFrame) -> pd.DataFrame:
    """A row a column of both tables, in their order: ``file, column, meaning, unit, formula``.

    What is in neither ``RUNS`` nor ``COMPARISON`` is a compared group, which the names of arms
    have, or a searched key.
    """
    groups = {word.partition("=")[0] for arm in runs.get("arm", ()) for word in arm.split()}
    of_runs = {name: RUNS.get(name, GROUP if name in groups else KEY) for name in map(str, runs)}
    of_arms = {name: COMPARISON.get(name, _WINNING_KEY) for name in map(str, comparison)}
    rows = [
        (file, name, *meaning)
        for file, meanings in (("runs.csv", of_runs), ("comparison.csv", of_arms))
        for name, meaning in meanings.items()
    ]
    return pd.DataFrame(rows, columns=["file", "column", *Meaning._fields], dtype="str")
