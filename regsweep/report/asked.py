"""What a sweep was asked for, as its ``sweep.json`` says."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regsweep.baselines import default_baselines
from regsweep.objective import JUDGED


@dataclass(frozen=True)
class Asked:
    """What a report tells of a sweep beside its records.

    ``arms`` are named as in the tables (``regularizer=l1 model=mlp``); ``spaces`` maps each arm
    to its searched keys and their sweeps as overrides spell them, e.g.
    ``{"regularizer.weight": "tag(log, interval(1e-6, 1e-2))"}``; ``baselines`` maps it to the arm
    that it is tested against, ``trials`` to the number that was planned, and ``configs`` to its
    config under dotted keys. ``budget`` holds ``n_trials`` (an arm), ``n_jobs`` (trials a round),
    ``replicates`` and ``confirm_seeds``; it is empty, as ``baselines`` and ``trials`` are, where
    the sweeper was not ``compare``. ``settled`` holds device, mode (compiled or eager), threads,
    matmul_precision, pack_width; ``versions`` those of the packages. ``objective`` is empty where
    the sweep file does not name it. ``search_path`` are the places of configs that the command
    line named.
    """

    sweeper: str
    overrides: tuple[str, ...]
    objective: str
    seed: int
    arms: tuple[str, ...] = ()
    spaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    baselines: Mapping[str, str] = field(default_factory=dict)
    trials: Mapping[str, int] = field(default_factory=dict)
    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    budget: Mapping[str, int] = field(default_factory=dict)
    settled: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    search_path: tuple[str, ...] = ()

    @property
    def common(self) -> dict[str, Any]:
        """What the configs of all arms agree in, under dotted keys: ``{"trainer.epochs": 10}``."""
        if not self.configs:
            return {}
        first, *others = self.configs.values()
        return {k: v for k, v in first.items() if all(k in o and o[k] == v for o in others)}

    @property
    def tests(self) -> int:
        """The number of planned tests: of every arm but the baselines."""
        return sum(arm != baseline for arm, baseline in self.baselines.items())


def read_asked(path: Path) -> Asked:
    """What the sweep file at ``path`` says; what it does not say has the defaults of ``Asked``.

    Raises:
        OSError, ValueError: it cannot be read, or a part is not what it should be.
    """
    content = json.loads(path.read_bytes())
    if not isinstance(content, dict):
        raise ValueError(f"a JSON {type(content).__name__}, expected an object")
    objective = content.get("objective", "")
    if objective and objective not in tuple(JUDGED):
        raise ValueError(f"objective {objective!r}, expected one of {tuple(JUDGED)}")
    try:
        arms = tuple(_named(arm) for arm in content.get("arms", ()))
        return Asked(
            sweeper=str(content.get("sweeper", "")),
            overrides=tuple(map(str, content.get("overrides", ()))),
            objective=objective,
            seed=int(content.get("seed", 0)),
            arms=tuple(dict.fromkeys(arms)),
            spaces=dict(zip(arms, map(dict, content.get("spaces", ())), strict=False)),
            baselines=_baselines(arms, content),
            trials=_trials(arms, content),
            configs=dict(zip(arms, list(map(dict, content.get("configs", ()))), strict=False)),
            budget=dict(content.get("budget", {})),
            settled=dict(content.get("settled", {})),
            versions=dict(content.get("versions", {})),
            search_path=tuple(map(str, content.get("search_path", ()))),
        )
    except (TypeError, AttributeError) as error:
        raise ValueError(f"not a sweep file ({error})") from error


def _baselines(arms: tuple[str, ...], content: Mapping[str, Any]) -> dict[str, str]:
    """Each arm's baseline; older files name one for all arms."""
    if not content.get("budget"):
        return {}
    named = content.get("baselines") or [content.get("baseline")] * len(arms)
    if None in named:
        named = [arms[place] for place in default_baselines(content.get("arms", ()))]
    return dict(zip(arms, map(str, named), strict=False))


def _trials(arms: tuple[str, ...], content: Mapping[str, Any]) -> dict[str, int]:
    """The trials that were planned; older files do not say how many points a grid has."""
    planned = content.get("trials")
    n_trials = dict(content.get("budget", {})).get("n_trials")
    sampler = dict(content.get("sampler", {})).get("_target_", "")
    if not planned and n_trials and not str(sampler).endswith(".GridSampler"):
        planned = [n_trials if space else 1 for space in content.get("spaces", ())]
    return dict(zip(arms, map(int, planned or ()), strict=False))


def _named(arm: Mapping[str, str]) -> str:
    return " ".join(f"{group}={choice}" for group, choice in arm.items())
