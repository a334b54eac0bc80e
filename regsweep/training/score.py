"""The scores that are not counted batch by batch, of every run over a whole part."""

from torch import Tensor


def r2(outputs: Tensor, targets: Tensor) -> Tensor:
    """1 - sum (x - t)^2 / sum (t - mean t)^2, the mean over the outputs: (runs,), float64.

    As scikit-learn's ``r2_score``. outputs: (runs, outputs, n); targets: (n, outputs), of which no
    column is constant.
    """
    numbers = targets.mT.double()
    spread = (numbers - numbers.mean(1, keepdim=True)).square().sum(1)
    off = (outputs.double() - numbers).square().sum(2)
    return (1 - off / spread).mean(1)
