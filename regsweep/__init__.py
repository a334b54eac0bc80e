"""Compare regularizers fairly, fast, and with evidence.

From top to bottom; a room imports from those below it alone.

- `cli/`: what a user meets: the command line, its checks, its reports
- `compare/`: the compare sweeper: equal budgets for every arm, evidence on fresh seeds, resume
- `packs/`: the pack launcher: the jobs of a round, trained many at once, published one by one
- `jobs/`: one Hydra job: composed, trained, published
- `sweep/`: what a sweep is: its arms, what is checked of it, what is settled for it
- `training/`: the training core: run specs in, results out, a pack of runs as one batched model
- `report/`: records gathered into tables, a verdict and a page
- `settings/`: what a run is asked to do, as plain checked values
- `data/`: the data sets: where they come from, that they are the right ones, how they are split
- `records/`: what is published and read back: records, sweep files, folders

Of no room, for all of them:

- `errors`: what stands in a user's way: bad input, or the machine; how it is worded; a hidden
  interrupt
- `called`: how this command was called, for the commands that it prints: to go on, to train again
- `output`: standard output whose reader may leave before the end, as ``head`` does
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])


def main(*overrides: str, trust: Sequence[str] = ()) -> None:
    """The command line, for a Python file of your own: ``python study.py -m ...`` is then regsweep.

    ``overrides`` such as ``"data=heart"`` hold where the command line does not name their key.
    ``trust`` names the callbacks, log handlers and the like that configs may run, each in full or
    all of a module: ``regsweep.main(trust=["mine.*"])``. Anything else in a config is refused.
    """
    from regsweep.cli.app import main as run

    run(trust, overrides)


@overload
def model(function: F) -> F: ...
@overload
def model(*, search: Mapping[str, str] | None = None) -> Callable[[F], F]: ...
def model(function: F | None = None, *, search: Mapping[str, str] | None = None) -> Any:
    """Make a function or class of yours the choice ``model=NAME``, by its own name.

    It is called with ``shape``, the shape of one input, and ``outputs``, the number of outputs,
    if it takes them, and gives the network, an ``nn.Module``. Its other parameters are the keys of
    the choice: each annotated with int, float, bool, str, ``Literal``, a list or tuple of these, or
    one of them ``| None``; one without a default has to be given. ``search`` maps keys to what a
    search varies, such as ``{"width": "choice(64, 128)"}``. Gives back what it decorates.

    Raises:
        InputError: its name or a parameter cannot be used; the message says which and why.
    """
    return _adding("model", function, search)


@overload
def regularizer(function: F) -> F: ...
@overload
def regularizer(*, search: Mapping[str, str] | None = None) -> Callable[[F], F]: ...
def regularizer(function: F | None = None, *, search: Mapping[str, str] | None = None) -> Any:
    """Make a function or class of yours the choice ``regularizer=NAME``; see ``model``.

    It is called with the parameters in ``scope``, tensors by their names, as its first argument,
    and gives a scalar tensor, which is added to the loss.
    """
    return _adding("regularizer", function, search)


def predictor(directory: str | PathLike[str]) -> Callable[[Any], Any]:
    """What the run in ``directory`` has learned: a function from raw inputs to predictions.

    Raw inputs are rows as the source of its data has them: a data frame with its columns, or an
    array. They are scaled and encoded as was fitted to the run's training rows, for which its data
    are read again. It gives a numpy array (n,): the name of each row's class, or its number where
    classes have no names. Networks and data of a study are found where its file was imported.

    Raises:
        InputError: the run has no weights, its data or its network are not here or are others.
    """
    from regsweep.training.predictor import load_predictor

    return load_predictor(Path(directory))


def load(directory: str | PathLike[str]) -> "Tables":
    """The tables of a sweep, of several, or of single runs under ``directory``, for notebooks.

    They are gathered from the records, so a sweep need not be finished, and nothing is written.
    ``runs`` and ``arms`` are what ``runs.csv`` and ``comparison.csv`` hold, as pandas data frames;
    ``sweep`` is what the sweep was asked for, and ``choices`` which arms to take:

    >>> found = regsweep.load("multirun/2026-01-31/12-00-00.123456")
    >>> found.arms.set_index("arm")[["test_loss_mean", "p_holm", "verdict"]]
    >>> found.runs.query("stage == 'search'").groupby("arm")["val_loss"].min()
    >>> found.sweep.budget["n_trials"]
    20

    What their columns mean stands in ``columns.csv``, beside these files.

    Raises:
        InputError: the directory does not exist or holds no run, or no record can be read.
    """
    from regsweep.records.folder import read_folder
    from regsweep.report.load import load_tables

    return load_tables(read_folder("directory", directory))


def _adding(group: str, function: Any, search: Mapping[str, str] | None = None) -> Any:
    from regsweep.settings.study import add

    def added(function: F) -> F:
        add(group, function, search)
        return function

    return added if function is None else added(function)


@overload
def _data(function: F) -> F: ...
@overload
def _data() -> Callable[[F], F]: ...
def _data(function: F | None = None) -> Any:
    """Make a function of yours the choice ``data=NAME``; see ``model``.

    It gives a ``regsweep.Arrays``. ``train_size``, ``validation_size``, ``test_size``,
    ``split_seed`` and ``rows_seed`` are keys of every such choice.
    """
    return _adding("data", function)


if TYPE_CHECKING:  # to a type checker, __getattr__ would make every name right
    from regsweep.data.own_arrays import Arrays as Arrays
    from regsweep.report.load import Tables

    __version__: str
    data = _data
else:

    class _Data(ModuleType):
        """The room ``data/``, which is ``@regsweep.data`` too: Python has one name for both."""

        def __call__(self, function: F | None = None) -> Any:
            return _data(function)

    import_module("regsweep.data").__class__ = _Data

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            return version("regsweep")
        if name == "Arrays":
            from regsweep.data.own_arrays import Arrays

            return Arrays
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
