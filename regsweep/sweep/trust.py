"""What a config may run: exact names, and what a Python file of the user's trusts beside them.

Exact, because a wildcard covers what a class holds too, and ``CmaEsSampler._restore_optimizer``
unpickles whatever it is given. Regularizers, models and optimizers are looked up by name.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from regsweep.errors import InputError, bad_value
from regsweep.sweep.internals import PLUGIN

# What hydra/sweeper/sampler offers, and what its samplers are made of.
SAMPLERS = (
    f"{PLUGIN}.create_nsgaii_sampler",
    f"{PLUGIN}.create_nsgaiii_sampler",
    "hydra_plugins.hydra_optuna_sweeper.config.raise_motpe_removed",
    "optuna.samplers.BruteForceSampler",
    "optuna.samplers.CmaEsSampler",
    "optuna.samplers.GPSampler",
    "optuna.samplers.GridSampler",
    "optuna.samplers.NSGAIISampler",
    "optuna.samplers.NSGAIIISampler",
    "optuna.samplers.QMCSampler",
    "optuna.samplers.RandomSampler",
    "optuna.samplers.TPESampler",
    "optuna.samplers.nsgaii.BLXAlphaCrossover",
    "optuna.samplers.nsgaii.PolynomialMutation",
    "optuna.samplers.nsgaii.SBXCrossover",
    "optuna.samplers.nsgaii.SPXCrossover",
    "optuna.samplers.nsgaii.UNDXCrossover",
    "optuna.samplers.nsgaii.UniformCrossover",
    "optuna.samplers.nsgaii.VSBXCrossover",
)
CALLBACK = "regsweep.cli.callback.RegsweepCallback"
EXECUTION_WHITELIST = (*SAMPLERS, CALLBACK, "regsweep.sweep.search_space.suggest")
# What Hydra itself adds to the whitelist where it sets up logging.
LOGGING = (
    "colorlog.ColoredFormatter",
    "logging.FileHandler",
    "logging.StreamHandler",
    "sys.stderr",
    "sys.stdout",
)
_EXTERNAL = "ext://"  # how logging's own configs name a Python object


def read_trust(trust: Sequence[str]) -> tuple[str, ...]:
    """The names that ``regsweep.main(trust=...)`` was given.

    Raises:
        InputError: it is no list of names, or one would trust everything.
    """
    expected = 'a list of names, each of a class or of all in a module, such as ["mine.*"]'
    if not isinstance(trust, list | tuple):
        raise bad_value("trust", repr(trust), expected)
    for name in trust:
        parts = name.removesuffix(".*").split(".") if isinstance(name, str) else [""]
        if not all(part.isidentifier() for part in parts):
            raise bad_value("trust", repr(trust), expected)
        if parts[0] == "__main__":
            raise InputError(
                f"trust={trust!r}: a sweep's workers do not have this file as __main__; "
                'call it by its name, such as ["study.*"] for study.py'
            )
    return tuple(trust)


def refuse_untrusted(hydra: Mapping[str, Any], trusted: Sequence[str]) -> None:
    """Refuse what the parts of Hydra's config in ``hydra`` name and nobody trusts.

    Hydra refuses it too, but for samplers, where its plugin trusts all of ``optuna.samplers``,
    and only after it has made the folder.

    Raises:
        InputError: the key, the name, and how to trust it.
    """
    for part, node in hydra.items():
        is_logging = part.endswith("_logging")
        allowed = (*trusted, *LOGGING) if is_logging else trusted
        for key, name in _named(node, f"hydra.{part}", is_logging):
            if not any(_covers(one, name) for one in allowed):
                raise InputError(
                    f"{key}={name}: a config may not run it. Where you trust it, start the command "
                    f'from a Python file of yours that calls regsweep.main(trust=["{name}"])'
                )


def _named(node: Any, path: str, is_logging: bool) -> Iterator[tuple[str, str]]:
    """Every name of a Python object in ``node``, with its dotted key."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in (("class", "()") if is_logging else ("_target_",)):
                yield f"{path}.{key}", str(value)
            else:
                yield from _named(value, f"{path}.{key}", is_logging)
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from _named(value, f"{path}[{place}]", is_logging)
    elif is_logging and str(node).startswith(_EXTERNAL):
        yield path, str(node).removeprefix(_EXTERNAL)


def _covers(trusted: str, name: str) -> bool:
    if trusted.endswith(".*"):
        return name.startswith(trusted.removesuffix("*"))
    return name == trusted
