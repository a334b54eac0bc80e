"""The data on offer, and how they are split; ``regsweep.training.load`` loads them."""

from dataclasses import dataclass, replace
from pathlib import Path

from regsweep.data.facts import Facts
from regsweep.data.source import SOURCES, Source, check_sizes
from regsweep.errors import bad_value
from regsweep.settings.checks import one_of, whole


@dataclass(frozen=True)
class Published:
    """A published data set, its folder, and the sizes and seed of its stratified split.

    ``train_size`` is a stratified subset of what the validation split leaves; ``None`` is all.
    """

    name: str
    root: str
    train_size: int | None
    validation_size: int
    split_seed: int

    def __post_init__(self) -> None:
        one_of("data", self.name, SOURCES)
        if not self.root:
            raise bad_value("data.root", "''", "a folder; is REGSWEEP_DATA set to nothing?")
        whole("data.split_seed", self.split_seed, low=0, high=2**63 - 1)
        check_sizes(self.source, self.validation_size, self.train_size)

    @property
    def source(self) -> Source:
        """The published files behind ``name``."""
        return SOURCES[self.name]

    @property
    def facts(self) -> Facts:
        """What is known of the data without a look at the files."""
        source = self.source
        left = source.train_examples - self.validation_size
        return Facts(
            shape=source.shape,
            outputs=source.outputs,
            train=left if self.train_size is None else self.train_size,
            validation=self.validation_size,
            test=source.test_examples,
        )

    def at(self, start: Path) -> "Published":
        """The same, with a root that does not depend on the folder that a process works in."""
        return replace(self, root=_absolute("data.root", self.root, start))


Data = Published

DATA: dict[str, type[Data]] = dict.fromkeys(SOURCES, Published)


def _absolute(key: str, path: str, start: Path) -> str:
    """``path``, which is relative to ``start`` where it is not absolute."""
    try:
        return str(start / Path(path).expanduser())
    except RuntimeError as error:
        raise bad_value(key, path, f"a folder ({error})") from error
