import pytest

from regsweep.report.tables.interval import Interval, read_interval


@pytest.mark.parametrize(
    ("sweep", "interval"),
    [
        ("tag(log, interval(1e-6, 1e-2))", Interval(1e-6, 1e-2, True)),
        ("int(tag(log,interval(1,100)))", Interval(1, 100, True)),
        ("tag(mine, log, interval(start=.5, end=2.))", Interval(0.5, 2, True)),
        ("interval(-1, 1E1)", Interval(-1, 10, False)),
        ("tag(logistic, interval(0.0, 1.0))", Interval(0, 1, False)),
    ],
)
def test_an_interval_is_read_as_hydra_reads_it(sweep, interval):
    assert read_interval(sweep) == interval


@pytest.mark.parametrize(
    "sweep",
    [
        *("choice(1e-5, 1e-4)", "range(1, 5)", "1e-5,1e-4", "0.1", "interval(1, 1)"),
        *("tag(log, interval(0, 1))", "glob(interval)"),
    ],
)
def test_what_is_no_interval_is_none(sweep):
    assert read_interval(sweep) is None


@pytest.mark.parametrize("log", [True, False])
def test_shares_and_values_are_each_others_inverse(log):
    interval = Interval(1e-6, 1e-2, log)

    assert interval.shares([1e-6, 1e-2]).tolist() == [0, 1]
    assert (interval.value(0.0), interval.value(1.0)) == (1e-6, 1e-2)
    assert interval.value(0.5) == pytest.approx(1e-4 if log else (1e-6 + 1e-2) / 2)
    assert interval.shares(interval.value(0.3)) == pytest.approx(0.3)
