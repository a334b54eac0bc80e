import pandas as pd
import pytest

from regsweep.report.build import build_report
from regsweep.report.words.undertrained import few_steps, still_falling

NAMES = {"regularizer=none": "none", "regularizer=l1": "l1"}


def curves(**losses):
    """Training losses by epoch, of two seeds around each, of the arms in ``losses``."""
    rows = [
        {"arm": f"regularizer={arm}", "seed": seed, "epoch": epoch, "train_loss": loss + seed}
        for arm, by_epoch in losses.items()
        for epoch, loss in enumerate(by_epoch, start=1)
        for seed in (-0.01, 0.01)
    ]
    return pd.DataFrame(rows, columns=["arm", "seed", "epoch", "train_loss"])


@pytest.mark.parametrize(("steps", "said"), [(None, 0), (20, 1), (499, 1), (500, 0)])
def test_below_500_steps_a_network_has_hardly_learned(steps, said):
    sentences = list(few_steps(steps))

    assert len(sentences) == said
    assert all(f"a run takes {steps} steps" in sentence for sentence in sentences)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ({"none": [1.0, 0.5]}, "fell by 50 % in the last epoch (none): trained longer"),
        ({"none": [1.0, 0.5], "l1": [0.9, 0.8, 0.76]}, "by 5 to 50 % in the last epoch (l1, none)"),
        ({"none": [1.0, 0.5], "l1": [0.5, 0.499]}, "by 50 % in the last epoch (none)"),
    ],
)
def test_a_loss_that_still_falls_is_named_with_its_arms(losses, expected):
    [sentence] = still_falling(curves(**losses), NAMES)

    assert expected in sentence


def test_many_arms_are_counted():
    losses = {f"l{i}": [1.0, 0.5] for i in range(9)}
    [sentence] = still_falling(curves(**losses), NAMES)
    assert "in the last epoch (9 arms): trained longer" in sentence


@pytest.mark.parametrize("losses", [{}, {"none": [0.5]}, {"none": [0.5, 0.496]}, {"none": [1, 2]}])
def test_nothing_is_said_of_a_loss_that_does_not_fall(losses):
    assert list(still_falling(curves(**losses), NAMES)) == []


def test_the_report_says_how_few_steps_the_sweep_asked_for(folder):
    folder.compared("none", "l1", steps=30, budget={"confirm_seeds": 0})
    folder.trial(0, None, 0.5, arm="none")
    folder.trial(0, 1e-4, 0.5)

    assert build_report([folder.root]).remarks[-1].startswith("Undertrained: a run takes 30 steps")
