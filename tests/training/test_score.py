import pytest
import torch
from sklearn.metrics import r2_score

from regsweep.training.score import r2


@pytest.mark.parametrize("columns", [1, 4])
def test_r2_is_scikit_learns(columns):
    generator = torch.Generator().manual_seed(columns)
    targets = torch.randn(50, columns, generator=generator)
    outputs = targets.mT + torch.randn(3, columns, 50, generator=generator)

    for own, found in zip(outputs, r2(outputs, targets), strict=True):
        assert found.item() == pytest.approx(r2_score(targets.double(), own.mT.double()), rel=1e-12)
