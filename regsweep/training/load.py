"""The data that a run names, loaded once a process, and what is known of them."""

from regsweep.data.dataset import Dataset, load_dataset
from regsweep.data.facts import Facts
from regsweep.settings.data import Data


def facts_of(data: Data) -> Facts:
    """What a network, a step and a report need to know of ``data``."""
    return data.facts


def load_data(data: Data, *, test: bool) -> Dataset:
    """The examples that ``data`` names, with the test part where ``test`` says so."""
    return load_dataset(
        data.name,
        data.root,
        validation_size=data.validation_size,
        train_size=data.train_size,
        split_seed=data.split_seed,
        test=test,
    )
