"""Numbers as people write them."""

import re


def short(value: float, sign: str = "") -> str:
    """Two digits, or the whole number where it has more: ``0.012``, ``1.7e-5``, ``120``.

    With the ``sign`` ``+`` a positive one has its sign too; 0 has none.
    """
    if value == 0:
        return "0"
    form = f"{sign}.2g" if abs(value) < 99.5 else f"{sign}.0f"
    return short_exponent(format(value, form))


def decimal(value: float) -> str:
    """Four decimals; what is too small or too large for them as ``1.234e-5``."""
    usual = value == 0 or 1e-3 <= abs(value) < 1e4
    return f"{value:.4f}" if usual else short_exponent(f"{value:.3e}")


def short_exponent(number: str) -> str:
    """``2.7e-06`` as ``2.7e-6``."""
    return re.sub(r"(?<=e[-+])0+(?=\d)", "", number)
