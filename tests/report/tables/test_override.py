import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString

from regsweep.report.tables.override import override, spelled, words


def plain(value):
    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


@pytest.mark.parametrize(
    "value",
    [
        *(0, -3, 0.1 + 0.2, 1e-5, 1e22, 5e-324, True, False, None),
        *("l1", "a/b-c.d", "null", "True", "nan", "12", "1e-3", "", "two words", "=1+1"),
        *("it's", "\\", "a\\'b", "end\\", 'say "x"', "a,b", "[1]", "$HOME", "x\\\\'"),
        *([64, 32], ["a", None, [0.5]], {"a": 1, "b": "x y"}),
    ],
)
def test_a_pasted_override_is_parsed_back_to_the_value(value):
    (word,) = shlex.split(override("some.key", value))
    parsed = OverridesParser.create().parse_override(word)
    found = plain(parsed.value())
    assert parsed.key_or_group == "some.key"
    assert found == value
    assert type(found) is type(value)


def test_plain_values_are_left_bare():
    assert override("regularizer.weight", 0.0012) == "regularizer.weight=0.0012"
    assert override("optimizer", "adam") == "optimizer=adam"
    assert override("model.hidden", [64, 32]) == "'model.hidden=[64,32]'"
    assert spelled("null") == "'null'"


@pytest.mark.parametrize("text", ["", "a=1 b=2", "'a=[1, 2]' b=x", 'a="x y"', "a=\\\\ b"])
def test_words_are_those_of_a_shell(text):
    assert words(text) == shlex.split(text)
