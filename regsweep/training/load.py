"""The data that a run names, loaded once for a process or all of a sweep; what is known of them."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np

from regsweep.data.dataset import Dataset, load_dataset
from regsweep.data.facts import Facts
from regsweep.data.own import Decode, Encode, Given, Loaded, bare, decoder, divided
from regsweep.data.own_file import read_file, stamp
from regsweep.data.shared import held_once, is_shared
from regsweep.records.task import LossChoice
from regsweep.settings.data import Data, Own, OwnData, Published, ScikitLearn, Table, Torchvision


def facts_of(data: Data, loss: LossChoice = "auto") -> Facts:
    """What a network, a step and a report need to know of ``data``, whose task ``loss`` settles.

    Raises:
        InputError: the data cannot be used; the message says what is wrong with them.
    """
    return data.facts if isinstance(data, Published) else _facts(data, loss, _stamps(data))


def load_data(data: Data, loss: LossChoice = "auto", *, test: bool) -> Dataset:
    """The examples that ``data`` names, with the test part where ``test`` says so.

    The targets are those of the task that ``loss`` settles.

    Raises:
        InputError: the data cannot be used; the message says what is wrong with them.
    """
    if not isinstance(data, Published):
        dataset, _ = _examples(data, loss, _stamps(data))
        return dataset if test else replace(dataset, test=None)
    return load_dataset(
        data.name,
        data.root,
        validation_size=data.validation_size,
        train_size=data.train_size,
        split_seed=data.split_seed if data.rows_seed is None else data.rows_seed,
        test=test,
    )


def targets_drawn(data: Own, loss: LossChoice, rows_seeds: Iterable[int]) -> Iterator[Dataset]:
    """The targets, without the inputs, that each of ``rows_seeds`` draws of ``data``, in turn.

    Raises:
        InputError: the rows cannot be divided so; the message says what is wrong with them.
    """
    given = bare(_given(data, loss))
    for seed in rows_seeds:
        yield divided(given, replace(data.sizes, rows_seed=seed)).dataset


def codec_of(data: Data, loss: LossChoice = "auto") -> tuple[Encode, Decode]:
    """What makes inputs of raw ones, and what is predicted of outputs, by rows like ``data``'s.

    What they are fitted to are the training rows. Raises as ``load_data``.
    """
    if isinstance(data, Published):
        return np.asarray, decoder(())
    loaded = _loaded(data, loss, _stamps(data))
    return loaded.encode, loaded.decode


def _stamps(data: Own) -> Hashable:
    return tuple(stamp(path) for path in data.files.values())


@lru_cache(maxsize=1024)
def _facts(data: Own, loss: LossChoice, stamps: Hashable) -> Facts:
    """What is known of ``data``, also where the examples are no longer held."""
    return _examples(data, loss, stamps)[1]


def _examples(data: Own, loss: LossChoice, stamps: Hashable) -> tuple[Dataset, Facts]:
    if is_shared():
        return _shared(data, loss, stamps)
    loaded = _loaded(data, loss, stamps)
    return loaded.dataset, loaded.facts


@lru_cache(maxsize=2)
def _shared(data: Own, loss: LossChoice, stamps: Hashable) -> tuple[Dataset, Facts]:
    """The examples of ``data``, and what is known of them, held once for all of a sweep."""

    def load() -> tuple[Dataset, Facts]:
        loaded = divided(_given(data, loss), data.sizes)
        return loaded.dataset, loaded.facts

    study = data.study if isinstance(data, OwnData) else None
    return held_once((data, loss, stamps, study and study.sources), load)


@lru_cache(maxsize=2)
def _loaded(data: Own, loss: LossChoice, stamps: Hashable) -> Loaded:
    """``data``, read again where the ``stamps`` of its files are others."""
    return divided(_given(data, loss), data.sizes)


def _given(data: Own, loss: LossChoice) -> Given:
    if isinstance(data, ScikitLearn):
        from regsweep.data.bundled import read_bundled  # loads scikit-learn

        return read_bundled(data.dataset, loss)
    if isinstance(data, Torchvision):
        from regsweep.data.vision import read_vision  # loads torchvision

        return read_vision(data.dataset, data.root)
    if isinstance(data, OwnData):
        from regsweep.data.function import read_function  # loads pandas

        return read_function(data.name, data.function, data.keywords, data.start, loss)
    files = {key: read_file(key, path) for key, path in data.files.items()}
    if isinstance(data, Table):
        from regsweep.data.table import read_table  # loads pandas and scikit-learn

        return read_table(
            files["data.path"],
            files.get("data.test_path"),
            data.target,
            data.columns,
            data.group,
            loss,
        )
    from regsweep.data.arrays import read_arrays  # loads pandas

    return read_arrays(files["data.path"], loss)
