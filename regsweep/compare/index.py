"""The trials of a sweep in an Optuna storage: to be looked at, and written anew where they differ.

Nothing that a storage holds decides what is tried next: the records do.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, create_trial

from regsweep.compare.storage import Storage
from regsweep.errors import InputError

log = logging.getLogger(__name__)


class Index:
    """A study of each of ``names`` in ``storage``.

    In a storage that other sweeps use too, they are marked with the ``folder`` of this one, and
    those of another are left alone.

    Raises:
        InputError: the storage holds a study of that name, of another folder.
        MachineFault: the storage does not answer, here or later.
    """

    def __init__(self, storage: Storage, names: Sequence[str], folder: Path | None = None) -> None:
        self.storage, self.names = storage, names
        self.folder = folder and str(folder.resolve())
        # Each study with the trials that it is known to hold.
        self.known: dict[str, tuple[optuna.Study, list[FrozenTrial]]] = {}
        for name in names:
            self.keep(name, [])

    def keep(self, name: str, trials: Sequence[FrozenTrial]) -> None:
        """Have the study ``name`` begin with ``trials``; where they are not its own, anew."""
        self.storage.insist(lambda: self._keep(name, trials))

    def _keep(self, name: str, trials: Sequence[FrozenTrial]) -> None:
        # Put back at the end: what a change that failed midway has left is read again.
        study, held = self.known.pop(name) if name in self.known else self._open(name)
        if any(_contradicts(*pair) for pair in zip(held, trials, strict=False)):
            log.info("%s: the Optuna study is built anew from the records", name)
            optuna.delete_study(study_name=name, storage=self.storage.optuna)
            study, held = self._open(name)
        for number, trial in enumerate(trials):
            if number == len(held):
                study.add_trial(_plain(trial))
                held.append(trial)
            elif trial.state.is_finished() and not held[number].state.is_finished():
                study.tell(number, trial.value, state=trial.state, skip_if_finished=True)
                held[number] = trial
        self.known[name] = study, held

    def _open(self, name: str) -> tuple[optuna.Study, list[FrozenTrial]]:
        study = optuna.create_study(
            study_name=name,
            storage=self.storage.optuna,
            sampler=RandomSampler(),
            direction="minimize",
            load_if_exists=True,
        )
        held = study.trials
        if self.folder is not None:
            owner = study.user_attrs.get("folder", "another sweep" if held else self.folder)
            if owner != self.folder:
                raise InputError(
                    f"hydra.sweeper.storage: it holds a study {name!r} of {owner}; "
                    "take another hydra.sweeper.study_name"
                )
            study.set_user_attr("folder", self.folder)
        return study, held


def _contradicts(held: FrozenTrial, trial: FrozenTrial) -> bool:
    """Whether a trial that is held cannot become ``trial`` by being told."""
    if held.params != trial.params:
        return True
    ended = (held.state, held.value) == (trial.state, trial.value)
    return held.state.is_finished() and trial.state.is_finished() and not ended


def _plain(trial: FrozenTrial) -> FrozenTrial:
    """The trial without what its sampler keeps with it."""
    return create_trial(
        state=trial.state,
        value=trial.value,
        params=trial.params,
        distributions=trial.distributions,
    )
