import pytest
import torch

from regsweep.training.weight_statistics import weight_statistics


def test_statistics_are_over_the_weights_alone():
    weight = torch.tensor([[[3.0, 0.0], [-4.0, 5e-4]]])
    stacked = {"1.weight": weight, "1.bias": torch.full((1, 2), 100.0)}

    statistics = {name: value.item() for name, value in weight_statistics(stacked).items()}

    assert statistics == {
        "l1_norm": pytest.approx(7.0005),
        "l2_norm": pytest.approx(5.0, rel=1e-7),
        "zero_fraction": 0.25,
        "near_zero_fraction": 0.5,
    }
