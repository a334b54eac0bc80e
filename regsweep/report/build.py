"""A report, made from the records and sweep files under directories."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from regsweep.records.record import HISTORY
from regsweep.records.stored import Unreadable
from regsweep.records.task import history_columns
from regsweep.report.tables.arm import ArmResult, arm_results
from regsweep.report.tables.choice import Choice, choices
from regsweep.report.tables.comparison import of_winners, table_of
from regsweep.report.tables.gather import GatheredRun, Problem, gather, shown
from regsweep.report.tables.history import read_history
from regsweep.report.tables.judge import judge
from regsweep.report.tables.report import Report
from regsweep.report.tables.request import Request
from regsweep.report.tables.rows import over_rows
from regsweep.report.tables.runs import in_order, table_of_runs
from regsweep.report.tables.scores import scores_of
from regsweep.report.tables.second_look import against
from regsweep.report.tables.shrunk import shrunk_networks
from regsweep.report.tables.winner import of_role
from regsweep.report.words.ablation import ablation_sentences
from regsweep.report.words.choice import choice_sentence
from regsweep.report.words.remarks import remarks_on
from regsweep.report.words.rows import rows_remarks
from regsweep.report.words.sparse import shrunk_sentences, sparsest_sentences
from regsweep.report.words.untested import why_untested
from regsweep.report.words.verdicts import verdict_sentences

_WHOSE = ("sweep", "arm", "seed")


def build_report(directories: Sequence[str | Path], arm: str | None = None) -> Report:
    """Gather the records under ``directories`` and make of them all that a report says.

    ``arm`` is the one that all are compared with, at a second look; by default each is with the
    baseline that its sweep planned, and there is a choice.

    Raises:
        InputError: a directory does not exist or holds no run, no record can be read, or there is
            no such arm.
    """
    gathered = gather(directories)
    if arm is not None:
        gathered = replace(gathered, asked=against(arm, gathered.asked))
    ordered = in_order(gathered.runs)
    runs = table_of_runs(ordered)
    results = arm_results(
        runs,
        gathered.objectives,
        gathered.asked,
        [run.record for run in ordered],
    )
    judgement = judge(results, gathered.asked)
    comparison = table_of(results, judgement.columns)
    chosen = {
        sweep: tuple(choices([result for result in results if result.sweep == sweep], asked))
        for sweep, asked in gathered.asked.items()
        if asked.against is None
    }
    curves, damaged = _curves(ordered, runs, results)
    untested = why_untested(results, gathered.asked, judgement)
    rows, damaged_rows = over_rows(results, judgement, ordered)
    shrunk, damaged_weights = shrunk_networks(results, ordered)
    return Report(
        runs=_marked(runs, results),
        comparison=comparison,
        results=tuple(results),
        curves=curves,
        asked=gathered.asked,
        verdicts=(
            *verdict_sentences(of_winners(comparison), gathered.asked),
            *_choice_sentences(chosen, gathered.asked),
            *sparsest_sentences(results, judgement.columns, gathered.asked),
            *ablation_sentences(results, judgement.columns, gathered.asked),
            *shrunk_sentences(shrunk),
        ),
        remarks=(
            *_named(untested, several="sweep" in comparison),
            *rows_remarks(rows),
            *remarks_on(results, gathered.asked, curves),
        ),
        unreadable=(*gathered.unreadable, *damaged, *damaged_rows, *damaged_weights),
        unfinished=gathered.unfinished,
        copies=gathered.copies,
        choices=chosen,
        over_rows=rows,
        pairs=judgement.pairs,
        untested=untested,
    )


def _named(sentences: Mapping[str, Sequence[str]], *, several: bool) -> list[str]:
    """The sentences of each sweep, which has its name before them where there are ``several``."""
    return [
        f"{sweep}: {one}" if several else one for sweep, its in sentences.items() for one in its
    ]


def _choice_sentences(
    chosen: Mapping[str, Sequence[Choice]], asked: Mapping[str, Request]
) -> list[str]:
    return [
        (f"{sweep}: " if len(asked) > 1 else "") + sentence
        for sweep, its_choices in chosen.items()
        if (sentence := choice_sentence(its_choices, asked[sweep]))
    ]


def _marked(runs: pd.DataFrame, results: Sequence[ArmResult]) -> pd.DataFrame:
    """The table, with the superseded confirm runs marked in ``error``."""
    error = runs["error"].copy()
    for result in results:
        if result.winner is not None:
            of_sparsest = of_role(result.superseded, "sparsest")
            others = result.superseded.drop(index=of_sparsest.index)
            now = result.row["trial"]
            error.loc[others.index] = f"superseded: the winner is now trial {now}"
            if result.sparsest:
                now = result.sparsest.row["trial"]
            error.loc[of_sparsest.index] = f"superseded: the sparsest is now trial {now}"
    return runs.assign(error=error)


def _curves(
    ordered: Sequence[GatheredRun], runs: pd.DataFrame, results: Sequence[ArmResult]
) -> tuple[pd.DataFrame, list[Problem]]:
    """The learning curves of the winners' confirm runs, a row an epoch, and what is damaged."""
    rows: list[dict[str, object]] = []
    damaged: list[Problem] = []
    for result in results:
        for i in result.final.index[result.final["stage"] == "confirm"]:
            place: dict[str, object] = {
                "sweep": result.sweep,
                "arm": result.arm,
                "seed": runs.at[i, "seed"],
            }
            path = Path(ordered[i].folder, HISTORY)
            if not os.path.lexists(path):
                continue
            try:
                rows += [place | epoch for epoch in read_history(path)]
            except Unreadable as error:
                damaged.append(Problem(shown(str(path)), error.reason))
    columns = [*_WHOSE, *history_columns(scores_of(runs))]
    return pd.DataFrame(rows, columns=columns), damaged
