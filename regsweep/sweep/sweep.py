"""What a sweep will do, known before its first job."""

from collections.abc import Mapping
from dataclasses import dataclass

from omegaconf import DictConfig

from regsweep import called
from regsweep.records.settled import Settled
from regsweep.records.sweep_file import SweepFile
from regsweep.settings.run import Run, fusible
from regsweep.sweep.arms import Arm
from regsweep.sweep.machine import sources_of, stored_data


@dataclass(frozen=True)
class Sweep:
    """What a sweep will do: the overrides that ask for it, its arms, and its jobs.

    ``jobs`` is their number, ``round`` the most that the sweeper hands over at once; ``None``
    under a sweeper that decides for itself. ``search_path`` are the places of configs that the
    command line names, by ``--config-dir`` or ``hydra.searchpath``.
    """

    overrides: tuple[str, ...]
    arms: tuple[Arm, ...]
    jobs: int | None
    round: int | None
    search_path: tuple[str, ...] = ()

    @property
    def searched(self) -> tuple[str, ...]:
        """The keys that the sweep varies, each once."""
        return tuple(dict.fromkeys(key for arm in self.arms for key in arm.space))

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs that the sweep may try."""
        return tuple(run for arm in self.arms for run in arm.runs)

    @property
    def unlisted(self) -> int:
        """How many kinds of runs, each with a step of its own to compile, ``runs`` leaves out."""
        return sum({frozenset(map(fusible, arm.runs)): arm.unlisted for arm in self.arms}.values())


def fewest_steps(sweep: Sweep) -> int:
    """The optimizer's steps in the shortest run that the sweep may try."""
    from regsweep.training.load import facts_of  # loads PyTorch

    return min(run.steps(facts_of(run.data, run.loss).train) for run in sweep.runs)


def sweep_file_of(
    sweep: Sweep, config: DictConfig, settled: Settled, versions: Mapping[str, str]
) -> SweepFile:
    """What ``sweep.json`` says of the sweep ``config``, whatever its sweeper is."""
    study = sources_of(sweep.runs)
    return SweepFile(
        overrides=sweep.overrides,
        sweeper=config.hydra.runtime.choices["hydra/sweeper"],
        arms=tuple(arm.choices for arm in sweep.arms),
        searched=sweep.searched,
        objective=config.objective,
        seed=config.seed,
        settled=settled,
        versions=versions,
        search_path=sweep.search_path,
        steps=fewest_steps(sweep),
        data=stored_data(sweep.arms),
        study=study,
        command=called.command() if study else None,
    )
