"""What a sweep was asked for, as its ``sweep.json`` says."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regsweep.objective import JUDGED


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
            baseline=content.get("baseline"),
            budget=dict(content.get("budget", {})),
            settled=dict(content.get("settled", {})),
            versions=dict(content.get("versions", {})),
            common=_common(content.get("configs", ())),
        )
    except (TypeError, AttributeError) as error:
        raise ValueError(f"not a sweep file ({error})") from error


def _common(configs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if not configs:
        return {}
    first, *others = map(dict, configs)
    return {k: v for k, v in first.items() if all(k in o and o[k] == v for o in others)}


def _named(arm: Mapping[str, str]) -> str:
    return " ".join(f"{group}={choice}" for group, choice in arm.items())
