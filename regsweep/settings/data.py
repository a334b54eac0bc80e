"""The data on offer, and how they are split; ``regsweep.training.load`` loads them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from regsweep.data.facts import Facts
from regsweep.data.sizes import Size, Sizes
from regsweep.data.source import SOURCES, Source, check_sizes
from regsweep.errors import bad_value
from regsweep.settings.checks import one_of, whole
from regsweep.settings.own import Study, function_of, keywords_of

# What scikit-learn ships: for classification, and then for regression.
SCIKIT_LEARN = ("breast_cancer", "digits", "iris", "wine", "diabetes", "linnerud")
# What torchvision can have, and what is had and verified without it.
TORCHVISION = ("CIFAR10", "CIFAR100", "KMNIST", "SVHN", "USPS")
_VERIFIED = {"MNIST": "mnist", "FashionMNIST": "fashion_mnist"}


@dataclass(frozen=True)
class Published:
    """A published data set, its folder, and the sizes and seed of its stratified split.

    ``train_size`` is a stratified subset of what the validation split leaves; ``None`` is all.
    ``rows_seed`` draws the rows that train and validate in place of ``split_seed``, if it is given.
    """

    name: str
    root: str
    train_size: int | None
    validation_size: int
    split_seed: int
    rows_seed: int | None = None

    def __post_init__(self) -> None:
        one_of("data", self.name, SOURCES)
        _a_root(self.root)
        _check_seeds(self.split_seed, self.rows_seed)
        check_sizes(self.source, self.validation_size, self.train_size)

    @property
    def source(self) -> Source:
        """The published files behind ``name``."""
        return SOURCES[self.name]

    @property
    def facts(self) -> Facts:
        """What is known of the data without a look at the files."""
        source = self.source
        left = source.train_examples - self.validation_size
        return Facts(
            shape=source.shape,
            outputs=source.outputs,
            train=left if self.train_size is None else self.train_size,
            validation=self.validation_size,
            test=source.test_examples,
            halves=(self.validation_size // 2, self.validation_size - self.validation_size // 2),
        )

    def at(self, start: Path) -> "Published":
        """The same, with a root that does not depend on the folder that a process works in."""
        return replace(self, root=_absolute("data.root", self.root, start))


class _Divided:
    """Rows of which ``test_size`` are set aside: what is alike in all data without a test part."""

    train_size: int | None
    validation_size: Size
    test_size: Size
    split_seed: int
    rows_seed: int | None

    @property
    def sizes(self) -> Sizes:
        """How the rows are divided."""
        return Sizes(
            self.train_size,
            self.validation_size,
            self.test_size,
            self.split_seed,
            self.rows_seed,
        )


@dataclass(frozen=True)
class Arrays(_Divided):
    """The arrays of an ``.npz`` file; ``test_size`` is read where it holds no test part."""

    path: str
    train_size: int | None
    validation_size: Size
    test_size: Size
    split_seed: int
    rows_seed: int | None = None

    def __post_init__(self) -> None:
        _a_file("data.path", self.path)
        _check_sizes(self.sizes)

    @property
    def files(self) -> Mapping[str, str]:
        """The files that are read, by their key."""
        return {"data.path": self.path}

    def at(self, start: Path) -> "Arrays":
        """The same, with a path that does not depend on the folder that a process works in."""
        return replace(self, path=_absolute("data.path", self.path, start))


@dataclass(frozen=True)
class ScikitLearn(_Divided):
    """A set that scikit-learn ships."""

    dataset: str
    train_size: int | None
    validation_size: Size
    test_size: Size
    split_seed: int
    rows_seed: int | None = None

    def __post_init__(self) -> None:
        one_of("data.dataset", self.dataset, SCIKIT_LEARN)
        _check_sizes(self.sizes)

    @property
    def files(self) -> Mapping[str, str]:
        """None: they come with the package."""
        return {}

    def at(self, start: Path) -> "ScikitLearn":
        """The same."""
        return self


@dataclass(frozen=True)
class Table(_Divided):
    """A table in a CSV file; ``test_size`` is read where there is no other file to test on.

    ``target`` is the column that is predicted, or several of labels or numbers; ``columns`` are
    those that are learned from, ``None`` all others. Rows that are alike in the column ``group``
    are in one part.
    """

    path: str
    target: str | tuple[str, ...]
    test_path: str | None
    columns: tuple[str, ...] | None
    group: str | None
    train_size: int | None
    validation_size: Size
    test_size: Size
    split_seed: int
    rows_seed: int | None = None

    def __post_init__(self) -> None:
        _a_file("data.path", self.path)
        if self.test_path is not None:
            _a_file("data.test_path", self.test_path)
        targets = (self.target,) if isinstance(self.target, str) else self.target
        if not targets or len(set(targets)) < len(targets):
            raise bad_value(
                "data.target", list(targets), "the name of a column, or several, each once"
            )
        if self.group in targets:
            raise bad_value("data.group", self.group, "another column than data.target")
        if self.columns == ():
            raise bad_value("data.columns", "[]", "the names of one column or more, or null")
        _check_sizes(self.sizes)

    @property
    def files(self) -> Mapping[str, str]:
        """The files that are read, by their key."""
        test = {} if self.test_path is None else {"data.test_path": self.test_path}
        return {"data.path": self.path} | test

    def at(self, start: Path) -> "Table":
        """The same, with paths that do not depend on the folder that a process works in."""
        test = self.test_path
        return replace(
            self,
            path=_absolute("data.path", self.path, start),
            test_path=None if test is None else _absolute("data.test_path", test, start),
        )


@dataclass(frozen=True)
class Torchvision:
    """A classification set, with its test part, that torchvision downloads into ``root``."""

    dataset: str
    root: str
    train_size: int | None
    validation_size: Size
    split_seed: int
    rows_seed: int | None = None

    def __post_init__(self) -> None:
        if self.dataset in _VERIFIED:
            raise bad_value(
                "data.dataset", self.dataset, f"data={_VERIFIED[self.dataset]}, which is verified"
            )
        one_of("data.dataset", self.dataset, TORCHVISION)
        _a_root(self.root)
        _check_sizes(self.sizes)

    @property
    def sizes(self) -> Sizes:
        """How the rows are divided; the test rows are those of the set."""
        return Sizes(self.train_size, self.validation_size, 1, self.split_seed, self.rows_seed)

    @property
    def files(self) -> Mapping[str, str]:
        """None of the user's."""
        return {}

    def at(self, start: Path) -> "Torchvision":
        """The same, with a root that does not depend on the folder that a process works in."""
        return replace(self, root=_absolute("data.root", self.root, start))


@dataclass(frozen=True)
class OwnData(_Divided):
    """What a function of a study gives; ``test_size`` is read where it gives no test part.

    It is called in the folder ``start``, with ``values``, pairs, as its keywords.
    """

    name: str
    train_size: int | None
    validation_size: Size
    test_size: Size
    split_seed: int
    values: tuple[tuple[str, Any], ...] = ()
    study: Study | None = None
    start: str = "."
    rows_seed: int | None = None

    def __post_init__(self) -> None:
        _check_sizes(self.sizes)

    @property
    def function(self) -> Callable[..., Any]:
        """What gives the rows, of the ``keywords``: a ``regsweep.Arrays``."""
        return function_of("data", self.name, self.study)

    @property
    def keywords(self) -> Mapping[str, Any]:
        """The values of its keys, by their names."""
        return keywords_of("data", self.name, self.study, self.values)

    @property
    def files(self) -> Mapping[str, str]:
        """None that are known: the function reads what it likes."""
        return {}

    def at(self, start: Path) -> "OwnData":
        """The same, called where the command was, whatever folder a process works in."""
        return replace(self, start=str(start.absolute()))


Own = Arrays | OwnData | ScikitLearn | Table | Torchvision
Data = Published | Own

DATA: dict[str, type[Data]] = {
    **dict.fromkeys(SOURCES, Published),
    "arrays": Arrays,
    "csv": Table,
    "sklearn": ScikitLearn,
    "torchvision": Torchvision,
}


def _a_root(root: str) -> None:
    if not root:
        raise bad_value("data.root", "''", "a folder; is REGSWEEP_DATA set to nothing?")


def _a_file(key: str, path: str) -> None:
    if not path:
        raise bad_value(key, "''", "the path of a file")


def _check_seeds(split_seed: int, rows_seed: int | None) -> None:
    whole("data.split_seed", split_seed, low=0, high=2**63 - 1)
    if rows_seed is not None:
        whole("data.rows_seed", rows_seed, low=0, high=2**63 - 1)


def _check_sizes(sizes: Sizes) -> None:
    _check_seeds(sizes.seed, sizes.rows_seed)
    if sizes.train is not None:
        whole("data.train_size", sizes.train, low=1)
    _check_size("data.validation_size", sizes.validation, low=0)
    _check_size("data.test_size", sizes.test, low=1)


def _check_size(key: str, size: Size, low: int) -> None:
    """Refuse what is neither a number of rows, ``low`` or above, nor a share of them."""
    share = 0 < size < 1 or (size == 0 and low == 0)
    if not (share if isinstance(size, float) else size >= low):
        raise bad_value(key, size, f"a whole number of rows, {low} or above, or a share below 1")


def _absolute(key: str, path: str, start: Path) -> str:
    """``path``, which is relative to ``start`` where it is not absolute."""
    try:
        return str(start / Path(path).expanduser())
    except RuntimeError as error:
        raise bad_value(key, path, f"a folder ({error})") from error
