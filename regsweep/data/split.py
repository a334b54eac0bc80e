"""Stratified training and validation examples: the same for every run of a split seed."""

import torch
from torch import Tensor

from regsweep.data.source import check_split


def stratified_split(
    labels: Tensor, validation_size: int, train_size: int | None, split_seed: int
) -> tuple[Tensor, Tensor]:
    """Indices (training, validation) into `labels`: int64, each sorted, disjoint, exact in size.

    Every class has its share of both up to rounding, and at least one training example. The
    validation indices depend on (labels, validation_size, split_seed) alone. `train_size` None
    takes all that the validation split leaves. InputError names the size that is not possible.
    """
    counts = torch.bincount(labels)
    check_split(len(labels), int((counts > 0).sum()), validation_size, train_size)
    # The shares of what is left are settled first, as it is they that must not be empty.
    left = _shares(counts, len(labels) - validation_size)
    kept = left if train_size is None else _shares(left, train_size)

    generator = torch.Generator().manual_seed(split_seed)
    train, validation = [], []
    for label, (count, rest, keep) in enumerate(zip(counts, left, kept, strict=True)):
        members = torch.nonzero(labels == label).squeeze(1)
        members = members[torch.randperm(len(members), generator=generator)]
        first = int(count - rest)
        validation.append(members[:first])
        train.append(members[first : first + int(keep)])
    return torch.cat(train).sort().values, torch.cat(validation).sort().values


def _shares(counts: Tensor, size: int) -> Tensor:
    """`size` divided among the classes in proportion to their counts, by largest remainder.

    Where `size` allows it, no class that has examples gets none. counts: int64 (classes,).
    """
    total = int(counts.sum())
    shares = counts * size // total
    remainders = counts * size % total
    by_remainder = remainders.argsort(descending=True, stable=True)
    shares[by_remainder[: size - int(shares.sum())]] += 1
    for label in torch.nonzero((shares == 0) & (counts > 0)).squeeze(1):
        largest = shares.argmax()
        if shares[largest] > 1:
            shares[largest] -= 1
            shares[label] += 1
    return shares
