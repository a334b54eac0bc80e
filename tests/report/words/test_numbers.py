import pytest

from regsweep.report.words.numbers import decimal, short


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.01234, "0.012"),
        (-0.00068, "-0.00068"),
        (1.7e-5, "1.7e-5"),
        (99.4, "99"),
        (1234.5, "1234"),
        (0.0, "0"),
    ],
)
def test_two_digits_or_the_whole_number(value, said):
    assert short(value) == said


def test_a_sign_stands_before_both_kinds():
    assert [short(value, sign="+") for value in (5.6e-5, 123.4, -0.25, 0.0)] == [
        *("+5.6e-5", "+123", "-0.25", "0")
    ]


def test_four_decimals_or_a_short_exponent():
    assert [decimal(value) for value in (0.25, 0.0, 12345.0, 2e-5)] == [
        *("0.2500", "0.0000", "1.234e+4", "2.000e-5")
    ]
