"""What a sweep does: its arms, its budget, its rounds, and the folder of every run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from omegaconf import DictConfig, OmegaConf

from regsweep.compare.trials import trials_asked
from regsweep.errors import InputError, bad_value, nearest
from regsweep.records.arm import arm_name
from regsweep.records.baselines import default_baselines
from regsweep.records.record import Role
from regsweep.records.sweep_file import Resample
from regsweep.report.tables.looks import LookPlan, planned_looks
from regsweep.report.tables.override import spelled
from regsweep.settings.checks import fraction, one_of, whole
from regsweep.settings.regularizer import INGREDIENTS, Cocktail
from regsweep.settings.run import HIGHEST_SEED
from regsweep.sweep.arms import Arm
from regsweep.sweep.sweep import Sweep

# Confirm seeds lie so far above the seed of the sweep, and search seeds below them.
CONFIRM_OFFSET = 10_000
ROWS_SEED = "data.rows_seed"
MOST_SEEDS = 1_000_000

# What the jobs of a sweep say goes to their own logs; the sweep says how it goes.
QUIET = "hydra/job_logging=file"
LOUD = "plain"  # the default, which QUIET stands for in a sweep


@dataclass(frozen=True)
class Budget:
    """What every arm gets: trials, runs of different seeds a trial, fresh seeds to confirm.

    ``n_trials`` is ``None`` where arms are given different numbers.

    Several ``finalists``, its best trials, are run again on ``finalist_seeds`` seeds more, and one
    of them wins. The winner gets ``confirm_seeds``, and more, up to ``max_confirm_seeds``, until
    its arm is decided.

    ``n_jobs`` trials make a round, dealt over the arms in turn; more than ``max_failure_rate``
    of all trials failed or diverged end the sweep.
    """

    n_trials: int | None
    n_jobs: int
    replicates: int
    finalists: int
    finalist_seeds: int
    confirm_seeds: int
    max_confirm_seeds: int
    max_failure_rate: float


@dataclass(frozen=True)
class Slot:
    """The place of a trial: the index of its arm, and its number in the arm's study."""

    arm: int
    number: int


@dataclass(frozen=True)
class Place:
    """What a run is part of: its stage, its trial, and its seed.

    ``role`` is why a confirm run is made, which changes nothing in it: a trial that was an arm's
    sparsest keeps its runs where it becomes the winner. ``without`` is the key of the ingredient
    that is taken out of its trial.
    """

    stage: Literal["search", "confirm"]
    slot: Slot
    seed: int
    role: Role = field(default="winner", compare=False)
    without: str | None = None


@dataclass(frozen=True)
class Plan:
    """A sweep before it starts; of each arm, the number of its trials and its baseline's name.

    A difference from a baseline matters where it is more than the share ``margin`` of its mean.
    What a confirm run draws by its seed is in ``resample``: with ``rows`` also its training and
    validation rows. ``sparsest`` says of each arm whether its sparsest trial that is as good as its
    winner is confirmed too, on the seeds of the winner, and ``ablated`` the keys of the ingredients
    that are taken out of its winner, one at a time, where they are on. ``quiet`` keeps the jobs'
    logs off the terminal; what else the user chose for them is heeded.
    """

    arms: tuple[Arm, ...]
    trials: tuple[int, ...]
    budget: Budget
    seed: int
    objective: str
    baselines: tuple[str, ...]
    margin: float | None
    confirm_from: int
    sparsest: tuple[bool, ...]
    ablated: tuple[tuple[str, ...], ...]
    resample: Resample = "seeds"
    quiet: bool = True

    @property
    def search_seeds(self) -> range:
        """The seeds of every trial."""
        return range(self.seed, self.seed + self.budget.replicates)

    @property
    def finalist_seeds(self) -> range:
        """The seeds on which finalists are run again; none where there is one finalist."""
        first = self.search_seeds.stop
        more = self.budget.finalist_seeds if self.budget.finalists > 1 else 0
        return range(first, first + more)

    @property
    def confirm_seeds(self) -> range:
        """The fresh seeds of the arms' winners."""
        return range(self.confirm_from, self.confirm_from + max(self.looks, default=0))

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of seeds at which arms are judged."""
        return planned_looks(self.budget.confirm_seeds, self.budget.max_confirm_seeds)

    @property
    def look_plan(self) -> LookPlan:
        """What was planned of the confirm stage, by the names of the arms."""
        names = [arm.name for arm in self.arms]
        baselines = dict(zip(names, self.baselines, strict=True))
        return LookPlan(tuple(self.confirm_seeds), self.looks, baselines, self.margin)

    @property
    def search_runs(self) -> int:
        """The number of runs of the search, if as many trials complete as there are finalists."""
        finalists = sum(min(self.budget.finalists, one) for one in self.trials if one > 1)
        again = finalists * len(self.finalist_seeds)
        return sum(self.trials) * self.budget.replicates + again

    @property
    def confirm_runs(self) -> int:
        """The number of runs up to the first look, if every arm has a winner."""
        return len(self.arms) * self.budget.confirm_seeds

    @property
    def most_confirm_runs(self) -> int:
        """The number of runs up to the last look, if no arm is decided before."""
        settings = len(self.arms) + sum(self.sparsest) + sum(map(len, self.ablated))
        return settings * max(self.looks, default=0)

    def rounds(self) -> list[tuple[Slot, ...]]:
        """The trials of each round: ``n_jobs`` at a time, dealt over the arms in turn.

        More trials of every arm, or of those that have most, add rounds behind, and change none
        before.
        """
        dealt = [
            Slot(arm, number)
            for number in range(max(self.trials))
            for arm, trials in enumerate(self.trials)
            if number < trials
        ]
        size = self.budget.n_jobs
        return [tuple(dealt[i : i + size]) for i in range(0, len(dealt), size)]

    def folder(self, place: Place) -> str:
        """The folder of a run, relative to the sweep's: ``search/regularizer=l1/7-0``."""
        slot = place.slot
        run = f"{slot.number}-{place.seed}{_suffix(place)}"
        return f"{place.stage}/{_label(self.arms[slot.arm])}/{run}"

    def overrides(self, place: Place, params: Sequence[str]) -> list[str]:
        """What the job of a run is given; ``params`` are the overrides of its searched keys."""
        arm = self.arms[place.slot.arm]
        rows = place.stage == "confirm" and self.resample == "rows"
        drawn = ("seed", ROWS_SEED) if rows else ("seed",)
        left_out = (place.without,) if place.without else ()
        # Interpolations, so that the jobs of an arm differ in numbers alone: composed once.
        folder = f"${{run.stage}}/{_label(arm)}/${{run.trial}}-${{seed}}{_suffix(place)}"
        replaced = (*drawn, *left_out)
        given = (*arm.overrides, *params)
        return [
            *(x for x in given if x.lstrip("+").partition("=")[0] not in replaced),
            *(f"{key}=null" for key in left_out),
            *(f"{key}={place.seed}" for key in drawn),
            f"run.stage={place.stage}",
            f"run.arm={spelled(arm.choices)}",
            f"run.trial={place.slot.number}",
            *(() if place.role == "winner" else (f"run.role={place.role}",)),
            *((QUIET,) if self.quiet else ()),
            f"hydra.sweep.subdir={spelled(folder)}",
        ]


def _suffix(place: Place) -> str:
    return f"-without-{place.without.rpartition('.')[2]}" if place.without else ""


def _label(arm: Arm) -> str:
    return arm.name.replace("/", "_").replace(" ", ",")


def read_plan(config: DictConfig, sweep: Sweep, trials: Sequence[int]) -> Plan:
    """The plan that the sweeper's settings ask for, each of them checked.

    Raises:
        InputError: a setting is out of range, or there is no such baseline.
    """
    sweeper = config.hydra.sweeper
    budget = Budget(
        n_trials=_common_number(sweeper.n_trials, sweep.arms),
        n_jobs=sweeper.n_jobs,
        replicates=sweeper.replicates,
        finalists=sweeper.finalists,
        finalist_seeds=sweeper.finalist_seeds,
        confirm_seeds=sweeper.confirm_seeds,
        max_confirm_seeds=sweeper.max_confirm_seeds,
        max_failure_rate=sweeper.max_failure_rate,
    )
    whole("hydra.sweeper.replicates", budget.replicates, low=1, high=CONFIRM_OFFSET)
    whole("hydra.sweeper.finalists", budget.finalists, low=1, high=MOST_SEEDS)
    # Below the seeds that confirm.
    left = CONFIRM_OFFSET - budget.replicates if budget.finalists > 1 else MOST_SEEDS
    whole("hydra.sweeper.finalist_seeds", budget.finalist_seeds, low=1, high=left)
    for key in ("confirm_seeds", "max_confirm_seeds"):
        whole(f"hydra.sweeper.{key}", getattr(budget, key), low=0, high=MOST_SEEDS)
    if sweeper.margin is not None:
        fraction("hydra.sweeper.margin", sweeper.margin)
        if sweeper.margin == 0:
            raise bad_value("hydra.sweeper.margin", 0, "a share above 0, or null for no margin")
    fraction("hydra.sweeper.max_failure_rate", budget.max_failure_rate)
    if sweeper.custom_search_space is not None:
        raise bad_value(
            "hydra.sweeper.custom_search_space",
            sweeper.custom_search_space,
            "null: every arm is searched by the search nodes of its config",
        )
    given = OmegaConf.to_container(config.hydra.overrides.hydra, resolve=False)
    for line in map(str, given or ()):
        if line.lstrip("+").startswith("hydra.sweep.subdir="):
            raise InputError(f"{line}: compare names the folders of its runs itself; leave it out")
    one_of("hydra.sweeper.resample", sweeper.resample, get_args(Resample))
    arms = sweep.arms
    names = [arm.name for arm in arms]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{name}: named twice; an arm is compared once")
    labels = [_label(arm) for arm in arms]
    for name, label in zip(names, labels, strict=True):
        if labels.count(label) > 1:
            raise InputError(f"{name}: another arm's runs are in {label} too; rename a choice")
    _refuse_unequal(arms)
    seed, objective = arms[0].config["seed"], arms[0].config["objective"]
    whole("seed", seed, low=0, high=HIGHEST_SEED - CONFIRM_OFFSET - MOST_SEEDS)
    confirm_from = sweeper.confirm_from
    if confirm_from is not None:
        first = seed + CONFIRM_OFFSET
        whole("hydra.sweeper.confirm_from", confirm_from, low=first, high=HIGHEST_SEED - MOST_SEEDS)
    baselines = _baselines(sweeper, arms)
    quiet = config.hydra.runtime.choices.get("hydra/job_logging") == LOUD
    return Plan(
        arms=arms,
        trials=tuple(trials),
        budget=budget,
        seed=seed,
        objective=objective,
        baselines=baselines,
        margin=sweeper.margin,
        confirm_from=seed + CONFIRM_OFFSET if confirm_from is None else confirm_from,
        resample=sweeper.resample,
        sparsest=_sparsest(sweeper, arms),
        ablated=_ablated(sweeper, arms),
        quiet=quiet,
    )


def _common_number(n_trials: Any, arms: Sequence[Arm]) -> int | None:
    """The trials that every arm with something to search is given, if that is one number."""
    asked = trials_asked(n_trials, arms)
    numbers = {number for arm, number in zip(arms, asked, strict=True) if arm.space} or {*asked}
    return numbers.pop() if len(numbers) == 1 else None


def _sparsest(sweeper: DictConfig, arms: Sequence[Arm]) -> tuple[bool, ...]:
    """Of which arms the sparsest trial is confirmed too: by default of those that give zeros."""
    asked = sweeper.sparsest
    if asked and sweeper.margin is None:
        raise bad_value(
            "hydra.sweeper.sparsest", True, "null or false, or a hydra.sweeper.margin to be within"
        )
    if sweeper.margin is None or not sweeper.confirm_seeds:
        return (False,) * len(arms)
    return tuple(bool(arm.space) and (gives_zeros(arm) if asked is None else asked) for arm in arms)


def _ablated(sweeper: DictConfig, arms: Sequence[Arm]) -> tuple[tuple[str, ...], ...]:
    """The keys of what some trial of each arm may have on, where ingredients are taken out."""
    if not sweeper.ablate:
        return ((),) * len(arms)
    found = tuple(_ingredients(arm) for arm in arms)
    if not any(found):
        raise bad_value(
            "hydra.sweeper.ablate",
            True,
            "false, or regularizer=cocktail among the arms, whose ingredients are taken out",
        )
    if not sweeper.confirm_seeds:
        raise bad_value(
            "hydra.sweeper.ablate",
            True,
            "false, or a hydra.sweeper.confirm_seeds above 0 to compare them on",
        )
    return found


def _ingredients(arm: Arm) -> tuple[str, ...]:
    if not any(isinstance(run.regularizer, Cocktail) for run in arm.runs):
        return ()
    keys = (one.key for one in INGREDIENTS)
    return tuple(key for key in keys if key in arm.space or arm.config[key] is not None)


def gives_zeros(arm: Arm) -> bool:
    """Whether any run of the arm has weights that become exactly 0."""
    return any(run.regularizer.coefficients().gives_zeros for run in arm.runs)


def _refuse_unequal(arms: Sequence[Arm]) -> None:
    """Refuse arms that differ in what they are judged on, or in their epochs.

    The command line sweeps none of these over arms; experiments may.
    """
    first = arms[0]
    for arm in arms:
        for line in arm.overrides:
            if line.startswith("run."):
                raise InputError(f"{line}: set by the sweeper; leave it out")
        for key, value in first.config.items():
            comparable = key in ("seed", "objective", "trainer.epochs") or key.startswith("data.")
            searched = key in first.space and key in arm.space
            if comparable and not searched and arm.config[key] != value:
                raise InputError(
                    f"{key}: {value} in {first.name}, but {arm.config[key]} in {arm.name}; "
                    "arms are compared on equal terms"
                )


def _baselines(sweeper: DictConfig, arms: Sequence[Arm]) -> tuple[str, ...]:
    """The name of each arm's baseline: the arm asked for is everyone's."""
    asked = sweeper.baseline
    if asked is None:
        return tuple(arms[place].name for place in default_baselines([a.choices for a in arms]))
    if OmegaConf.is_config(asked):
        asked = arm_name({str(group): str(choice) for group, choice in asked.items()})
    for arm in arms:
        if asked in (arm.name, *_short(arm, arms)):
            return (arm.name,) * len(arms)
    hint = nearest(str(asked), [arm.name for arm in arms])
    raise InputError(f"hydra.sweeper.baseline={asked}: no such arm; {hint}")


def _short(arm: Arm, arms: Sequence[Arm]) -> list[str]:
    """The choices that name ``arm`` alone."""
    others: list[Mapping[str, str]] = [other.choices for other in arms if other is not arm]
    return [
        choice
        for group, choice in arm.choices.items()
        if all(other.get(group) != choice for other in others)
    ]
