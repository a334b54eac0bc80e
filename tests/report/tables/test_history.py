import pytest

from regsweep.jobs.job import write_history
from regsweep.records.stored import Unreadable
from regsweep.report.build import build_report
from regsweep.report.tables.history import read_history
from regsweep.training.result import Epoch

HEADER = b"epoch,train_loss,train_accuracy,val_loss,val_accuracy\n"


def test_reads_what_a_run_writes(tmp_path):
    epochs = [Epoch(1, 0.1 + 0.2, 0.5, 1e-300, 0.25), Epoch(2, 2.0, 0.75, None, None)]
    write_history(epochs, tmp_path / "history.csv")
    assert read_history(tmp_path / "history.csv") == [
        dict(zip(HEADER.decode().strip().split(","), values, strict=True))
        for values in ((1, 0.1 + 0.2, 0.5, 1e-300, 0.25), (2, 2, 0.75, None, None))
    ]


DAMAGED = {
    "short": (HEADER + b"1,0.5,0.5\n", "unreadable (line 2 has 3 values, expected 5)"),
    "long": (HEADER + b"1,1,1,1,1\n1,1,1,1,1,1\n", "unreadable (line 3 has 6 values, expected 5)"),
    "word": (HEADER + b"1,low,1,1,1\n", "unreadable (could not convert string to float: 'low')"),
    "bytes": (HEADER + b"1,\xff,1,1,1\n", "unreadable (no UTF-8: invalid start byte)"),
    "empty": (b"", "unreadable (no header)"),
    "epoch": (HEADER + b",1,1,1,1\n", "unreadable (line 2 has no epoch that is a whole number)"),
    "half": (HEADER + b"1.5,1,1,1,1\n", "unreadable (line 2 has no epoch that is a whole number)"),
    "endless": (HEADER + b"inf,1,1,1,1\n", "unreadable (line 2 has no epoch that is a whole numbe"),
    "quote": (HEADER + b'1,"1,1,1,1\n', "unreadable (unexpected end of data)"),
}


@pytest.mark.parametrize(("content", "expected"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_history_is_listed_and_loses_its_curve_alone(folder, content, expected):
    folder.compared("l1", baseline="regularizer=l1")
    folder.arm("l1", [0.5, 0.25])
    folder.history("sweep/l1-0-10001", (0.5, 0.5))
    path = folder.root / "sweep/l1-0-10000/history.csv"
    path.write_bytes(content)
    report = build_report([folder.root])
    assert report.curves["seed"].tolist() == [10001]
    (problem,) = report.unreadable
    assert problem.path == str(path)
    assert problem.reason.startswith(expected)
    assert report.comparison["seeds"].tolist() == [2]
    with pytest.raises(Unreadable):
        read_history(path)
