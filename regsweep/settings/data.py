"""Which data a run learns from, and how they are split."""

from dataclasses import dataclass

from regsweep.data.source import SOURCES, Source, check_sizes
from regsweep.errors import bad_value
from regsweep.settings.checks import one_of, whole


@dataclass(frozen=True)
class Data:
    """A data set, its folder, and the sizes and seed of its stratified split.

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
    def train_count(self) -> int:
        """How many examples are trained on."""
        left = self.source.train_examples - self.validation_size
        return left if self.train_size is None else self.train_size
