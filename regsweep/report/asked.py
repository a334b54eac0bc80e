"""What a sweep was asked for, as its ``sweep.json`` says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regsweep.sweep_file import read_content


@dataclass(frozen=True)
class Asked:
    """What a report tells of a sweep beside its records.

    ``arms`` are named as in the tables (``regularizer=l1 model=mlp``); ``spaces`` maps each arm
    to its searched keys and their sweeps as overrides spell them, e.g.
    ``{"regularizer.weight": "tag(log, interval(1e-6, 1e-2))"}``. ``budget`` holds ``n_trials``
    (an arm), ``n_jobs`` (trials a round), ``replicates`` and ``confirm_seeds``; it is empty where
    the sweeper was not ``compare``. ``settled`` holds device, mode (compiled or eager), threads,
    matmul_precision, pack_width; ``versions`` those of the packages. ``objective`` is empty where
    the sweep file does not name it. ``common`` is what the configs of all arms agree in, under
    dotted keys: ``{"trainer.epochs": 10}``.
    """

    sweeper: str
    overrides: tuple[str, ...]
    objective: str
    seed: int
    arms: tuple[str, ...] = ()
    spaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    baseline: str | None = None
    budget: Mapping[str, int] = field(default_factory=dict)
    settled: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    common: Mapping[str, Any] = field(default_factory=dict)


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
        baseline=content.get("baseline"),
        budget=content.get("budget", {}),
        settled=content.get("settled", {}),
        versions=content.get("versions", {}),
        common=_common(content.get("configs", ())),
    )


def _common(configs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if not configs:
        return {}
    first, *others = configs
    return {k: v for k, v in first.items() if all(k in o and o[k] == v for o in others)}


def _named(arm: Mapping[str, str]) -> str:
    return " ".join(f"{group}={choice}" for group, choice in arm.items())
