"""What networks shrink to, as their weights say."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from regsweep.records.stored import Unreadable
from regsweep.report.build import build_report
from regsweep.report.tables.shrunk import widths_left


def perceptron(path, *left):
    """The weights of 5-4-3-2 with a norm, of whose hidden units so many have an incoming weight."""
    first, second = np.ones((4, 5), np.float32), np.ones((3, 4), np.float32)
    first[left[0] :] = 0
    second[left[1] :] = 0
    tensors = {"1.weight": first, "1.bias": np.ones(4), "2.weight": np.ones(4)}
    # By name the tenth layer stands before the second.
    tensors |= {"4.weight": second, "10.weight": np.zeros((2, 3), np.float32)}
    save_file(tensors, path)


def test_hidden_units_without_an_incoming_weight_are_left_out(tmp_path):
    perceptron(tmp_path / "w", 2, 3)
    assert widths_left(tmp_path / "w") == ((5, 4, 3, 2), (5, 2, 3, 2))


def test_a_convolution_is_as_wide_as_it_has_channels(tmp_path):
    filters = np.zeros((3, 1, 3, 3), np.float32)
    filters[1, 0, 2, 2] = 0.5
    save_file({"1.weight": filters, "5.weight": np.ones((10, 12), np.float32)}, tmp_path / "w")
    assert widths_left(tmp_path / "w") == ((1, 3, 10), (1, 1, 10))


@pytest.mark.parametrize("damage", ["torn", "none", "named"])
def test_what_is_no_network_is_named(tmp_path, damage):
    path = tmp_path / "w"
    if damage == "torn":
        perceptron(path, 2, 3)
        path.write_bytes(path.read_bytes()[:-8])
    else:
        shape = 4 if damage == "none" else (4, 4)
        save_file({"1.bias" if damage == "none" else "linear.weight": np.ones(shape)}, path)
    with pytest.raises(Unreadable, match="w: unreadable"):
        widths_left(path)


def sweep(folder, units):
    """group_lasso, confirmed on a seed each with so many units of the first layer left out."""
    folder.compared("none", "group_lasso")
    folder.arm("none", [0.5] * len(units))
    more = [{"zero_units": float(count), "test_loss": 0.5, "test_accuracy": 0.9} for count in units]
    folder.trial(0, 1e-4, 0.25, arm="group_lasso", more={"zero_units": 1.0})
    for seed, own in enumerate(more, start=10000):
        folder.confirm("group_lasso", [0.5], seed=seed, more=own | {"train_accuracy": 1.0})
        at = folder.root / f"sweep/group_lasso-0-{seed}/weights.safetensors"
        perceptron(at, 4 - units[seed - 10000], 3)
    return folder.root / "sweep"


def test_the_run_of_the_median_is_told(folder):
    made = build_report([sweep(folder, [3, 0, 2])])
    assert made.verdicts[-1] == (
        "Networks left, of each the confirm run of the median number of units:\n"
        "  group_lasso: 5-4-3-2 to 5-2-3-2 (seed 10002, of 3)"
    )
    assert made.comparison.set_index("arm")["zero_units_mean"]["regularizer=group_lasso"] == (
        pytest.approx(5 / 3)
    )
    columns = list(made.comparison.columns)
    assert columns[columns.index("zero_units_mean") - 1] == "zero_fraction_mean"


def test_of_an_even_number_the_smaller_of_the_two_in_the_middle_is_told(folder):
    made = build_report([sweep(folder, [3, 0, 2, 1])])
    assert "5-4-3-2 to 5-2-3-2 (seed 10002, of 4)" in made.verdicts[-1]


def test_damaged_weights_are_listed_and_those_that_are_gone_say_nothing(folder):
    directory = sweep(folder, [3, 0, 2])
    weights = directory / "group_lasso-0-10002/weights.safetensors"
    weights.write_bytes(b"torn")
    made = build_report([directory])
    assert [problem.path for problem in made.unreadable] == [str(weights)]
    weights.unlink()
    made = build_report([directory])
    assert made.unreadable == ()
    assert not any("Networks" in text for text in made.verdicts)


def test_without_units_counted_there_is_no_column(folder):
    folder.compared("none", "l1")
    folder.arm("none", [0.5])
    folder.arm("l1", [0.5])
    assert "zero_units_mean" not in build_report([folder.root / "sweep"]).comparison
