"""How a comparison is reported in a paper: a paragraph, and its table in LaTeX and Markdown."""

import math
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from regsweep.records.record import BEST_EPOCH
from regsweep.report.tables.judge import plain
from regsweep.report.tables.looks import BETTER, UNSTABLE, WORSE
from regsweep.report.tables.request import Request
from regsweep.report.tables.scores import score_of_row
from regsweep.report.words.measure import Measure, measure_of
from regsweep.report.words.numbers import short
from regsweep.report.words.trials import differing_trials
from regsweep.report.words.view import listed

_MOST_NAMED = 8
_LATEX = {
    **{char: f"\\{char}" for char in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "²": r"\textsuperscript{2}",
}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")


def paragraph(
    runs: pd.DataFrame, comparison: pd.DataFrame, names: Mapping[str, str], asked: Request
) -> str:
    """What a reviewer asks for of one sweep; empty where it tested nothing.

    The arms, what was tuned and by how many trials, the sizes of the parts, epochs, seeds, the
    test, its looks and corrections, the margin, and what each arm came to.
    """
    judged = comparison[comparison["verdict"].notna()]
    if judged.empty:
        return ""
    measure = measure_of(judged.iloc[0])
    own = [str(arm) for arm in comparison["arm"]]
    baselines = list(dict.fromkeys(judged["baseline"].astype(str)))
    others = [arm for arm in own if arm not in baselines]
    sentences = [
        f"We compared {_named(others, names)} with {_baseline(baselines, names)}, by "
        f"{_version(asked)}.",
        _search(own, names, asked),
        _training(runs, asked),
        _tests(judged, measure, asked),
        _results(judged, names, measure, asked),
        "Intervals cover other seeds: initial weights and the order of the data. "
        "They cover neither another search, nor another split, nor other test examples.",
    ]
    if asked.exploratory:
        sentences.append(
            "Not all of the plan is known to be older than the first look "
            f"({asked.exploratory}), so this is exploratory."
        )
    return " ".join(filter(None, sentences))


def latex(comparison: pd.DataFrame, names: Mapping[str, str], corrections: str) -> str:
    """A booktabs table of the arms of one sweep; what LaTeX would take for its own is escaped."""
    header, rows = _cells(comparison, names)
    # A bracket at the start of a row would be taken for an option of the line break before.
    lines = ["{}" + " & ".join(map(_latex, c)) + r" \\" for c in (header, *rows)]
    lines = [x if x.startswith("{}[") else x.removeprefix("{}") for x in lines]
    kinds = "l" + "r" * (len(header) - 2) + "l"
    note = _latex(_interval(corrections))
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            f"% {note}",
            rf"\begin{{tabular}}{{{kinds}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def markdown(comparison: pd.DataFrame, names: Mapping[str, str], corrections: str) -> str:
    """The same table in Markdown."""
    header, rows = _cells(comparison, names)
    kinds = [":--", *["--:"] * (len(header) - 2), ":--"]
    lines = [[_MARKDOWN.sub(r"\\\1", cell) for cell in cells] for cells in (header, *rows)]
    lines.insert(1, kinds)
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{table}\n\n{_interval(corrections)}"


def _interval(corrections: str) -> str:
    if not corrections:
        return "In brackets: 95 % intervals."
    return f"In brackets: intervals; they and p are corrected for {corrections}."


def _cells(comparison: pd.DataFrame, names: Mapping[str, str]) -> tuple[list[str], list[list[str]]]:
    """The header and a row an arm: seeds, the metric's mean, its improvement, p, the verdict."""
    first = comparison[comparison["metric"].notna()].iloc[0]
    measure = measure_of(first)
    unit = " (%)" if measure.unit else ""
    improved = f"improvement{' (points)' if measure.unit else ''}"
    header = ["arm", "seeds", measure.name + unit, improved, "p (Holm)", "verdict"]
    rows = []
    for _, row in comparison.iterrows():
        differs = pd.notna(row["improvement_mean"])
        verdict = row["verdict"] if pd.notna(row["verdict"]) else ""
        if row["baseline"] == row["arm"]:
            verdict = "baseline"
        rows.append(
            [
                names[row["arm"]],
                "" if pd.isna(row["seeds"]) else f"{row['seeds']:.0f}",
                _mean(row, measure),
                _improvement(row, measure) if differs else "",
                _p(float(row["p_holm"])) if differs and pd.notna(row["p_holm"]) else "",
                str(verdict),
            ]
        )
    return header, rows


def _mean(row: "pd.Series", measure: Measure) -> str:
    """The mean of what the arms are judged on, in its unit; empty for an arm that is not."""
    if pd.isna(row["metric"]):
        return ""
    if row["metric"] == "test_loss":
        value = float(row["test_loss_mean"])
    else:
        score = float(row[f"{score_of_row(row).of('test')}_mean"])
        value = 100 * (1 - score) if measure.unit else score
    return "" if math.isnan(value) else f"{value:.{2 if measure.unit else 4}f}"


def _improvement(row: "pd.Series", measure: Measure) -> str:
    parts = [
        measure.scale * float(row[f"improvement_{part}"]) for part in ("mean", "ci_low", "ci_high")
    ]
    largest = max(map(abs, parts))
    least = 2 if measure.unit else 4
    decimals = max(least, 1 - math.floor(math.log10(largest))) if largest > 0 else least
    mean, low, high = (f"{part:+.{decimals}f}" for part in parts)
    return f"{mean} [{low}, {high}]"


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in text)


def _named(arms: Sequence[str], names: Mapping[str, str]) -> str:
    """The arms but for their baseline are what was compared; many are counted."""
    return f"{len(arms)} arms" if len(arms) > _MOST_NAMED else listed([names[a] for a in arms])


def _baseline(baselines: Sequence[str], names: Mapping[str, str]) -> str:
    if len(baselines) > 1:
        return "the arm of the same other choices that is their baseline"
    return f"{names.get(baselines[0], baselines[0])}"


def _version(asked: Request) -> str:
    version = asked.versions.get("regsweep")
    return f"regsweep {version}" if version else "regsweep"


def _search(arms: Sequence[str], names: Mapping[str, str], asked: Request) -> str:
    searched = [arm for arm in arms if asked.spaces.get(arm)]
    counts = dict.fromkeys(asked.trials[arm] for arm in searched if arm in asked.trials)
    if not counts:
        return ""
    trials = differing_trials(asked) or f"{' or '.join(map(str, counts))} trials an arm"
    keys = list(dict.fromkeys(key for arm in searched for key in asked.spaces[arm]))
    were = "was" if len(keys) == 1 else "were"
    replicates = asked.budget.get("replicates", 1)
    seeds = f"{replicates} seed{'s' * (replicates != 1)}"
    fixed = [arm for arm in arms if arm not in searched]
    without = f"; {_named(fixed, names)} had nothing to tune" if fixed else ""
    return (
        f"{listed(keys)} {were} tuned by {asked.objective} with {trials}, each on {seeds}{without}."
    )


def _training(runs: pd.DataFrame, asked: Request) -> str:
    confirm = runs[(runs["stage"] == "confirm") & (runs["status"] == "completed")]
    whole, stops = confirm, BEST_EPOCH in confirm
    if stops:
        whole = confirm[confirm[BEST_EPOCH].isna()]
    epochs = " or ".join(map(str, sorted(set(whole["epochs"]))))
    ends = [f"for {epochs} epochs"] * bool(epochs)
    ends += ["until it stopped early by half of the validation examples"] * stops
    data = {tuple(d.get(part) for part in _PARTS) for d in asked.data.values()}
    sizes = ""
    if len(data) == 1 and None not in (found := next(iter(data))):
        split = asked.common.get("data.split_seed")
        by = "" if split is None else f", split by seed {split}"
        counts = ", ".join(f"{n:,} {part}" for n, part in zip(found, _PARTS, strict=True))
        sizes = f" ({counts} examples{by})"
    return (
        f"Each arm's winner was trained again {' or '.join(ends)} on the same training set with "
        f"fresh seeds and tested once a seed{sizes}."
    )


_PARTS = ("train", "validation", "test")


def _tests(judged: pd.DataFrame, measure: Measure, asked: Request) -> str:
    looks = ""
    if len(asked.looks) > 1:
        looks = (
            f", at looks at {listed([str(n) for n in asked.looks])} seeds, planned before the "
            "first run, each of which spent of 5 % as large a share as it had of all seeds, until "
            "an arm was decided"
        )
    holm = f", with Holm's correction over {asked.tests} planned tests" if asked.tests > 1 else ""
    margin = ""
    if asked.looks and asked.margin is not None:
        margin = (
            f" Arms were called equivalent where the interval of the difference lay within "
            f"{100 * asked.margin:.2g} % of the baseline's mean."
        )
    return (
        f"Arms were compared in {measure.name} by two-sided paired t tests over seeds at 5 %"
        f"{holm}{looks}.{margin}"
    )


def _results(
    judged: pd.DataFrame, names: Mapping[str, str], measure: Measure, asked: Request
) -> str:
    if len(judged) > _MOST_NAMED:
        return "The table has the results."
    said = []
    for _, row in judged.iterrows():
        name, verdict = names[row["arm"]], row["verdict"]
        if verdict == UNSTABLE or pd.isna(row["improvement_mean"]):
            said.append(f"{name} was {verdict}")
            continue
        p = "p < 0.001" if row["p_holm"] < 0.001 else f"p = {row['p_holm']:.3f}"
        if plain(verdict) in (BETTER, WORSE):
            size = f"by {measure.size(row)}"
        else:
            low, high = (measure.scale * row[f"improvement_ci_{end}"] for end in ("low", "high"))
            size = f"(improvement {short(low)} to {short(high)}{measure.unit})"
        said.append(f"{name} was {verdict} {size}, {p}, n = {row['seeds']:.0f}")
    corrected = ""
    if asked.corrections:
        corrected = f" Intervals (in brackets) and p are corrected for {asked.corrections}."
    return f"{'; '.join(said)}.{corrected}"
