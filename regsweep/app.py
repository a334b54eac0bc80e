"""The command line: Hydra in, one message and an exit code out."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import hydra
from hydra.errors import HydraException

from regsweep.errors import InputError
from regsweep.messages import explain
from regsweep.nodes import register_nodes
from regsweep.spec.regularizer import REGULARIZERS
from regsweep.task import task

PACKAGE = Path(__file__).parent
# In a wheel conf/ lies in the package, in a checkout beside it.
CONF = next(path.resolve() for path in (PACKAGE / "conf", PACKAGE.parent / "conf") if path.is_dir())

# All that a config may run. Regularizers, models and optimizers are looked up by name.
EXECUTION_WHITELIST = (
    "optuna.samplers.*",
    "hydra_plugins.hydra_optuna_sweeper.*",
    "regsweep.callback.RegsweepCallback",
    "regsweep.launcher.PackLauncher",
    "regsweep.search_space.suggest",
)
DEFAULT_ARMS = f"regularizer={','.join(REGULARIZERS)}"
TRACEBACK = "HYDRA_FULL_ERROR"
SHOW_TRACEBACK = f" ({TRACEBACK}=1 shows the traceback)"


_hydra_main = hydra.main(
    config_path=str(CONF), config_name="config", execution_whitelist=EXECUTION_WHITELIST
)(task)


def main() -> None:
    """Run the command line; exit with 0, 1 (one message), 130 (SIGINT) or 143 (SIGTERM)."""
    register_nodes()
    sys.argv[1:] = with_default_arms(sys.argv[1:])
    signal.signal(signal.SIGTERM, _terminated)
    with_traceback = os.environ.get(TRACEBACK) == "1"
    # Hydra then raises its errors instead of printing them with a traceback.
    os.environ[TRACEBACK] = "1"
    try:
        _hydra_main()
    except SystemExit as error:
        # The argument parser leaves with 2.
        raise SystemExit(1 if error.code == 2 else error.code) from None
    except KeyboardInterrupt:
        print("regsweep: interrupted", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if with_traceback:
            raise
        hint = "" if isinstance(error, InputError | HydraException) else SHOW_TRACEBACK
        sys.exit(f"regsweep: {explain(error)}{hint}")


def with_default_arms(arguments: Sequence[str]) -> list[str]:
    """``arguments``, with all five regularizers where a sweep names neither one nor an experiment.

    So ``python -m regsweep -m`` compares them all, under every sweeper.
    """
    sweeping = {"-m", "--multirun", "hydra.mode=MULTIRUN"} & set(arguments)
    named = {argument.lstrip("+").partition("=")[0] for argument in arguments}
    if not sweeping or named & {"regularizer", "experiment"}:
        return list(arguments)
    return [*arguments, DEFAULT_ARMS]


def _terminated(signum: int, frame: FrameType | None) -> None:
    print("regsweep: terminated", file=sys.stderr)
    sys.exit(128 + signum)
