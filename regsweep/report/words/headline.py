"""The answer of a comparison in one sentence of at most two lines."""

from collections.abc import Mapping, Sequence

import pandas as pd

from regsweep.report.tables.judge import marks_of, plain
from regsweep.report.tables.looks import BETTER, EQUIVALENT, UNDECIDED, UNSTABLE, WORSE
from regsweep.report.tables.request import Request
from regsweep.report.tables.scores import score_of_row
from regsweep.report.words.measure import measure_of
from regsweep.report.words.view import OUTSIDE, listed, short_names

# Two lines of the page's headline, at 1,400 pixels.
LONGEST = 170
_OTHERS = {
    WORSE: "worse",
    EQUIVALENT: "equivalent",
    UNDECIDED: "undecided",
    UNSTABLE: "unstable",
}


def headlines(
    comparison: pd.DataFrame,
    asked: Mapping[str, Request] | None = None,
    untested: Mapping[str, Sequence[str]] | None = None,
) -> tuple[str, ...]:
    """A sentence a sweep: which arms are better, and by how much the best.

    Arms are named where the sentence has at most ``LONGEST`` characters then, else counted. Where
    no arm was judged it is why: the first that ``untested`` says of the sweep, by its name.
    """
    names = short_names(comparison["arm"])
    several = "sweep" in comparison
    sweeps = comparison["sweep"].fillna("") if several else pd.Series("", comparison.index)
    asked, untested = asked or {}, untested or {}
    said = []
    comparison = comparison.assign(verdict=comparison["verdict"].map(plain, na_action="ignore"))
    for sweep, arms in comparison.groupby(sweeps, sort=False):
        rows = [row for _, row in arms[arms["verdict"].notna()].iterrows()]
        own = asked.get(str(sweep)) if several else next(iter(asked.values()), None)
        prefix = f"{sweep or OUTSIDE}: " if several else ""
        why = untested.get(str(sweep)) if several else next(iter(untested.values()), None)
        judged = [row for row in rows if row["verdict"] != UNSTABLE]
        if why and not judged:
            said.append(f"{prefix}{why[0]}")
        elif not rows:
            said.append(f"{prefix}{_without_a_test(arms, own, names)}")
        else:
            marks = marks_of(own) if own else ()
            note = f" ({', '.join(marks)})" if marks else ""
            said.append(f"{prefix}{_sentence(rows, names)}{note}.")
    return tuple(said)


def _without_a_test(arms: pd.DataFrame, asked: Request | None, names: Mapping[str, str]) -> str:
    """Where nothing is amiss: of one arm, of a sweep cut off, and of runs of no comparison."""
    if asked is None or not asked.compares:
        return "Nothing is tested here, as no comparison was planned."
    row = arms.iloc[0]
    if len(asked.arms) > 1 or pd.isna(row["seeds"]):
        without = arms[arms["best_overrides"].isna()]
        others = [arm for arm in asked.arms if asked.baselines.get(arm, arm) != arm] or asked.arms
        over = all(
            n >= asked.trials.get(arm, 1)
            for arm, n in zip(arms["arm"], arms["trials"], strict=True)
        )
        if over and set(others) <= {*without["arm"]}:
            return f"Nothing is tested: no trial of {listed([names[a] for a in others])} completed."
        return "Nothing is tested yet: the sweep is not finished."
    if row["metric"] == "test_loss":
        value = f"loss of {row['test_loss_mean']:.4f}"
    else:
        score = score_of_row(row)
        value = f"{score.words} of {score.shown(row[score.of('test') + '_mean'])}"
    seeds = int(row["seeds"])
    return (
        f"{names[row['arm']]} is the only arm, so it is compared with nothing: it has a test "
        f"{value}, the mean over {seeds} seed{'s' * (seeds != 1)}."
    )


def _sentence(rows: Sequence["pd.Series"], names: Mapping[str, str]) -> str:
    named = _clauses(rows, names, counted=False)
    return named if len(named) <= LONGEST else _clauses(rows, names, counted=True)


def _clauses(rows: Sequence["pd.Series"], names: Mapping[str, str], *, counted: bool) -> str:
    """``l2 and l1 are better than none in test loss; l2 most, by 0.1 (0.05 to 0.2); ...``."""
    measure = measure_of(rows[0])
    baselines = list(dict.fromkeys(str(row["baseline"]) for row in rows))
    better = [row for row in rows if row["verdict"] == BETTER]
    against = names.get(baselines[0], baselines[0])
    if len(baselines) > 1:
        against = "their baselines" if len(better) > 1 else "its baseline"

    def who(those: Sequence["pd.Series"], of: str = "") -> str:
        whom = f"{len(those)}{of}" if counted else listed([names[row["arm"]] for row in those])
        if whom == "none":  # which would say that no arm is
            whom = "the arm none"
        return f"{whom} {'is' if len(those) == 1 else 'are'}"

    than = f"better than {against} in {measure.name}"
    clauses = [f"no arm is shown to be {than}"]
    if better:
        most = max(better, key=lambda row: float(row["improvement_mean"]))
        size = measure.size(most)
        clauses = [f"{who(better, f' of {len(rows)} arms')} {than}"]
        if len(better) == 1 and not counted:
            clauses[0] += f", by {size}"
        else:
            ahead = " most" if len(better) > 1 else ""
            clauses.append(f"{names[most['arm']]}{ahead}, by {size}")
    for verdict, word in _OTHERS.items():
        if those := [row for row in rows if row["verdict"] == verdict]:
            clauses.append(f"{who(those)} {word}")
    text = "; ".join(clauses)
    return text if better else f"N{text[1:]}"
