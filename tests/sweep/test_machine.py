import logging

import pytest
from composed import checked_sweep

from regsweep.errors import InputError
from regsweep.sweep.machine import check_draws, tell


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

    tell(sweep.runs)

    assert caplog.messages[-1].startswith(said)
    assert ("standardised" in caplog.text) == ("diabetes" in asked[0])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            ["model=linear"],
            "regularizer.dropout does nothing here: the network has no hidden layers; null leaves "
            "it out",
        ),
        (["model=linear", "regularizer.dropout=choice(0.0)"], None),
        (
            ["data.dataset=diabetes"],
            "regularizer.label_smoothing does nothing here: the targets are numbers, of no "
            "classes; null leaves it out",
        ),
        (
            ["trainer.batch_size=1"],
            "regularizer.mixup does nothing here: a batch of one example has no other to mix "
            "with; null leaves it out",
        ),
        ([], None),
    ],
)
def test_ingredients_that_do_nothing_are_told_once(asked, said, caplog):
    caplog.set_level(logging.INFO)
    _, sweep = checked_sweep("regularizer=none,cocktail", "data=sklearn", *asked)

    tell(sweep.runs)

    assert [text for text in caplog.messages if "does nothing" in text] == [said][
        : said is not None
    ]


def of_groups(path, *asked):
    """The runs of a sweep of 60 rows in groups of 1 to 11, which no part may share."""
    sizes = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 4)
    who = [name for name, size in enumerate(sizes) for _ in range(size)]
    rows = [f"{n * 7 % 60},{n % 2},{name}" for n, name in enumerate(who)]
    path.write_text("\n".join(["x,y,who", *rows, ""]))
    given = ("data=csv", f"data.path={path}", "data.target=y", "data.group=who", *asked)
    _, sweep = checked_sweep("regularizer=none,l1", *given)
    return sweep.runs


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            ("data.train_size=36", "trainer.batch_size=4"),
            "data.train_size=36: expected null (all) or 2 to 35: at least one example for each of "
            "the 2 classes, at most what the groups of the other parts leave of 60 (data.group)",
        ),
        (
            ("trainer.batch_size=36",),
            "trainer.batch_size=36: expected at most the number of training examples, 35",
        ),
    ],
)
def test_rows_that_a_confirm_seed_cannot_draw_are_found_before_the_search(tmp_path, asked, told):
    runs = of_groups(tmp_path / "rows.csv", *asked)

    check_draws(runs, range(10_000, 10_011))
    with pytest.raises(InputError) as caught:
        check_draws(runs, range(10_000, 10_040))
    assert str(caught.value) == (
        "hydra.sweeper.resample=rows: the rows that seed 10011 would draw cannot be trained on: "
        + told
    )
