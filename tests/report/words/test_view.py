import io

import pandas as pd
import pytest
from report_tables import small_sweep, tables
from rich.console import Console

from regsweep.records.objective import JUDGED
from regsweep.report.build import build_report
from regsweep.report.tables.comparison import comparison_table
from regsweep.report.tables.gather import gather
from regsweep.report.tables.runs import runs_table
from regsweep.report.words.view import comparison_view, failure_lines, lone_run_view, short_names


def lines(view, width=100):
    out = io.StringIO()
    Console(file=out, width=width).print(view)
    return [" ".join(line.split()) for line in out.getvalue().splitlines() if line.strip()]


def compared(folder):
    return comparison_view(comparison_table(runs_table(gather([folder.root]).runs)))


def test_arms_are_shown_best_first_with_rounded_overrides(folder):
    folder.trial(0, 0.00123456789, 0.25, arm="l1", more={"near_zero_fraction": 0.5})
    folder.trial(0, None, 0.5, arm="none")
    assert lines(compared(folder)) == [
        "best overrides val val near-",
        "arm (rounded) trials loss acc % zero %",
        lines(compared(folder))[2],
        "l1 weight=0.00123 1 0.2500 75.00 50.00",
        "none 1 0.5000 50.00",
    ]


def test_failed_and_diverged_are_told_only_where_there_are_any(folder):
    def told():
        return failure_lines(comparison_table(runs_table(gather([folder.root]).runs)))

    folder.trial(0, 0.5, 0.5)
    assert told() == []
    folder.trial(1, 0.5, 0.5, status="diverged")
    assert told() == ["l1: of 2 trials 1 diverged"]


def test_keys_outside_the_arms_groups_are_shown_whole(folder):
    folder.trial(0, None, 0.5, params={"optimizer.lr": 0.001, "regularizer.weight": 1e-05})
    assert "optimizer.lr=0.001" in " ".join(lines(compared(folder)))
    assert " weight=1e-5" in " ".join(lines(compared(folder)))


def test_a_wide_table_fits_80_columns_with_no_number_cut(folder):
    arm = {"regularizer": "weight_decay", "model": "logistic"}
    params = {"regularizer.weight": 0.000123456789, "regularizer.l1_ratio": 0.987654321}
    tested = {"test_accuracy": 0.9876, "test_loss": 0.5, "near_zero_fraction": 0.4321}
    for number, status in ((0, "completed"), (1, "failed"), (2, "diverged")):
        metrics = {"val_loss": 12.3456, "val_accuracy": 0.9765} | tested
        searched = params | {"regularizer.weight": 0.000123456789 * (number + 1)}
        fields = {"arm": arm, "params": searched, "metrics": metrics, "status": status}
        folder.run(str(number), "sweep", trial=number, **fields)
    out = io.StringIO()
    Console(file=out, width=80).print(compared(folder))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    words = ["weight_decay,", "logistic", "weight=0.000123"]
    words += ["l1_ratio=0.988", "12.3456", "97.65", "98.76", "43.21"]
    for word in words:
        assert word in text.split()


def test_a_lone_run_is_one_row_of_its_metrics(folder):
    metrics = {"train_loss": 0.25, "train_accuracy": 0.9, "test_loss": 12345.6, "penalty": 0.0}
    folder.run("a", metrics=metrics | {"near_zero_fraction": 0.125, "l1_norm": 2e-5})
    shown = lines(lone_run_view(runs_table(gather([folder.root]).runs).iloc[0]))
    assert shown[0] == "train train test l1 near-"
    assert shown[1] == "loss acc % loss penalty norm zero %"
    assert shown[-1] == "0.2500 90.00 1.235e+4 0.0000 2.000e-5 12.50"


def test_markup_in_a_value_is_shown_as_it_is(folder):
    folder.trial(0, None, 0.5, params={"x.hidden": [64, 32], "x.name": "[red]"})
    text = " ".join(lines(compared(folder)))
    assert "x.hidden=[64,32]" in text
    assert "x.name='[red]'" in text


def test_no_word_is_cut_where_the_terminal_is_too_narrow(folder):
    folder.trial(0, 0.0001234, 0.5, arm="weight_decay", more={"near_zero_fraction": 0.4321})
    out = io.StringIO()
    Console(file=out, width=30).print(compared(folder), crop=False)
    words = ["weight_decay", "weight=0.000123", "0.5000", "50.00", "43.21"]
    assert [word for word in words if word not in out.getvalue().split()] == []


def test_a_table_of_nothing_known_still_prints():
    runs = pd.DataFrame(
        {
            "arm": ["a"],
            "best_overrides": [None],
            "trials": [0],
            "baseline": [None],
            "metric": [None],
        }
    )
    for column in ("failed", "diverged"):
        runs[column] = 0
    for column in ("val_loss", "val_accuracy", "test_accuracy_mean", "near_zero_fraction_mean"):
        runs[column] = float("nan")
    assert lines(comparison_view(runs))[-1] == "a 0"


def judged(folder, **fields):
    """The table of a sweep whose arms were confirmed on three seeds."""
    folder.compared("none", "l1", "weight_decay", **fields)
    for arm, shift in (("none", 0), ("l1", 0.1), ("weight_decay", -0.001)):
        losses = [0.5 - shift, 0.541 - 1.01 * shift, 0.513 - shift]
        folder.arm(arm, losses, accuracies=[0.9 + shift / 2] * 3, overrides=("trainer.epochs=2",))
    report = build_report([folder.root])
    return comparison_view(report.comparison)


def test_judged_arms_are_shown_by_their_short_names_tests_and_verdicts(folder):
    shown = lines(judged(folder))
    assert shown[0] == "best overrides test test better Holm"
    assert shown[1] == "arm (rounded) acc % loss by p verdict"
    assert shown[3] == "l1 weight=0.0001 95.00 0.4177 +0.1003 <0.001 better"
    assert shown[4].startswith("none 90.00 0.5180")
    assert shown[5] == "weight_decay weight=0.0001 89.95 0.5190 -0.0010 <0.001 worse"


def test_the_baseline_has_no_improvement_p_and_verdict(folder):
    assert lines(judged(folder))[4] == "none 90.00 0.5180"


@pytest.mark.parametrize(
    ("arms", "names"),
    [
        (["regularizer=l1", "regularizer=l2"], ["l1", "l2"]),
        (["regularizer=l1 model=mlp", "regularizer=l1 model=cnn"], ["l1, mlp", "l1, cnn"]),
        (["regularizer=l1", "regularizer=l1"], ["l1"]),
        (["a=x b=y", "b=x a=y"], ["a=x b=y", "b=x a=y"]),
        ([""], ["(no choice)"]),
    ],
)
def test_short_names_are_the_choices_unless_two_arms_would_be_called_the_same(arms, names):
    assert short_names(arms) == dict(zip(dict.fromkeys(arms), names, strict=True))


def test_an_unstable_arm_says_so(folder):
    folder.compared("none", "l1")
    folder.arm("none", [0.5, 0.25, 0.5])
    folder.arm("l1", [0.5, 0.25])
    folder.trial(0, 1e-4, 0.25, seed=10002, stage="confirm", status="diverged")
    shown = lines(comparison_view(build_report([folder.root]).comparison))
    assert shown[-1] == "l1 weight=0.0001 unstable"


def test_an_error_is_improved_in_points(folder):
    folder.compared("none", "l1", objective="val_error")
    folder.arm("none", [0.5, 0.25, 0.5], accuracies=[0.8, 0.81, 0.82])
    folder.arm("l1", [0.5, 0.25, 0.5], accuracies=[0.81, 0.82, 0.83])
    shown = lines(comparison_view(build_report([folder.root]).comparison))
    assert "points" in shown[0].split()
    assert "+1.00" in shown[3].split()


def test_small_improvements_keep_their_digits(folder):
    folder.compared("none", "l1")
    folder.arm("none", [0.50002, 0.25004, 0.5])
    folder.arm("l1", [0.5, 0.25, 0.5])
    shown = lines(comparison_view(build_report([folder.root]).comparison))
    assert "l1 weight=0.0001 89.58 0.4167 +2.0e-5 0.225 undecided" in shown


def test_a_judged_table_fits_80_columns(folder):
    out = io.StringIO()
    Console(file=out, width=80).print(judged(folder))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.strip().splitlines()) == 6


ARMS = ("none", "l1", "l2", "elastic", "weight_decay")


def table_lines(folder, choices, room=80):
    """The table of confirmed arms, elastic with two overrides, as a terminal shows it."""
    folder.compared(*ARMS, arms=choices, baseline=None)
    for place, choice in enumerate(choices):
        arm = choice["regularizer"]
        weight = {} if arm == "none" else {"regularizer.weight": 1.82373e-6}
        params = weight | ({"regularizer.l1_ratio": 0.4443040741} if arm == "elastic" else {})
        for seed in (0, 10000, 10001, 10002):
            loss = 0.3333 + 0.00001 * place * (arm == "l2") + seed % 7 / 1000
            loss -= 0.0001 * (arm == "l1") * (1 + seed % 3 / 1000)
            folder.run(
                f"{place}-{seed}",
                "sweep",
                arm=choice,
                trial=0,
                seed=seed,
                stage="confirm" if seed else "search",
                params=params,
                metrics={"val_loss": 0.5, "val_accuracy": 0.5, "near_zero_fraction": 0.999}
                | ({"test_loss": loss, "test_accuracy": 0.9} if seed else {}),
            )
    out = io.StringIO()
    view = comparison_view(build_report([folder.root]).comparison, room)
    Console(file=out, width=room).print(view)
    return out.getvalue().splitlines()


def test_the_five_arms_fit_80_columns_in_a_line_an_override(folder):
    lines = table_lines(folder, [{"regularizer": arm} for arm in ARMS])
    assert max(map(len, lines)) <= 80
    assert len(lines) == 3 + len(ARMS) + 1
    text = "\n".join(lines)
    assert "-6 90.00 0.3383" in text
    assert "-2.0e-5" in text
    assert "<0.001 better" in text
    assert "undecided" in text


def test_arms_of_two_groups_fit_80_columns_and_wrap_between_words(folder):
    choices = [{"regularizer": arm, "model": m} for arm in ARMS for m in ("mlp", "logistic")]
    lines = table_lines(folder, choices)
    assert max(map(len, lines)) <= 80
    words = {word for line in lines for word in line.split()}
    assert {"weight_decay,", "logistic", "weight=1.82e-6", "l1_ratio=0.444", "90.00"} <= words
    assert {"better", "undecided", "<0.001"} <= words


def test_arms_that_no_baseline_could_judge_are_shown_without_numbers_of_tests(folder):
    folder.compared("none", "l1")
    folder.arm("none", [0.5])
    folder.trial(0, None, 0.25, arm="none", seed=10001, stage="confirm", status="diverged")
    folder.arm("l1", [0.5, 0.25])
    shown = lines(comparison_view(build_report([folder.root]).comparison))
    assert not {"better", "p"} & set(shown[0].split())
    assert shown[3] == "l1 weight=0.0001 90.62 0.3750"


@pytest.mark.parametrize("objective", ["val_loss", "val_error"])
def test_thirty_arms_of_long_names_and_several_groups_fit_80_columns(objective):
    """The metric that the arms are judged on stays, with its difference and verdict."""
    choices = [f"a_penalty_of_the_users_own_{i}" for i in range(5)]
    arms = [
        f"regularizer={choice} model=residual_network_{model} optimizer={optimizer}"
        for choice in choices
        for model in range(3)
        for optimizer in ("adam", "sgd")
    ]
    made = tables(small_sweep())[1]
    row = made.iloc[0].to_dict() | {
        **{"baseline": arms[0], "metric": JUDGED[objective], "verdict": "undecided"},
        **{"improvement_mean": 0.0123, "p_holm": 0.5, "regularizer.weight": 1.23456e-5},
    }
    comparison = made.iloc[:0].astype(object)
    comparison = pd.DataFrame([row | {"arm": arm} for arm in arms], columns=comparison.columns)
    out = io.StringIO()
    Console(file=out, width=80).print(comparison_view(comparison), crop=False)
    shown = out.getvalue().splitlines()
    assert max(map(len, shown)) <= 80
    assert sum("undecided" in line for line in shown) == 30
    by_error = objective == "val_error"
    held = "97.25" if by_error else "0.1100"
    assert sum(held in line for line in shown) == 30
    assert sum(("+1.23" if by_error else "+0.0123") in line for line in shown) == 30
    assert sum("weight=1.23e-5" in line for line in shown) == 30
