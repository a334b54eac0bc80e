import logging

import pytest
from composed import checked_sweep

from regsweep.sweep.machine import tell_of_data


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            ["data.dataset=diabetes"],
            "88 rows test: the choice of so few gives an R² of 0.5 a standa",
        ),
        (
            ["data.dataset=iris"],
            "30 rows test: the choice of so few gives an accuracy of 90 % a sta",
        ),
        (
            ["data.dataset=iris", "score=roc_auc"],
            "30 rows test: the choice of so few alone leaves a",
        ),
    ],
)
def test_few_test_rows_are_told_in_the_words_of_the_score(asked, said, caplog):
    caplog.set_level(logging.INFO)
    _, sweep = checked_sweep("regularizer=none,l1", "data=sklearn", *asked)

    tell_of_data(sweep.runs)

    assert caplog.messages[-1].startswith(said)
    assert ("standardised" in caplog.text) == ("diabetes" in asked[0])
