import io
import os

import pandas as pd
import pytest

from regsweep.errors import InputError
from regsweep.records.record import METRICS
from regsweep.report.tables.comparison import comparison_table
from regsweep.report.tables.gather import gather
from regsweep.report.tables.runs import runs_table
from regsweep.report.tables.write import csv_text, write_files


def read_back(text):
    return pd.read_csv(io.StringIO(text), keep_default_na=False, dtype=str)


def test_what_is_read_back_equals_the_records_in_full_precision(folder):
    thirds = {name: (n + 1) / 3 for n, name in enumerate(METRICS)}
    records = [
        folder.trial(0, 0.1 + 0.2, 1 / 7, more=thirds, seconds=1e-7, epochs=10),
        folder.trial(1, 5e-324, 1e22, more={"penalty": 1e300}),
        folder.trial(2, 1, 0.5, arm="none", status="failed", error='E: a, b\nX: "c", d'),
    ]
    runs = runs_table(gather([folder.root]).runs)
    text = csv_text(runs)
    rows = {row["run"]: row for row in read_back(text).to_dict("records")}
    assert list(read_back(text).columns) == list(runs.columns)
    assert len(rows) == len(records)
    for record in records:
        row = rows[record.run]
        assert row["sweep"] == "sweep"
        assert row["arm"] == f"regularizer={record.arm['regularizer']}"
        assert (row["stage"], row["status"]) == (record.stage, record.status)
        assert (int(row["trial"]), int(row["seed"])) == (record.trial, record.seed)
        assert float(row["regularizer.weight"]) == record.params["regularizer.weight"]
        for name in METRICS:
            assert row[name] == (repr(record.metrics[name]) if name in record.metrics else "")
        assert (row["epochs"], float(row["seconds"])) == (str(record.epochs), record.seconds)
    assert rows["none-2-0"]["error"] == 'X: "c", d'
    assert rows["l1-0-0"]["error"] == ""


def test_strings_stay_strings_and_missing_values_are_empty(folder):
    folder.run("a", params={"k": "none", "n": None, "b": True, "l": [1, "x"]})
    folder.run("b", params={"k": "NA"})
    first, second = read_back(csv_text(runs_table(gather([folder.root]).runs))).to_dict("records")
    assert [first[k] for k in ("sweep", "trial", "k", "n", "b", "l")] == [
        *("", "", "none", "null", "true", "[1,x]"),
    ]
    assert [second[k] for k in ("k", "n", "b", "l")] == ["NA", "", "", ""]


STARTS = [
    *("=", "+", "-", "@", "\t", "\r", "\n", "\v", "\f", "\0", "\x85"),
    *(" =", "  +", "\u00a0-", "\u3000@", "\ufeff=", "\u200b=", "\u2028="),
    *("\uff1d", "\uff0b", "\uff0d", "\uff20", " \uff1d", "\ufe66", "\ufe62", "\ufe63", "\ufe6b"),
    *("\u207c", "\u208a", "\u2212", "\u2a75"),
]


@pytest.mark.parametrize("start", STARTS, ids=ascii)
def test_formulas_are_defused(folder, start):
    folder.run("a", params={"k": f"{start}cmd|' /C calc'!A0", "n": -1.5}, error=f"{start}1")
    (row,) = read_back(csv_text(runs_table(gather([folder.root]).runs))).to_dict("records")
    assert row["k"] == f"'{start}cmd|' /C calc'!A0"
    assert row["n"] == "-1.5"
    said = f"{start}1".strip().splitlines()[-1]
    assert row["error"] == (said if said == "1" else f"'{said}")


def test_cells_with_separators_quotes_and_line_ends_read_back():
    texts = ["a,b", 'a"b', "a\nb", "a\rb", " a ", "ü", " (=", "", "a=1", "\uff11"]
    table = pd.DataFrame({"x": pd.Series(texts, dtype="str"), "y": [0.5] * len(texts)})
    assert read_back(csv_text(table))["x"].tolist() == texts


def test_three_files_are_written_and_nothing_else(folder):
    folder.trial(0, 0.5, 0.5)
    runs = runs_table(gather([folder.root]).runs)
    out = folder.root / "new" / "out"
    for _ in range(2):
        files = write_files(runs, comparison_table(runs), "<p>", out)
    assert files == [
        out / "runs.csv",
        out / "comparison.csv",
        out / "report.html",
        out / "columns.csv",
    ]
    assert sorted(os.listdir(out)) == ["columns.csv", "comparison.csv", "report.html", "runs.csv"]
    assert files[0].read_text() == csv_text(runs)
    assert files[2].read_text() == "<p>"
    assert read_back(files[1].read_text())["best_overrides"].tolist() == [
        "regularizer=l1 regularizer.weight=0.5"
    ]


def test_a_write_that_breaks_off_leaves_the_old_file_alone(tmp_path, monkeypatch):
    table = pd.DataFrame({"x": [1]})
    write_files(table, table, "<p>", tmp_path)

    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(InputError) as caught:
        write_files(table[:0], table, "<p>", tmp_path)
    said = f"the report cannot be written: {tmp_path}/runs.csv: No space left on device ("
    assert str(caught.value).startswith(said)
    assert sorted(os.listdir(tmp_path)) == [
        "columns.csv",
        "comparison.csv",
        "report.html",
        "runs.csv",
    ]
    assert (tmp_path / "runs.csv").read_text() == "x\n1\n"


def test_an_out_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="the report cannot be written: "):
        write_files(pd.DataFrame(), pd.DataFrame(), "", tmp_path / "file")
