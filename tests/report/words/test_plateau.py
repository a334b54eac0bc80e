import pytest

from regsweep.report.words.plateau import ends, plateau_words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (1e-6, 3e-5, "1e-6 to 3e-5"),
        (1.4454e-4, 0.0014454, "1.4e-4 to 0.0014"),
        (0.0, 0.69, "0 to 0.69"),
        (1.0, 1e4, "1 to 1e+4"),
    ],
)
def test_ends_have_two_digits(low, high, words):
    assert ends(low, high) == words
    assert plateau_words(low, high) == f"as good from {words}"
