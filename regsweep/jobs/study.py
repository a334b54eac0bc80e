"""The study of a command, for the workers of every launcher: Hydra hands its singletons to them."""

from hydra.core.singleton import Singleton

from regsweep.settings.own import Study


class StudyOfTheCommand(metaclass=Singleton):
    """The study file that the command was started with, if any."""

    def __init__(self) -> None:
        self.study: Study | None = None


def lead_by(study: Study | None) -> None:
    """Take note of the ``study`` that this process runs, for all that work for it."""
    if study is not None:
        study.begin()
    StudyOfTheCommand.instance().study = study


def load_study() -> None:
    """Have the functions of the study of the command, if it has one.

    Raises:
        InputError, MachineFault: it cannot be loaded.
    """
    study: Study | None = StudyOfTheCommand.instance().study
    if study is not None:
        study.load()
