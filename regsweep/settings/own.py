"""The choices of a study file: the user's own functions, found by config group and name."""

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regsweep.errors import InputError, MachineFault
from regsweep.settings.regularizer import Coefficients, Scope

# By config group, then by the name of the choice; what a study's decorators register.
FUNCTIONS: dict[str, dict[str, Callable[..., Any]]] = {"model": {}, "data": {}, "regularizer": {}}

# Likewise, the keys that a function takes as lists: a spec has tuples, which can be hashed.
LISTED: dict[str, dict[str, frozenset[str]]] = {"model": {}, "data": {}, "regularizer": {}}

# Studies that this process has begun or loaded; and whether it is loading one.
_LOADED: dict["Study", Mapping[str, str]] = {}
_LOADING: list["Study"] = []


@dataclass(frozen=True)
class Study:
    """A study file, by which workers find its functions.

    ``module`` is its name where it was run as ``python -m module``, else ``None``.
    """

    path: str
    module: str | None

    @property
    def sources(self) -> Mapping[str, str]:
        """SHA-256 of the file and of those that its functions are in, as this process read them."""
        self.load()
        return _LOADED[self]

    def begin(self) -> None:
        """Take note that the functions of the study are here: this process runs it."""
        if self not in _LOADED:
            _LOADED[self] = _sources(Path(self.path))

    def load(self) -> None:
        """Have the functions of the study, by running its file as a module of its name, once.

        Raises:
            MachineFault: the file is not there, or raises an error.
        """
        if self in _LOADED:
            return
        if not os.path.isfile(self.path):
            raise MachineFault(f"{self.path}: the study file is not here, which has the functions")
        before = {group: dict(own) for group, own in FUNCTIONS.items()}
        _LOADING.append(self)
        try:
            self._run() if self.module is None else self._import(self.module)
        except Exception as error:
            FUNCTIONS.update(before)
            raise MachineFault(
                f"{self.path}: the study cannot be loaded here: {type(error).__name__}: {error}"
            ) from error
        finally:
            _LOADING.remove(self)
        self.begin()

    def _import(self, module: str) -> None:
        _find_in(str(Path(self.path).parents[module.count(".")]))
        importlib.import_module(module)

    def _run(self) -> None:
        _find_in(str(Path(self.path).parent))
        name = Path(self.path).stem
        there = sys.modules.get(name)
        if there is not None and getattr(there, "__file__", None) == self.path:
            return
        if there is not None or not name.isidentifier():
            name = "regsweep_study"
        spec = importlib.util.spec_from_file_location(name, self.path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise


def current_study() -> Study | None:
    """The study that this process has begun or loaded last, if any."""
    return next(reversed(_LOADED), None)


def is_loading() -> bool:
    """Whether a study file runs as a module, for its functions alone."""
    return bool(_LOADING)


def _find_in(folder: str) -> None:
    """Have what lies beside a study found as where it was run."""
    if folder not in sys.path:
        sys.path.insert(0, folder)


def _sources(study: Path) -> Mapping[str, str]:
    own = [function for of_group in FUNCTIONS.values() for function in of_group.values()]
    files = {getattr(sys.modules.get(f.__module__), "__file__", None) for f in own} - {None}
    paths = {study, *(Path(os.path.abspath(file)) for file in files if file)}
    return {
        Path(os.path.relpath(path, study.parent)).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(paths)
    }


def function_of(group: str, name: str, study: Study | None) -> Callable[..., Any]:
    """The function behind the choice ``name`` of ``group``; its ``study`` is loaded if need be.

    Raises:
        InputError: nothing of that name is known.
    """
    _have(group, name, study)
    if name not in FUNCTIONS[group]:
        raise InputError(
            f"{group}={name}: a choice of a study file, which is not loaded here; import it first"
        )
    return FUNCTIONS[group][name]


def keywords_of(
    group: str, name: str, study: Study | None, values: tuple[tuple[str, Any], ...]
) -> Mapping[str, Any]:
    """``values``, pairs, as that function takes them: a list where its annotation is one."""
    _have(group, name, study)
    listed = LISTED[group].get(name, ())
    return {k: list(v) if k in listed and v is not None else v for k, v in values}


def _have(group: str, name: str, study: Study | None) -> None:
    if name not in FUNCTIONS[group] and study is not None:
        study.load()


@dataclass(frozen=True)
class OwnModel:
    """A network of the user's: the choice ``name`` and the values of its keys, as pairs."""

    name: str
    values: tuple[tuple[str, Any], ...] = ()
    study: Study | None = None

    @property
    def function(self) -> Callable[..., Any]:
        """What builds it, an ``nn.Module``, of the ``keywords``, ``shape`` and ``outputs``.

        It need not take both of the last two.
        """
        return function_of("model", self.name, self.study)

    @property
    def keywords(self) -> Mapping[str, Any]:
        """The values of its keys, by their names."""
        return keywords_of("model", self.name, self.study, self.values)


@dataclass(frozen=True)
class OwnRegularizer:
    """A penalty of the user's: its value, a scalar, is added to the loss of the data."""

    name: str
    scope: Scope
    values: tuple[tuple[str, Any], ...] = ()
    study: Study | None = None

    @property
    def function(self) -> Callable[..., Any]:
        """What gives the penalty, of the parameters in ``scope``, by name, and ``keywords``."""
        return function_of("regularizer", self.name, self.study)

    @property
    def keywords(self) -> Mapping[str, Any]:
        """The values of its keys, by their names."""
        return keywords_of("regularizer", self.name, self.study, self.values)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The keys that are floats: each run of a pack has its own; it shares the others."""
        return tuple(key for key, value in self.values if type(value) is float)

    @property
    def kind(self) -> tuple[Any, ...]:
        """What the runs of a pack share of their penalty."""
        numbers = self.numbers
        shared = tuple(pair for pair in self.values if pair[0] not in numbers)
        return self.name, self.scope, numbers, shared, self.study

    def coefficients(self) -> Coefficients:
        """All 0: what is fused for all arms has no part in it."""
        return Coefficients()
