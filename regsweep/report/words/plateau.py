"""The weights that are as good as an arm's best, in words."""

import numpy as np


def plateau_words(low: float, high: float) -> str:
    """``as good from 1e-6 to 3e-5``: the ends of a plateau, to two digits."""
    return f"as good from {ends(low, high)}"


def ends(low: float, high: float) -> str:
    """``1e-6 to 3e-5``."""
    return f"{_rounded(low)} to {_rounded(high)}"


def _rounded(value: float) -> str:
    if value == 0 or 1e-3 <= abs(value) < 100:
        return f"{value:.2g}"
    return np.format_float_scientific(value, precision=1, trim="-", exp_digits=1)
