"""Tables in CSV files: read, checked, encoded, divided."""

import random
import time

import numpy as np
import pytest
import torch

from regsweep.data.parts import divide
from regsweep.data.sizes import Sizes
from regsweep.errors import InputError, MachineFault
from regsweep.settings.data import Table
from regsweep.training.load import facts_of, load_data

CELLS = random.Random(0)
ROWS = [
    {
        "age": CELLS.randint(30, 80),
        "sex": CELLS.choice("fm"),
        "pain": CELLS.choice(["none", "some", "much"]),
        "outcome": CELLS.choice(["ill", "well"]),
    }
    for _ in range(60)
]


def spec(path, **changed):
    usual = {
        "target": "outcome", "test_path": None, "columns": None, "group": None,
        "train_size": None, "validation_size": 0.2, "test_size": 0.2, "split_seed": 0,
    }  # fmt: skip
    return Table(str(path), **usual | changed)


def text_of(rows):
    lines = [",".join(rows[0]), *(",".join(str(cell) for cell in row.values()) for row in rows)]
    return "\n".join(lines) + "\n"


def with_cell(row, name, value):
    rows = [dict(cells) for cells in ROWS]
    rows[row][name] = value
    return rows


@pytest.fixture
def saved(tmp_path):
    def save(rows, name="heart.csv"):
        path = tmp_path / name
        path.write_bytes(rows if isinstance(rows, bytes) else text_of(rows).encode())
        return path

    return save


def test_numbers_are_standardised_and_categories_one_hot_by_training_rows_alone(saved):
    data = load_data(spec(saved(ROWS)), test=True)
    facts = facts_of(spec(saved(ROWS)))

    assert (facts.train, facts.validation, facts.test) == (38, 10, 12)
    assert (facts.shape, facts.classes) == ((1 + 2 + 3,), ("ill", "well"))
    ages, hot = data.train.inputs[:, 0].double(), data.train.inputs[:, 1:]
    assert ages.mean().item() == pytest.approx(0, abs=1e-6)
    assert ages.std(unbiased=False).item() == pytest.approx(1, abs=1e-6)
    assert data.test.inputs[:, 0].mean().abs() > 1e-3
    assert set(hot.unique().tolist()) == {0, 1}
    assert (hot.sum(1) == 2).all()


def test_what_is_missing_is_the_median_of_training_rows_or_a_category_of_its_own(saved):
    rows = [dict(row, age=n) for n, row in enumerate(ROWS)]
    rows += [dict(rows[n], age="", pain="") for n in range(30)]

    data = load_data(spec(saved(rows)), test=True)

    assert data.shape == (1 + 2 + 4,)
    missing = torch.cat([p.inputs for p in (data.train, data.validation, data.test)])
    missing = missing[missing[:, 3] == 1]  # "" sorts first
    assert len(missing) == 30
    assert len(missing[:, 0].unique()) == 1
    known = data.train.inputs[data.train.inputs[:, 3] == 0, 0]
    middle = known.double().quantile(torch.tensor([0.45, 0.55]).double())
    assert middle[0] <= missing[0, 0] <= middle[1]


def test_another_file_tests_and_what_training_rows_lack_is_no_category(saved):
    path, test = saved(ROWS), saved([dict(ROWS[0], sex="x"), ROWS[1]], "test.csv")

    data = load_data(spec(path, test_path=str(test)), test=True)
    facts = facts_of(spec(path, test_path=str(test)))

    assert (facts.train, facts.validation, facts.test) == (48, 12, 2)
    assert data.test.inputs[:, 1:3].sum(1).tolist() == [0, 1]
    assert set(facts.files) == {"data.path", "data.test_path"}


def test_columns_are_the_ones_to_learn_from(saved):
    facts = facts_of(spec(saved(ROWS), columns=("sex", "age")))

    assert facts.shape == (1 + 2,)


def test_what_says_nothing_is_left_out_by_name(saved):
    rows = [
        dict(row, site="here", name=f"name {n}", gone="", once="yes" if n % 2 else "")
        for n, row in enumerate(ROWS)
    ]

    facts = facts_of(spec(saved(rows)))

    assert facts.notes == (
        f"data.path={saved(rows)}: left out site (constant), name (text of 60 values), "
        "gone (empty)",
    )
    assert facts.shape == (6 + 2,)


def test_empty_lines_and_a_written_index_are_passed_over(saved):
    header, *lines = text_of(ROWS).splitlines()
    text = "\n".join(["," + header, "", *(f"{n},{line}" for n, line in enumerate(lines)), "", ""])

    facts = facts_of(spec(saved(text.encode("utf-8-sig"))))

    assert facts.shape == facts_of(spec(saved(ROWS))).shape
    assert [note.partition(": ")[2] for note in facts_of(spec(saved(text.encode()))).notes] == [
        "passed over the first column, which has no name",
        "passed over 1 empty line",
    ]


def grouped(size, rows=60):
    """Rows that tell their number and their group, of ``size`` rows each."""
    return [
        {"number": n, "who": f"p{n // size}", "outcome": "ab"[n // size % 2]} for n in range(rows)
    ]


@pytest.mark.parametrize(("size", "counts"), [(1, (38, 10, 12)), (3, (36, 12, 12))])
def test_a_group_is_on_one_side_of_every_split(saved, size, counts):
    rows = [dict(row, twin=row["who"][1:]) for row in grouped(size)]

    data = load_data(spec(saved(rows), group="who"), test=True)

    parts = [part.inputs for part in (data.train, data.validation, data.test)]
    twins = [set(inputs[:, 1].tolist()) for inputs in parts]
    assert tuple(map(len, parts)) == counts
    assert sum(map(len, twins)) == len(set.union(*twins)) == 60 / size
    assert data.shape == (2,)
    halves = [set(parts[1][half, 1].tolist()) for half in (data.stopping, ~data.stopping)]
    stop, judge = facts_of(spec(saved(rows), group="who")).halves
    assert stop + judge == counts[1]
    assert abs(stop - judge) <= 2  # a row of each class
    assert sum(map(len, halves)) == len(set.union(*halves)) == counts[1] / size


def test_groups_are_kept_whole_and_classes_keep_their_shares():
    groups = torch.arange(600) // 7
    labels = groups % 3
    names = ("a", "b", "c")

    for seed in range(5):
        parts = divide(labels, names, Sizes(None, 0.2, 0.2, seed), "y", test=True, groups=groups)
        found = [set(groups[part].tolist()) for part in (parts.train, parts.validation, parts.test)]
        rows = torch.cat([parts.train, parts.validation, parts.test])

        assert rows.sort().values.tolist() == list(range(600))
        assert sum(map(len, found)) == len(set.union(*found)) == 86
        for part, share in ((parts.test, 120), (parts.validation, 96)):
            assert len(part) == pytest.approx(share, abs=11)
            assert torch.bincount(labels[part]).tolist() == pytest.approx([share / 3] * 3, abs=4)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (30, "data.group: no group is small enough for data.test_size=0.2; expected more groups"),
        (10, "data.group: no group is small enough for data.validation_size=0.2; expected more"),
    ],
)
def test_too_few_groups_are_refused(saved, size, message):
    with pytest.raises(InputError) as caught:
        facts_of(spec(saved(grouped(size)), group="who", columns=("number",)))

    assert str(caught.value).startswith(message)


def test_a_group_that_is_missing_or_in_both_files_is_refused(saved):
    path, rows = saved(grouped(3)), grouped(3)
    test = saved([*grouped(3, 0), dict(rows[5], who="new"), rows[5]], "test.csv")
    with pytest.raises(InputError) as shared:
        facts_of(spec(path, group="who", test_path=str(test)))
    path = saved([*rows[:4], dict(rows[4], who=""), *rows[5:]])
    with pytest.raises(InputError) as missing:
        facts_of(spec(path, group="who"))

    assert str(shared.value) == (
        f"data.test_path={test}: column who, row 2 is p1, a group that data.path has too"
    )
    assert str(missing.value) == (
        f"data.path={path}: column who, row 5 is missing; every row needs a group"
    )


def test_classes_may_be_numbers(saved):
    rows = [dict(row, outcome=n % 3) for n, row in enumerate(ROWS)]

    assert facts_of(spec(saved(rows))).classes == ("0", "1", "2")


def test_categories_that_no_training_row_has_are_told_by_column_and_rows(saved):
    aside = [dict(row, sex="x" if n < 3 else row["sex"]) for n, row in enumerate(ROWS)]
    path, test = saved(ROWS), saved([*aside, dict(ROWS[0], sex="")], "test.csv")

    notes = facts_of(spec(path, test_path=str(test))).notes

    assert notes == (
        f"data.path={path}: column sex: 4 of 61 test rows have values that no training row has "
        "('x', ''), encoded as none of its categories",
    )


REFUSED = [
    (b"", "the first line is empty, expected the names of the columns"),
    (b"age,outcome\n", "there is no row below the header"),
    (b"age;outcome\n1;a\n", "columns are separated by ';', expected commas"),
    (b"age,age,outcome\n1,2,a\n", "columns 1 and 2 are both named age"),
    (b"age,,outcome\n1,2,a\n", "column 2 has no name in the first line"),
    (b"age,outcome\r1,a\r2,b\r", "the first line cannot be read (new-line character seen in unq"),
    (b'"' + b"a" * 200_000, "the first line cannot be read (field larger than field limit"),
    (b"age,outcome\n1,a\n2,b,c\n", "rows differ from the header, 2 names (Expected 2 fields in li"),
    (b"age,outcome\n1,a,b\n2,b,c\n", "rows differ from the header, 2 names ("),
    ("age,outcome\n1,a\n".encode("utf-16"), "it is UTF-16, expected UTF-8: iconv -f utf-16 -t utf"),
    ("age,outcome\n1,a\n".encode("utf-16-le"), "line 1 has a NUL byte, expected text in UTF-8"),
    (b"age,outcome\n1,a\n2,b\0\n", "line 3 has a NUL byte, expected text in UTF-8"),
    ("age,outcome\n1,a\n2,é\n".encode("latin-1"), "line 3 is not UTF-8 (byte 0xe9); where it is L"),
    (with_cell(7, "age", "inf"), "column age, row 8 is inf, expected a finite number in float32"),
    (
        with_cell(7, "age", "?"),
        "column age, row 8 is ?, and 98% of the column are numbers; leave w",
    ),
    (with_cell(7, "outcome", ""), "column outcome: row 8 is missing; every row needs a target"),
    (
        with_cell(7, "outcome", "dead"),
        "column outcome=dead (1 row): expected at least 3 rows",
    ),
    (
        [dict(row, outcome="ill") for row in ROWS],
        "column outcome: every row is ill; expected",
    ),
    ([{"outcome": row["outcome"]} for row in ROWS], "there is no column to learn from"),
]


@pytest.mark.parametrize(("rows", "message"), REFUSED, ids=lambda v: str(v)[:40])
def test_what_cannot_be_learned_from_is_refused_by_its_column_and_row(saved, rows, message):
    path = saved(rows)

    with pytest.raises(InputError) as caught:
        facts_of(spec(path))

    assert str(caught.value).startswith(f"data.path={path}: {message}")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"target": "outcom"}, "data.target=outcom: expected a column of the file; did you mean o"),
        ({"columns": ("agee",)}, "data.columns=agee: expected a column of the file; did you mean "),
        (
            {"columns": ("outcome",)},
            "data.columns=outcome: expected columns other than",
        ),
        (
            {"group": "wh"},
            "data.group=wh: expected a column of the file; known: age, ",
        ),
        ({"group": "outcome"}, "data.group=outcome: expected another column than data.target"),
        (
            {"group": "sex", "columns": ("sex", "age")},
            "data.columns=sex: expected columns other than data.group",
        ),
        ({"columns": ()}, "data.columns=[]: expected the names of one column or more, or null"),
    ],
)
def test_columns_that_are_not_there_are_refused(saved, changed, message):
    with pytest.raises(InputError) as caught:
        facts_of(spec(saved(ROWS), **changed))

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([dict(ROWS[0], age="old")], "column age, row 1 is old, expected a number"),
        (
            [dict(ROWS[0], outcome="dead")],
            "column outcome: row 1 is dead, which no training",
        ),
        ([{"age": 3, "outcome": "ill"}], "column sex is missing, which data.path has"),
    ],
)
def test_a_test_file_of_another_kind_is_refused(saved, rows, message):
    test = saved(rows, "test.csv")

    with pytest.raises(InputError) as caught:
        facts_of(spec(saved(ROWS), test_path=str(test)))

    assert str(caught.value).startswith(f"data.test_path={test}: {message}")


def test_a_file_that_is_not_there_is_no_runs_fault(tmp_path):
    with pytest.raises(MachineFault, match="expected a file that can be read"):
        facts_of(spec(tmp_path))


@pytest.mark.full
def test_a_file_of_50_mb_is_read_in_seconds(saved):
    numbers = np.random.default_rng(0).normal(size=(90_000, 30))
    header = ",".join([*(f"c{n}" for n in range(30)), "outcome"])
    lines = [f"{','.join(map('{:.15f}'.format, row))},{'ab'[int(row[0] > 0)]}" for row in numbers]
    path = saved("\n".join([header, *lines]).encode())
    assert path.stat().st_size > 45e6
    started = time.perf_counter()

    assert facts_of(spec(path)).shape == (30,)

    assert time.perf_counter() - started < 30


def test_truth_values_with_gaps_are_categories_and_numbers_of_many_digits_numbers(saved):
    rows = [
        dict(row, smoker=("True", "False", "")[n % 3], number=12345678901234567890123450000 + n)
        for n, row in enumerate(ROWS)
    ]

    assert facts_of(spec(saved(rows))).shape == (1 + 2 + 3 + 3 + 1,)


def test_an_empty_line_in_quotes_is_no_line_that_is_passed_over(saved):
    rows = [dict(row, note='"a\n\nb"' if n % 2 else "c") for n, row in enumerate(ROWS)]

    assert facts_of(spec(saved(rows))).notes == ()
