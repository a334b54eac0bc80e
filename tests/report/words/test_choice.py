from dataclasses import replace

import pytest

from regsweep.records.task import ACCURACY, R2
from regsweep.report.tables.choice import Choice
from regsweep.report.words.choice import choice_lines, choice_sentence
from tests.report_tables import ASKED

ARMS = ("regularizer=none", "regularizer=l2")
CHOICE = Choice(
    "regularizer=none", ARMS[0], "baseline", ARMS, 10, 3, 0.01, "test_loss", ACCURACY
)  # fmt: skip
PLANNED = replace(ASKED, looks=(10, 20, 40))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {},
            "To take: regularizer=none. Of the arms shown to be at most 1 % worse than the best in "
            "test loss (regularizer=none, regularizer=l2; 10 common seeds, corrected for 3 arms "
            "and 3 looks) it is the baseline.",
        ),
        (
            {"arm": ARMS[1], "reason": "only", "among": ARMS[1:], "metric": "test_error"},
            "To take: regularizer=l2. It is the only arm shown to be at most 1 % worse than the "
            "best in test error (10 common seeds, corrected for 3 arms and 3 looks).",
        ),
        (
            {"arm": None, "reason": None, "among": (), "metric": "test_error", "score": R2},
            "To take: open. No arm is shown to be at most 1 % worse than the best in test error "
            "(1 - R²) (10 common seeds, corrected for 3 arms and 3 looks).",
        ),
    ],
)
def test_what_to_take_and_why(changes, sentence):
    assert choice_sentence([replace(CHOICE, **changes)], PLANNED) == sentence


def test_those_of_several_baselines_share_a_sentence():
    others = [
        replace(CHOICE, baseline="b", arm="c", reason="only", seeds=20),
        replace(CHOICE, baseline="d", arm=None, reason=None, among=()),
    ]
    assert choice_sentence([CHOICE, *others], PLANNED) == (
        "To take of each baseline's arms what is shown to be at most 1 % worse than the best in "
        "test loss (corrected for 3 arms and 3 looks): regularizer=none (it is the baseline; "
        "10 common seeds); c (it is the only arm shown so; 20 common seeds); none of those "
        "compared with d (10 common seeds)."
    )


def test_without_a_choice_nothing_is_said():
    assert choice_sentence([], PLANNED) is None


def test_of_a_plan_that_was_changed_it_is_exploratory():
    said = choice_sentence([CHOICE], replace(PLANNED, exploratory="margin was 0.02"))
    assert "10 common seeds, exploratory, corrected for 3 arms" in said


NAMES = {"regularizer=none": "none", "regularizer=l2": "l2", "regularizer=l1": "l1"}
WITHIN = "shown to be at most 1 % worse than the best in test loss"
L2 = replace(CHOICE, baseline="b", arm=ARMS[1], reason="only")
OPEN = replace(CHOICE, arm=None, reason=None, among=())


@pytest.mark.parametrize(
    ("choices", "line"),
    [
        ([CHOICE], f"To take: none (the baseline). It is {WITHIN}."),
        ([L2], f"To take: l2. It is {WITHIN}."),
        ([OPEN], f"To take: open, as no arm is {WITHIN}."),
        (
            [CHOICE, L2, OPEN],
            f"To take, of each baseline's arms: none (the baseline) and l2. Each is {WITHIN}.",
        ),
    ],
)
def test_in_a_line_arms_have_their_short_names(choices, line):
    assert choice_lines({"s": choices}, {"s": PLANNED}, NAMES) == (line,)


def test_lines_of_several_sweeps_are_told_apart_and_an_exploratory_one_says_so():
    asked = {"a": PLANNED, "b": replace(PLANNED, exploratory="margin was 0.02"), "c": PLANNED}
    assert choice_lines({"a": [L2], "b": [OPEN], "c": []}, asked, NAMES) == (
        f"a: To take: l2. It is {WITHIN}.",
        f"b: To take: open, as no arm is {WITHIN} (exploratory).",
    )
