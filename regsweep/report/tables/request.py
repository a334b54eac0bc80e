"""What a sweep was asked for, as its ``sweep.json`` says."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from regsweep.records.arm import arm_name
from regsweep.records.baselines import default_baselines, planned_tests
from regsweep.records.sweep_file import SweepFile, read


@dataclass(frozen=True)
class Request:
    """What a report tells of a sweep beside its records.

    ``arms`` are named as in the tables (``regularizer=l1 model=mlp``); ``spaces`` maps each arm
    to its searched keys and their sweeps as overrides spell them, e.g.
    ``{"regularizer.weight": "tag(log, interval(1e-6, 1e-2))"}``; ``baselines`` maps it to the arm
    that it is tested against, ``trials`` to the number that was planned, and ``configs`` to its
    config under dotted keys. ``budget`` holds ``n_trials`` (an arm), ``n_jobs`` (trials a round),
    ``replicates`` and ``confirm_seeds``; it is empty, as ``baselines`` and ``trials`` are, where
    the sweep does not ``compares``: its sweeper was another. ``settled`` holds device, mode
    (compiled or eager), threads, matmul_precision, pack_width; ``versions`` those of the packages.
    ``search_path`` are the places of configs that the command line named, ``steps`` the fewest in
    any run, and ``data`` maps each arm to what is known of its data, as in a sweep file; so are
    ``command``, ``looks``, ``margin``, ``exploratory`` and ``resample``. ``confirm`` are the
    confirm seeds, ``sparsest`` the arms whose sparsest trial is confirmed too, and ``ablated`` maps
    an arm to the keys of the ingredients that are taken out of its winner. ``against`` is the
    arm that a second look compares all others with, in ``baselines`` too.
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
    budget: Mapping[str, Any] = field(default_factory=dict)
    compares: bool = False
    settled: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    search_path: tuple[str, ...] = ()
    steps: int | None = None
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    command: str | None = None
    confirm: tuple[int, ...] = ()
    looks: tuple[int, ...] = ()
    margin: float | None = None
    exploratory: str | None = None
    against: str | None = None
    resample: str = "seeds"
    sparsest: tuple[str, ...] = ()
    ablated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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
        return planned_tests(self.baselines)

    @property
    def corrections(self) -> str:
        """For what intervals and p are corrected: ``4 tests and 3 looks``; empty for nothing."""
        return self.corrected_for(self.tests)

    def corrected_for(self, tests: int) -> str:
        """The same of a family of so many ``tests`` at these looks."""
        counts = ((tests, "tests"), (len(self.looks), "looks"))
        return " and ".join(f"{count} {things}" for count, things in counts if count > 1)


def read_request(directory: Path) -> Request:
    """What the sweep file in ``directory`` says.

    Raises:
        Unreadable: it is damaged, or of another version.
    """
    sweep = read(directory)
    arms = tuple(arm_name(arm) for arm in sweep.arms)
    return Request(
        sweeper=sweep.sweeper,
        overrides=tuple(sweep.overrides),
        objective=sweep.objective,
        seed=sweep.seed,
        arms=tuple(dict.fromkeys(arms)),
        spaces=dict(zip(arms, sweep.spaces, strict=False)),
        baselines=_baselines(arms, sweep),
        trials=_trials(arms, sweep),
        configs=dict(zip(arms, sweep.configs, strict=False)),
        budget=sweep.budget,
        compares=sweep.compares,
        settled=asdict(sweep.settled),
        versions=sweep.versions,
        search_path=tuple(sweep.search_path),
        steps=sweep.steps,
        data=dict(zip(arms, sweep.data, strict=False)),
        command=sweep.command,
        confirm=tuple(sweep.seeds.get("confirm", ())),
        looks=tuple(sweep.looks),
        margin=sweep.margin,
        exploratory=sweep.exploratory,
        resample=sweep.resample,
        sparsest=tuple(arm for arm, on in zip(arms, sweep.sparsest, strict=False) if on),
        ablated={a: tuple(k) for a, k in zip(arms, sweep.ablated, strict=False) if k},
    )


def _baselines(arms: tuple[str, ...], sweep: SweepFile) -> dict[str, str]:
    """Each arm's baseline; older files name one for all arms."""
    if not sweep.compares:
        return {}
    named = sweep.baselines or [sweep.baseline] * len(arms)
    if None in named:
        named = [arms[place] for place in default_baselines(sweep.arms)]
    return dict(zip(arms, map(str, named), strict=False))


def _trials(arms: tuple[str, ...], sweep: SweepFile) -> dict[str, int]:
    """The trials that were planned; older files do not say how many points a grid has."""
    planned: Sequence[int] = sweep.trials
    n_trials = sweep.budget.get("n_trials")
    if not planned and n_trials and not str(sweep.sampler.get("_target_")).endswith(".GridSampler"):
        planned = [int(n_trials) if space else 1 for space in sweep.spaces]
    return dict(zip(arms, planned, strict=False))
