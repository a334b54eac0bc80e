"""The trials of a sweep in an Optuna storage: to be looked at, and written anew where they differ.

Nothing that a storage holds decides what is tried next: the records do. So it is written while runs
train, when the process that leads them has nothing else to do.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
        # What is to be shown and is not written yet.
        self.waiting: dict[str, Sequence[FrozenTrial]] = {}
        for name in names:
            self.keep(name, [])

    def show(self, name: str, trials: Sequence[FrozenTrial]) -> None:
        """Have the study ``name`` begin with ``trials``, once that is written."""
        self.waiting[name] = trials

    def write(self, until: Callable[[], bool] = lambda: False) -> None:
        """Write what is to be shown, trial by trial, ``until`` there is something else to do."""
        for name in list(self.waiting):
            trials = self.waiting[name]
            self.keep(name, trials, until)
            if until():
                return
            del self.waiting[name]

    @contextmanager
    def written_meanwhile(self) -> Iterator[None]:
        """Write in a thread while something else is done, and no longer than that takes.

        What is left is written another time.

        Raises:
            MachineFault: the storage does not answer.
        """
        over, failed = threading.Event(), []

        def write() -> None:
            try:
                self.write(over.is_set)
            except Exception as error:
                failed.append(error)

        # Whatever ends this process does not wait for it.
        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
        thread.join()
        for error in failed:
            raise error

    def keep(
        self,
        name: str,
        trials: Sequence[FrozenTrial],
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Have the study ``name`` begin with ``trials``; where they are not its own, anew.

        Not all of them where ``until`` says so first.
        """
        self.storage.insist(lambda: self._keep(name, trials, until))

    def _keep(self, name: str, trials: Sequence[FrozenTrial], until: Callable[[], bool]) -> None:
        # Put back at the end: what a change that failed midway has left is read again.
        study, held = self.known.pop(name) if name in self.known else self._open(name)
        if any(_contradicts(*pair) for pair in zip(held, trials, strict=False)):
            log.info("%s: the Optuna study is built anew from the records", name)
            optuna.delete_study(study_name=name, storage=self.storage.optuna)
            study, held = self._open(name)
        for number, trial in enumerate(trials):
            if until():
                break
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
