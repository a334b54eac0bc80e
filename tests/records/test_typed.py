from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from regsweep.records.record import Record
from regsweep.records.sweep_file import SweepFile
from regsweep.records.typed import fault
from regsweep.sweep.settle import Settled


@dataclass(frozen=True)
class Inner:
    size: int
    word: Literal["one", "two"]


@dataclass(frozen=True)
class Outer:
    text: str
    maybe: float | None
    flag: bool
    inner: Inner
    lists: tuple[tuple[int, ...], ...]
    table: Mapping[str, Mapping[str, str]]
    rest: Mapping[str, Any]


RIGHT = {
    "text": "",
    "maybe": None,
    "flag": False,
    "inner": {"size": 1, "word": "two"},
    "lists": [[1, 2], []],
    "table": {"a": {"b": "c"}},
    "rest": {"a": None, "b": [1, {}]},
}


def test_right_content_has_no_fault_and_what_is_not_there_is_none():
    assert fault(RIGHT, Outer) is None
    assert fault({}, Outer) is None
    assert fault({"other": 1}, Outer) is None


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("text", None, "text None, expected text"),
        ("maybe", "1", "maybe '1', expected a number or null"),
        ("maybe", True, "maybe True, expected a number or null"),
        ("flag", 0, "flag 0, expected true or false"),
        ("inner", {"size": 1.5}, "inner {'size': 1.5}, expected an object of size, word"),
        ("inner", {"word": "six"}, "inner {'word': 'six'}, expected an object of size, word"),
        ("lists", [[1], 2], "lists [[1], 2], expected a list, each a list, each an integer of 64"),
        ("lists", [[2**63]], f"lists [[{2**63}]], expected a list"),
        ("table", {"a": "b"}, "table {'a': 'b'}, expected an object, each value an object, each "),
        ("rest", [], "rest [], expected an object, each value anything"),
    ],
)
def test_a_value_of_another_type_is_named_with_what_would_be_right(key, value, expected):
    assert str(fault(RIGHT | {key: value}, Outer)).startswith(expected)


def test_what_is_shown_of_a_value_is_short():
    assert len(str(fault({"text": list(range(10**5))}, Outer))) < 100


@pytest.mark.parametrize("declared", [Record, SweepFile, Settled])
def test_every_file_that_is_read_declares_types_that_json_has(declared):
    assert fault({}, declared) is None


def test_a_type_that_json_does_not_have_is_refused():
    @dataclass(frozen=True)
    class Odd:
        value: complex

    with pytest.raises(TypeError, match="no type of JSON"):
        fault({}, Odd)
