"""Functions of the user's as choices: their keys and values, and what is refused."""

import hashlib
import pickle
import subprocess
import sys
from typing import Literal, Optional

import pytest
from torch import nn

import regsweep
from regsweep.errors import InputError, MachineFault
from regsweep.settings.config import read_run
from regsweep.settings.data import OwnData
from regsweep.settings.own import FUNCTIONS, OwnModel, OwnRegularizer, Study, current_study
from regsweep.settings.study import node_of
from regsweep.settings.younger import unsaid


@pytest.fixture(autouse=True)
def _none_before(no_choices):
    """No choice of another test."""


def example(width: int = 1):
    """A network, say."""


def test_a_decorator_gives_back_what_it_decorates_bare_or_called():
    def net():
        """A network."""

    class Net(nn.Module):
        def __init__(self, shape, outputs, width: int = 3):
            super().__init__()

    assert regsweep.model(net) is net
    assert regsweep.model(search={"width": "choice(1, 2)"})(Net) is Net
    assert regsweep.model()(example) is example
    assert [*FUNCTIONS["model"]] == ["net", "Net", "example"]
    assert node_of("model", "Net") == {
        "name": "Net", "width": 3, "search": {"width": "choice(1, 2)"},
    }  # fmt: skip


def test_parameters_are_keys_with_the_checks_of_built_in_ones():
    @regsweep.regularizer
    def every(
        parameters,
        needed: float,
        whole: int = 1,
        real: float = 2,
        on: bool = False,
        word: str = "x",
        kind: Literal["a", "b"] = "a",
        some: list[int] = [1, 2],  # noqa: B006
        more: tuple[Literal["a", "b"], ...] = ("b",),
        maybe: Optional[float] = None,  # noqa: UP045
        lists: list[float] | None = None,
        later: "int | None" = 3,
    ):
        """A penalty."""

    assert node_of("regularizer", "every") == {
        "name": "every", "needed": "???", "whole": 1, "real": 2.0, "on": False, "word": "x",
        "kind": "a", "some": [1, 2], "more": ["b"], "maybe": None, "lists": None, "later": 3,
        "scope": "weights",
    }  # fmt: skip

    built = read(regularizer={"name": "every", "needed": 1, "scope": "all", "lists": [1, 2.5]})
    spec = built.regularizer
    assert isinstance(spec, OwnRegularizer)
    assert (spec.scope, spec.coefficients()) == ("all", read().regularizer.coefficients())
    assert spec.keywords == {
        "needed": 1.0, "whole": 1, "real": 2.0, "on": False, "word": "x", "kind": "a",
        "some": [1, 2], "more": ("b",), "maybe": None, "lists": [1.0, 2.5], "later": 3,
    }  # fmt: skip
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert hash(spec) == hash(pickle.loads(pickle.dumps(spec)))
    for key, (value, expected) in {
        "needed": ("x", "regularizer.needed=x: expected a number"),
        "whole": (1.5, "regularizer.whole=1.5: expected a whole number"),
        "on": (1, "regularizer.on=1: expected true or false"),
        "kind": ("c", "regularizer.kind=c: known: a, b"),
        "some": ([1, "x"], "regularizer.some[1]=x: expected a whole number"),
        "more": ("a", "regularizer.more=a: expected a list of words"),
        "lists": ("a", "regularizer.lists=a: expected a list of numbers"),
        "later": ("'3'", "regularizer.later='3': expected a whole number"),
        "scope": ("none", "regularizer.scope=none: known: all, weights"),
        "wholly": (1, "regularizer.wholly: no such key of regularizer=every; did you mean whole?"),
    }.items():
        with pytest.raises(InputError) as caught:
            read(regularizer={"name": "every", "needed": 1, key: value})
        assert str(caught.value).startswith(expected)
    with pytest.raises(InputError, match=r"^regularizer.needed: missing; it needs a value$"):
        read(regularizer={"name": "every"})


def test_shape_and_outputs_are_no_keys_of_a_network_and_may_be_left_out():
    @regsweep.model
    def both(shape, outputs, width: int = 2):
        return shape, outputs, width

    @regsweep.model
    def neither(width: int = 2):
        return width

    for name, function in (("both", both), ("neither", neither)):
        spec = read(model={"name": name, "width": 5}).model
        assert isinstance(spec, OwnModel)
        assert (spec.function, spec.keywords) == (function, {"width": 5})


def test_a_choice_of_a_study_is_known_where_a_name_is_wrong():
    regsweep.model(example)

    with pytest.raises(InputError, match=r"^model=exampel: did you mean example\? known: cnn, ex"):
        read(model={"name": "exampel"})


def refusals():
    def plain(shape, outputs, width):
        """Not annotated."""

    def other(shape, width: dict = None):  # noqa: RUF013
        """Of another type."""

    def sizes(width: tuple[int, int] = (1, 2)):
        """Of a fixed length."""

    def either(width: int | str = 1):
        """Of two types."""

    def numbers(kind: Literal[1, 2] = 1):
        """Words that are none."""

    def unknown(width: "Nowhere" = 1):  # noqa: F821
        """Annotated with nothing."""

    def stars(*widths: int):
        """Any number of keys."""

    def double(**widths: int):
        """Any keys."""

    def positional(width: int, /):
        """A key without a keyword."""

    def default(width: int = 1.5):
        """A default of another type."""

    def name(name: str = "x"):
        """Hydra's own."""

    def hidden(_width: int = 1):
        """Underscored."""

    def größe(width: int = 1):
        """Not ASCII."""

    def true():
        """A value."""

    def mlp():
        """Built in."""

    annotated = "; expected int, float, bool, str, Literal of words, a list or tuple"
    yield "model", plain, f"parameter width has no annotation{annotated}"
    yield "model", other, f"parameter width is annotated as dict{annotated}"
    yield "model", sizes, f"parameter width is annotated as tuple[int, int]{annotated}"
    yield "model", either, f"parameter width is annotated as int | str{annotated}"
    yield "model", numbers, f"parameter kind is annotated as Literal[1, 2]{annotated}"
    yield "model", unknown, f"parameter width is annotated as Nowhere{annotated}"
    yield "model", stars, "*widths names no keys; expected each by its name"
    yield "model", double, "**widths names no keys; expected each by its name"
    yield "model", positional, "parameter width has no keyword; expected it behind the /"
    yield "model", default, "the default width=1.5: expected a whole number, as its annotation says"
    yield "model", name, "parameter name cannot be a key; expected another name than name, search"
    yield "model", hidden, "parameter _width cannot be a key; expected another name than name"
    yield "model", größe, "no name for a choice; expected one in ASCII, such as mine"
    yield "model", true, "no name for a choice; expected one in ASCII, such as mine"
    yield "model", mlp, "model=mlp is built in; expected another name"
    yield "regularizer", lambda parameters: 0, "no name for a choice; expected one in ASCII, such"

    def scope(parameters, scope: str = "all"):
        """Every regularizer's own."""

    def nothing():
        """Of no parameters."""

    def test_size(test_size: int = 1):
        """Every data's own."""

    yield "regularizer", scope, "parameter scope cannot be a key; expected another name than"
    yield "regularizer", nothing, "expected the parameters of the network first"
    yield "data", test_size, "parameter test_size cannot be a key; expected another name than name"


@pytest.mark.parametrize(("group", "function", "expected"), [*refusals()])
def test_what_cannot_be_a_choice_is_refused_by_name(group, function, expected):
    with pytest.raises(InputError) as caught:
        getattr(regsweep, group)(function)

    assert str(caught.value).startswith(f"regsweep.{group} {function.__name__}: {expected}")
    assert FUNCTIONS[group] == {}


def test_what_is_no_function_is_refused():
    with pytest.raises(InputError, match=r"^regsweep.model 3: no name for a choice"):
        regsweep.model(3)


def test_two_choices_of_one_name_are_refused():
    regsweep.model(example)

    with pytest.raises(InputError, match=r"model=example is there already; expected another name"):
        regsweep.model(type("example", (), {"__module__": __name__}))


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({"widht": "choice(1, 2)"}, "search: widht: no such key; did you mean width? known: width"),
        ({"width": [1, 2]}, "search: width=[1, 2]: expected text, such as 'interval(0, 1)'"),
        ("width", "search='width': expected a dict of sweeps, by their keys"),
    ],
)
def test_a_search_of_what_is_not_there_is_refused(search, expected):
    with pytest.raises(InputError) as caught:
        regsweep.model(search=search)(example)

    assert str(caught.value) == f"regsweep.model example: {expected}"


BESIDE = """
import regsweep

@regsweep.model
def beside(width: int = 1):
    ...
"""
FILE = """
import regsweep
import one_beside

@regsweep.data
def rows(path: str = "x", more: int = 2):
    ...
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A study file, and one beside it that it imports; both are forgotten behind the test."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    (tmp_path / "one_beside.py").write_text(BESIDE)
    path = tmp_path / "one study.py"
    path.write_text(FILE)
    yield path
    for name in ("one_beside", "regsweep_study", "one_study"):
        sys.modules.pop(name, None)


def test_a_study_is_loaded_once_and_knows_its_sources(file):
    study = Study(str(file), None)

    read_by_spec = OwnData("rows", None, 0.2, 0.2, 0, (("path", "y"),), study)

    assert read_by_spec.function is FUNCTIONS["data"]["rows"]
    assert [*FUNCTIONS["model"]] == ["beside"]
    assert current_study() == study
    loaded = FUNCTIONS["data"]["rows"]
    file.write_text("raise ValueError")
    study.load()
    assert FUNCTIONS["data"]["rows"] is loaded
    assert study.sources == {
        "one study.py": hashlib.sha256(FILE.encode()).hexdigest(),
        "one_beside.py": hashlib.sha256(BESIDE.encode()).hexdigest(),
    }


def test_a_study_that_cannot_be_loaded_is_no_fault_of_a_run(file):
    file.write_text(FILE + "raise ValueError('no GPU')")
    for _ in range(2):  # what the first try has added is no hindrance
        with pytest.raises(
            MachineFault, match=r"one study.py: .* loaded here: ValueError: no GPU$"
        ):
            Study(str(file), None).load()
        sys.modules.pop("one_beside")
    assert FUNCTIONS["data"] == {}
    file.unlink()
    with pytest.raises(MachineFault, match=r"one study.py: the study file is not here, which has"):
        Study(str(file), None).load()


def test_a_choice_without_its_study_is_named(no_choices):
    with pytest.raises(
        InputError, match=r"^model=mine: a choice of a study file, which is not loa"
    ):
        _ = OwnModel("mine").function


def test_what_an_older_record_leaves_unsaid_has_its_default(file):
    Study(str(file), None).load()

    found = unsaid({"data.name": "rows", "data.path": "z", "data.split_seed": 1})

    assert {key: value for key, value in found.items() if key.startswith("data.")} == {
        "data.more": 2, "data.train_size": None, "data.validation_size": 0.2, "data.test_size": 0.2,
        "data.rows_seed": None,
    }  # fmt: skip


def test_regsweep_and_its_decorators_load_little():
    code = (
        "import sys, regsweep; light = {*sys.modules}; regsweep.Arrays(1, 2); "
        "regsweep.model(lambda: 1) if 0 else None; import regsweep.data.own_arrays\n"
        "@regsweep.data\ndef mine(): ...\n"
        "print({'hydra', 'torch', 'numpy', 'pandas'} & light, {'torch', 'hydra'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set() set()\n"


def test_the_room_of_data_is_the_decorator_too():
    import regsweep.data.dataset

    @regsweep.data
    def mine():
        """Rows."""

    assert FUNCTIONS["data"] == {"mine": mine}
    assert regsweep.data.dataset.scale


def read(**groups):
    """The run of a config whose ``groups`` are others than the defaults."""
    return read_run(
        {
            "seed": 0,
            "objective": "val_loss",
            "data": {
                "name": "mnist", "root": "x", "train_size": None, "validation_size": 100,
                "split_seed": 0,
            },
            "model": {"name": "linear"},
            "regularizer": {"name": "none", "scope": "weights"},
            "optimizer": {"name": "adam", "lr": 0.1},
            "trainer": {
                "epochs": 1, "batch_size": 10, "device": "cpu", "compile": False,
                "matmul_precision": "highest", "log_every": None,
            },
            "run": {"stage": None, "arm": None, "trial": None},
            **groups,
        }
    )  # fmt: skip
