"""What the command line asks for: its options in full, and whether it sweeps or only shows."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum
from typing import NoReturn

from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import EnumNode
from omegaconf.errors import ValidationError

from regsweep.errors import InputError, nearest
from regsweep.sweep.internals import command_options

SWEEP = "--multirun"
# What shows something instead of running it, by the parser's names; of ONE_OF only one is heeded.
HELP = ("help", "hydra_help")
ONE_OF = ("run", "cfg", "info", "shell_completion")


def in_full(arguments: Sequence[str]) -> list[str]:
    """``arguments`` with each option by its long name, before all overrides.

    Whatever spells ``-m``, an abbreviation, ``-mc job`` or ``++hydra.mode=MULTIRUN``, is
    ``--multirun`` then.

    Raises:
        InputError: an option does not exist, lacks its value, or contradicts another.
    """
    asked = _read(arguments)
    asked.multirun = asked.multirun or _mode(asked.overrides) == RunMode.MULTIRUN
    return _written(asked)


def to_show(arguments: Sequence[str]) -> list[str]:
    """``arguments`` that show something, without the sweep: its jobs alone have what it varies."""
    asked = _read(arguments)
    if not asked.multirun or not any(getattr(asked, name) for name in (*HELP, *ONE_OF)):
        return list(arguments)
    asked.multirun = False
    asked.overrides = [line for line in asked.overrides if not _is_swept(line)]
    return _written(asked)


def _read(arguments: Sequence[str]) -> Namespace:
    parser = command_options()
    parser.error = _refuse  # type: ignore[method-assign]
    asked, unknown = parser.parse_known_intermixed_args(list(arguments))
    if unknown:
        raise InputError(f"{unknown[0]}: no such option; {nearest(unknown[0], _options(parser))}")
    given = [name for name in ONE_OF if getattr(asked, name)]
    if asked.multirun and "run" in given:
        given.insert(0, "multirun")
    if len(given) > 1:
        flags = " and ".join(_flag(name) for name in given)
        raise InputError(f"{flags}: give one of them")
    if asked.resolve and not (asked.cfg or asked.help):
        raise InputError("--resolve: goes with --cfg or --help, such as --cfg job --resolve")
    if asked.experimental_rerun and (asked.multirun or asked.config_name):
        raise InputError("--experimental-rerun: goes with neither -m nor --config-name")
    return asked


def _refuse(message: str) -> NoReturn:
    raise InputError(message.removeprefix("argument "))


def _options(parser: ArgumentParser) -> list[str]:
    return [action.option_strings[0] for action in parser._actions if action.option_strings]


def _written(asked: Namespace) -> list[str]:
    """The arguments that are read as ``asked``."""
    options = {name: value for name, value in vars(asked).items() if name != "overrides"}
    flags = [_flag(name) for name, value in options.items() if value is True]
    valued = [f"{_flag(k)}={v}" for k, v in options.items() if isinstance(v, str)]
    return [*flags, *valued, *asked.overrides]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _mode(overrides: Sequence[str]) -> Enum | None:
    """What the last override of ``hydra.mode`` says, in any spelling that Hydra takes."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    mode: Enum | None = None
    for line in overrides:
        if line.lstrip("+").partition("=")[0] == "hydra.mode":
            with suppress(HydraException, ValidationError):  # which Hydra explains
                value = OverridesParser.create().parse_override(line).value()
                mode = EnumNode.validate_and_convert_to_enum(RunMode, value)
    return mode


def _is_swept(line: str) -> bool:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    with suppress(HydraException):  # which Hydra explains
        return OverridesParser.create().parse_override(line).is_sweep_override()
    return False
