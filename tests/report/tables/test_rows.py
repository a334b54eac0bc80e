"""Intervals over test rows: by hand, by simulation, and from files beside real records."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from regsweep.records.record import FILE_NAME, publish, read
from regsweep.records.row_losses import write_row_losses
from regsweep.report.build import build_report
from regsweep.report.page.page import page
from regsweep.report.tables.rows import OverRows, half_over_rows, level_of
from regsweep.report.words.rows import rows_remarks

NONE, L1 = (
    ([3.0, 2.0, 4.0, 3.0], [3.5, 2.0, 4.5, 2.0]),
    ([2.0, 1.0, 4.0, 1.0], [2.5, 1.0, 3.5, 1.0]),
)


def swept(folder, arms, sweep="sweep", looks=(), **fields):
    """A sweep of these arms: of each the losses of its test rows, seed by seed."""
    seeds = len(next(iter(arms.values())))
    confirm = tuple(range(10000, 10000 + seeds))
    folder.compared(
        *arms, name=sweep, seeds={"search": (0,), "confirm": confirm}, looks=looks, **fields
    )
    for arm, losses in arms.items():
        rows = np.asarray(losses, np.float32)
        folder.arm(arm, rows.mean(axis=1, dtype=np.float64).tolist(), sweep=sweep)
        for seed, row in zip(confirm, rows, strict=True):
            write_row_losses(row, folder.root / sweep / f"{arm}-0-{seed}" / "test_losses.npy")
    return build_report([folder.root])


def test_the_interval_over_rows_is_that_of_the_mean_differences_of_rows(folder):
    (one,) = swept(folder, {"none": NONE, "l1": L1}).over_rows

    differences = np.mean(NONE, axis=0) - np.mean(L1, axis=0)
    assert (one.arm, one.rows, one.verdict) == ("regularizer=l1", 4, "better")
    assert one.improvement == pytest.approx(1.0)
    half = stats.ttest_1samp(differences, 0).confidence_interval(0.95).high - 1.0
    assert one.over_rows == pytest.approx(half, rel=1e-9)
    # By seed: 1 and 1.
    assert one.over_seeds == 0


def test_both_intervals_are_at_the_level_of_the_verdict(folder):
    rng = np.random.default_rng(0)
    arms = {
        arm: rng.normal(1 + 0.1 * place, 1, size=(10, 50)) ** 2
        for place, arm in enumerate(("none", "l1", "l2"))
    }
    report = swept(folder, arms, looks=(10,), margin=0.01)
    table = report.comparison.set_index("arm")

    assert len(report.over_rows) == 2
    found = int(table["verdict"].isin(["better", "worse"]).sum())
    assert found == 1  # so that the two are at different levels
    for one in report.over_rows:
        arm, rows = table.loc[one.arm], arms[one.arm.partition("=")[2]]
        pairs = (arms["none"] - rows).mean(axis=1)
        level = 0.05 if arm["verdict"] == "undecided" else 0.05 / 2
        seeds = stats.ttest_1samp(pairs, 0).confidence_interval(1 - level)
        differences = (arms["none"] - rows).mean(axis=0)
        over = stats.ttest_1samp(differences, 0).confidence_interval(1 - level)
        assert one.over_seeds == pytest.approx((seeds.high - seeds.low) / 2, rel=1e-5)
        assert one.over_rows == pytest.approx((over.high - over.low) / 2, rel=1e-5)


def test_the_level_of_an_interval():
    pairs = np.array([0.1, 0.4, 0.3, 0.2])
    interval = stats.ttest_1samp(pairs, 0).confidence_interval(1 - 0.0125)
    assert level_of((interval.high - interval.low) / 2, pairs) == pytest.approx(0.0125)
    assert level_of(0.0, np.array([0.5, 0.5])) == 0.05
    assert level_of(np.nan, np.array([0.5])) == 0.05


def test_a_difference_that_other_rows_might_not_show_is_said(folder):
    rng = np.random.default_rng(0)
    none = rng.uniform(2, 3, 40) + np.zeros((5, 1))
    # Alike over seeds, and all over the place over rows.
    off = rng.normal(0, 0.5, 40)
    l1 = none + off - off.mean() - 0.1 + rng.normal(0, 0.001, (5, 1))
    report = swept(folder, {"none": none, "l1": l1})

    (one,) = report.over_rows
    assert one.verdict == "better"
    assert one.over_seeds < one.improvement < one.over_rows
    below = f"{one.over_rows:.2g}"
    tell = f"ith these 40 test rows, differences in test loss below {below} cannot be told from"
    assert report.remarks[0] == (
        f"regularizer=l1 is better over seeds, but perhaps not on other test rows: w{tell} chance; "
        f"this one is {one.improvement:.2g}."
    )
    said = page(report)
    assert f"W{tell} chance. The larger of the two intervals is the test rows&#39;." in said


def test_small_differences_are_written_as_people_do():
    one = OverRows("", "l1", "better", 1000, 1.7e-5, 1e-6, 2.3e-5)
    (said,) = rows_remarks([one])
    assert said.endswith("test loss below 2.3e-5 cannot be told from chance; this one is 1.7e-5.")


def test_nothing_is_said_of_a_difference_that_stands_over_rows(folder):
    rng = np.random.default_rng(0)
    none = np.abs(rng.normal(1, 1, (5, 400)))
    report = swept(folder, {"none": none, "l1": none * 0.5})

    assert [one.verdict for one in report.over_rows] == ["better"]
    assert not any("test rows" in remark for remark in report.remarks)
    assert "The larger of the two intervals is" in page(report)


def test_older_records_have_no_interval_over_rows(folder):
    swept(folder, {"none": NONE, "l1": L1})
    (folder.root / "sweep" / "none-0-10001" / "test_losses.npy").unlink()

    report = build_report([folder.root])
    assert report.over_rows == ()
    assert report.unreadable == ()
    assert "over test rows" not in page(report)


def test_an_arm_that_broke_off_has_no_interval_over_rows(folder):
    swept(folder, {"none": NONE, "l1": L1}, looks=(2,))
    # The losses lie there still.
    broken = folder.root / "sweep" / "l1-0-10001"
    record = read(broken / FILE_NAME)
    (broken / FILE_NAME).unlink()
    publish(replace(record, status="diverged", metrics={}), broken)

    report = build_report([folder.root])
    assert report.comparison["verdict"].dropna().tolist() == ["unstable"]
    assert (report.over_rows, report.unreadable) == ((), ())


def test_losses_of_another_run_and_of_other_rows_are_named(folder):
    swept(folder, {"none": NONE, "l1": L1, "l2": L1})
    for path, losses in (("l1-0-10000", NONE[0]), ("l2-0-10001", [2.0, 2.0])):
        write_row_losses(np.float32(losses), folder.root / "sweep" / path / "test_losses.npy")

    report = build_report([folder.root])
    assert report.over_rows == ()
    assert [(one.path.rsplit("/", 2)[1], one.reason) for one in report.unreadable] == [
        ("l1-0-10000", "not this run's: a mean of 3, and its record says 2"),
        ("l2-0-10001", "has 2 rows, and others 4"),
    ]


def test_arms_that_are_judged_on_their_error_have_no_interval_of_losses(folder):
    assert swept(folder, {"none": NONE, "l1": L1}, objective="val_error").over_rows == ()


def hard_rows(rng, shape):
    """Differences of cross-entropies of good classifiers: one row in twenty decides."""
    hard = rng.normal(0.3, 1, shape) * rng.lognormal(size=shape)
    return np.where(rng.random(shape) < 0.05, hard, rng.normal(0, 0.01, shape))


POPULATIONS = {
    "normal": (lambda rng, shape: rng.normal(size=shape), 0.0),
    "t3": (lambda rng, shape: rng.standard_t(3, size=shape), 0.0),
    "log-normal": (lambda rng, shape: rng.lognormal(size=shape), np.exp(0.5)),
    "hard rows": (hard_rows, 0.05 * 0.3 * np.exp(0.5)),
}
# Of Student's interval; what is below 0.95 is what half_over_rows says of few rows that decide.
COVERED = {
    ("normal", 114): 0.94, ("normal", 1000): 0.94, ("t3", 114): 0.94, ("t3", 1000): 0.93,
    ("log-normal", 114): 0.89, ("log-normal", 1000): 0.93,
    ("hard rows", 114): 0.80, ("hard rows", 1000): 0.92,
}  # fmt: skip


@pytest.mark.parametrize(("name", "rows"), COVERED, ids=str)
def test_students_interval_covers_as_often_as_the_bootstraps_or_more(name, rows):
    draw, mean = POPULATIONS[name]
    rng = np.random.default_rng(0)
    samples = draw(rng, (1000, rows))
    halves = np.array([half_over_rows(sample, 0.05) for sample in samples])
    student = (np.abs(samples.mean(axis=1) - mean) < halves).mean()
    weights = rng.multinomial(rows, np.full(rows, 1 / rows), size=500) / rows
    low, high = np.quantile(weights @ samples.T, [0.025, 0.975], axis=0)
    bootstrap = ((low < mean) & (mean < high)).mean()

    assert student >= bootstrap - 0.005
    assert student >= COVERED[name, rows]
