"""How this command was called, for the commands that it prints: to go on, to train again."""

import os
import shlex
import shutil
import sys
from pathlib import Path

COMMAND = "python -m regsweep"


def command(*arguments: str) -> str:
    """What to paste into a shell to call this command with other ``arguments``."""
    return shlex.join([*_program(), *arguments])


def given() -> list[str]:
    """The arguments that it was called with."""
    return sys.orig_argv[_program_length() :]


def _program() -> list[str]:
    """The interpreter and what it runs, by the shortest names that a shell finds them by here."""
    rest = sys.orig_argv[1 : _program_length()]
    script = Path(rest[0]) if rest else Path()
    if shutil.which(script.name) == os.path.abspath(script):
        return [script.name]
    names = (Path(sys.executable).name, sys.orig_argv[0])
    found = (name for name in names if os.path.abspath(shutil.which(name) or "") == sys.executable)
    return [next(found, sys.executable), *rest]


def _program_length() -> int:
    """The words before the arguments: ``python -m regsweep``, or ``python study.py``."""
    spec = sys.modules["__main__"].__spec__
    module = "" if spec is None else spec.name.removesuffix(".__main__")
    name = sys.argv[0] if module in ("", "__main__") else module
    ends = (n for n, word in enumerate(sys.orig_argv, 1) if word in (name, f"-m{name}"))
    return next(ends, len(sys.orig_argv)) + (name == "-c")
