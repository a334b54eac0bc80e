"""The command line: Hydra in, one message and an exit code out."""

import os
import re
import signal
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from importlib.metadata import version
from multiprocessing import current_process
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import hydra
from hydra.errors import HydraException
from yaml import YAMLError  # type: ignore[import-untyped]

from regsweep.cli.arguments import SWEEP, in_full, to_show
from regsweep.cli.nodes import register_nodes
from regsweep.errors import InputError, bad_value, machine_fault
from regsweep.jobs.messages import explain
from regsweep.jobs.study import lead_by
from regsweep.jobs.task import task
from regsweep.output import end_with_the_reader
from regsweep.settings.own import FUNCTIONS, Study, is_loading
from regsweep.sweep.guard import guard_hydra
from regsweep.sweep.trust import EXECUTION_WHITELIST, read_trust

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

PACKAGE = Path(__file__).parent.parent
# In a wheel conf/ and examples/ lie in the package, in a checkout beside it.
CONF, EXAMPLES = (
    next(path.resolve() for path in (PACKAGE / name, PACKAGE.parent / name) if path.is_dir())
    for name in ("conf", "examples")
)
EXAMPLE = EXAMPLES / "breast_cancer.py"

DEFAULT_ARMS = "regularizer=none,l1,l2,elastic,weight_decay"
TRACEBACK = "HYDRA_FULL_ERROR"
SHOW_TRACEBACK = f"({TRACEBACK}=1 shows the traceback)"
# What a config names is imported, in this process and in workers.
NOT_ON_IMPORT = (
    "regsweep: regsweep.main() was called by a file that was only imported; "
    'put the call behind: if __name__ == "__main__":'
)

_at_work = False


def main(trust: Sequence[str] = (), overrides: Sequence[str] = ()) -> None:
    """Run the command line; exit with 0, 1 (one message), 130 (SIGINT) or 143 (SIGTERM).

    ``trust`` names what configs may run beside regsweep's own, and ``overrides`` hold where the
    command line is silent of their key: see ``regsweep.main``.
    """
    global _at_work
    if is_loading():  # a worker runs a study for its functions alone
        return
    if _at_work or current_process().name != "MainProcess":
        sys.exit(NOT_ON_IMPORT)
    if os.name != "posix":
        sys.exit("regsweep: runs on Linux and macOS; on Windows take the Linux subsystem (WSL)")
    end_with_the_reader()
    if "--version" in sys.argv[1:]:
        print(f"regsweep {version('regsweep')}")
        return
    if "--example" in sys.argv[1:]:
        print(EXAMPLE.read_text(), end="")
        return
    try:
        lead_by(_study())
        register_nodes()
        trusted = (*EXECUTION_WHITELIST, *read_trust(trust))
        given = in_full(with_overrides(sys.argv[1:], overrides))
        shown = to_show(for_the_arms(with_default_arms(given)))
        # What a sweep compares is settled when its config is read, which may ask for it too.
        sys.argv[1:] = given if _is_sweep(shown) else shown
    except InputError as error:
        sys.exit(f"regsweep: {error}")
    _heed_signals()
    with_traceback = os.environ.get(TRACEBACK) == "1"
    # Hydra then raises its errors instead of printing them with a traceback.
    os.environ[TRACEBACK] = "1"
    _at_work = True
    try:
        guard_hydra(trusted, of_a_sweep)
        hydra.main(str(CONF), "config", execution_whitelist=trusted)(task)()
    except SystemExit as error:
        # The argument parser leaves with 2.
        raise SystemExit(1 if error.code == 2 else error.code) from None
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if with_traceback:
            raise
        known = isinstance(error, InputError | HydraException | YAMLError) or machine_fault(error)
        if not known:
            error.add_note(SHOW_TRACEBACK)
        sys.exit(f"regsweep: {explain(error)}")
    finally:
        _at_work = False


def _study() -> Study | None:
    """The file that runs here, where it has choices of its own.

    Raises:
        InputError: there is no file that a worker could load.
    """
    if not any(FUNCTIONS.values()):
        return None
    main = sys.modules["__main__"]
    path = getattr(main, "__file__", None)
    if path is None or not os.path.isfile(path):
        raise InputError(
            "a study is a file, which a sweep's workers load too: write its functions into one, "
            "such as study.py"
        )
    return Study(os.path.abspath(path), None if main.__spec__ is None else main.__spec__.name)


def with_overrides(arguments: Sequence[str], overrides: Sequence[str]) -> list[str]:
    """``arguments``, with those of ``overrides`` whose key they do not name.

    Raises:
        InputError: one is no override.
    """
    for line in overrides:
        if not isinstance(line, str) or not line.partition("=")[1]:
            expected = "overrides of keys, such as 'data=heart'"
            raise bad_value("regsweep.main", repr(line), expected)
    named = {_key(argument) for argument in arguments}
    return [*arguments, *(line for line in overrides if _key(line) not in named)]


def _key(argument: str) -> str:
    return argument.lstrip("+~").partition("=")[0]


def of_a_sweep(overrides: Sequence[str], params: Collection[str] = ()) -> list[str]:
    """``overrides`` as those of a sweep, whose config varies ``params`` itself."""
    asked = with_default_arms([SWEEP, *overrides], params)
    return for_the_arms(asked, params)[1:]


def with_default_arms(arguments: Sequence[str], params: Collection[str] = ()) -> list[str]:
    """``arguments``, with all five regularizers where a sweep names neither one nor an experiment.

    So ``python -m regsweep -m`` compares them all, under every sweeper. ``params`` are what the
    sweep's config names.
    """
    named = {argument.lstrip("+").partition("=")[0] for argument in arguments} | {*params}
    given = "".join(a for a in arguments if a.lstrip("+").startswith("hydra.sweeper.params"))
    named |= set(re.findall(r"\b(regularizer|experiment)\s*[:=]", given))
    if not _is_sweep(arguments) or named & {"regularizer", "experiment"}:
        return list(arguments)
    return [*arguments, DEFAULT_ARMS]


def for_the_arms(arguments: Sequence[str], params: Collection[str] = ()) -> list[str]:
    """``arguments``, with the keys of swept groups kept for the arms, which differ in their keys.

    ``params`` are swept by the config.

    Hydra would apply ``regularizer.weight=1`` of ``regularizer=none,l1`` to its default choice,
    which has no such key; a sweep over one value, ``choice(1)``, it leaves to the sweeper.
    """
    if not _is_sweep(arguments):
        return list(arguments)
    from hydra.core.override_parser.overrides_parser import OverridesParser

    from regsweep.sweep.arms import NULL

    parser = OverridesParser.create()
    parsed: dict[str, Override] = {}
    for argument in arguments:
        with suppress(HydraException):  # an option, or an error that Hydra explains
            parsed[argument] = parser.parse_override(argument)
    swept = {o.key_or_group for o in parsed.values() if o.is_sweep_override()} | {*params}

    def is_of_an_arm(override: "Override") -> bool:
        group, dot, _ = override.get_key_element().partition(".")
        plain = dot and group.isidentifier() and not override.is_sweep_override()
        return bool(plain and group != "hydra" and swept & {group, "experiment"})

    # By itself Hydra's grammar takes no null as a choice.
    return [
        "{0}=choice({2})".format(*re.sub("=null$", f"={NULL}", argument).partition("="))
        if argument in parsed and is_of_an_arm(parsed[argument])
        else argument
        for argument in arguments
    ]


def _is_sweep(arguments: Sequence[str]) -> bool:
    return SWEEP in in_full(arguments)


def _heed_signals() -> None:
    signal.signal(signal.SIGTERM, _stop)
    # A shell has the commands that it runs in the background ignore it.
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _stop)


def _stop(signum: int, frame: FrameType | None) -> None:
    """Stop in order; a second signal does not wait for that."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, _stop_at_once)
    if signum == signal.SIGINT:
        print("regsweep: interrupted", file=sys.stderr)
        raise KeyboardInterrupt
    print("regsweep: terminated", file=sys.stderr)
    sys.exit(128 + signum)


def _stop_at_once(signum: int, frame: FrameType | None) -> None:
    os._exit(128 + signum)
