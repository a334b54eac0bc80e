"""Runs the real command line as a real process."""

import os
import subprocess
import sys
from pathlib import Path


def command(*arguments, cwd, module="regsweep", **environment):
    """``python -W error -m MODULE ARGUMENTS``: every warning is an error here too."""
    return python("-m", module, *arguments, cwd=cwd, **environment)


def python(*words, cwd, **environment):
    """``python -W error WORDS``."""
    return subprocess.run(
        [sys.executable, "-W", "error", *words],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def only_folder(parent, pattern="*/*"):
    """The one run or sweep folder that a command made."""
    [folder] = Path(parent).glob(pattern)
    return folder
