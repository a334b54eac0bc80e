"""What a sweep was asked for, as its ``sweep.json`` says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regsweep.records.baselines import default_baselines
from regsweep.records.sweep_file import read_content


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
        Unreadable: it is damaged, or of another version.
    """
    content = read_content(path)
    arms = tuple(_named(arm) for arm in content.get("arms", ()))
    return Asked(
        sweeper=content.get("sweeper", ""),
        overrides=tuple(content.get("overrides", ())),
        objective=content.get("objective", ""),
        seed=content.get("seed", 0),
        arms=tuple(dict.fromkeys(arms)),
        spaces=dict(zip(arms, content.get("spaces", ()), strict=False)),
        baselines=_baselines(arms, content),
        trials=_trials(arms, content),
        configs=dict(zip(arms, content.get("configs", ()), strict=False)),
        budget=content.get("budget", {}),
        settled=content.get("settled", {}),
        versions=content.get("versions", {}),
        search_path=tuple(content.get("search_path", ())),
    )


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
