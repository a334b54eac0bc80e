"""Rows divided into training, validation and test: by class, and by group where there are any."""

from dataclasses import dataclass

import torch
from torch import Tensor

from regsweep.data.sizes import Size, Sizes, check_classes, check_test_size, count_of
from regsweep.data.source import check_split
from regsweep.data.split import stratified_split
from regsweep.errors import InputError


@dataclass(frozen=True)
class Parts:
    """Indices of rows, int64, each part sorted; ``test`` is None where it has rows of its own."""

    train: Tensor
    validation: Tensor
    test: Tensor | None


def divide(
    labels: Tensor,
    names: tuple[str, ...],
    sizes: Sizes,
    where: str,
    *,
    test: bool,
    groups: Tensor | None = None,
) -> Parts:
    """The rows of each part, ``test`` among them, with a share of each class in each.

    With ``groups``, int64 (n,), no group is in two parts, and sizes are as near as that allows:
    large groups are placed first, or, where a ``rows_seed`` draws, in the order that it says.
    ``where`` is what messages call the targets.

    Raises:
        InputError: a size is not possible, or a class or the groups are too few.
    """
    counts = torch.bincount(labels, minlength=len(names))
    check_classes(counts.tolist(), names, 1 + test + (sizes.validation > 0), where)
    rest, aside = torch.arange(len(labels)), None
    if test:
        count = check_test_size(sizes.test, len(labels), len(names))
        rest, aside = _taken(labels, count, sizes.seed, groups)
        _refuse_none("data.test_size", sizes.test, aside)
    validation_size = count_of(sizes.validation, len(rest))
    if groups is None:
        train, validation = stratified_split(
            labels[rest], validation_size, sizes.train, sizes.drawn_by
        )
        return Parts(rest[train], rest[validation], aside)
    check_split(len(rest), len(names), validation_size, sizes.train)
    train, validation = _taken(
        labels[rest],
        validation_size,
        sizes.drawn_by,
        groups[rest],
        large_first=sizes.rows_seed is None,
    )
    if validation_size:
        _refuse_none("data.validation_size", sizes.validation, validation)
    if sizes.train is not None:
        leaving = f"the groups of the other parts leave of {len(labels)} (data.group)"
        check_split(len(train), len(names), 0, sizes.train, leaving)
        kept, _ = stratified_split(labels[rest][train], 0, sizes.train, sizes.drawn_by)
        train = train[kept]
    return _with_all_classes(Parts(rest[train], rest[validation], aside), labels, names)


def stopping_half(
    labels: Tensor, seed: int, groups: Tensor | None = None, *, large_first: bool = True
) -> Tensor:
    """Which of the validation rows may stop a run, bool (n,); the others judge it.

    They are half of all and of each class, to a row. With ``groups``, int64 (n,), no group is on
    both sides, and as near to that as ``divide`` comes; none stop where it cannot come nearer.
    """
    if groups is not None:
        return torch.isin(
            groups,
            torch.tensor(
                _groups_to_take(labels, len(labels) // 2, seed, groups, large_first),
                dtype=torch.int64,
            ),
        )
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    order = order[labels[order].argsort(stable=True)]
    half = torch.zeros(len(labels), dtype=torch.bool)
    half[order[1::2]] = True
    return half


def _taken(
    labels: Tensor, count: int, seed: int, groups: Tensor | None, *, large_first: bool = True
) -> tuple[Tensor, Tensor]:
    """The indices that are left, and about ``count`` that are taken."""
    if groups is None:
        return stratified_split(labels, count, None, seed)
    taken = torch.isin(
        groups, torch.tensor(_groups_to_take(labels, count, seed, groups, large_first))
    )
    return torch.nonzero(~taken).squeeze(1), torch.nonzero(taken).squeeze(1)


def _refuse_none(key: str, size: Size, part: Tensor) -> None:
    if len(part) == 0:
        raise InputError(
            f"data.group: no group is small enough for {key}={size}; expected more groups"
        )


def _groups_to_take(
    labels: Tensor, count: int, seed: int, groups: Tensor, large_first: bool
) -> list[int]:
    """Groups whose rows come near to the share of each class in ``count``.

    Where large ones go first, seeds decide between groups of a size alone.
    """
    if count == 0:
        return []
    known, places = torch.unique(groups, return_inverse=True)
    classes = int(labels.max()) + 1
    table = torch.bincount(places * classes + labels, minlength=len(known) * classes)
    table = table.view(len(known), classes).double()
    wanted = table.sum(0) * count / len(labels)
    order = torch.randperm(len(known), generator=torch.Generator().manual_seed(seed))
    if large_first:
        order = order[table.sum(1)[order].argsort(descending=True, stable=True)]
    taken, filled = [], torch.zeros(classes, dtype=torch.float64)
    for group in order.tolist():
        fuller = filled + table[group]
        if (fuller - wanted).norm() < (filled - wanted).norm():
            taken.append(group)
            filled = fuller
    return [int(known[place]) for place in taken]


def _with_all_classes(parts: Parts, labels: Tensor, names: tuple[str, ...]) -> Parts:
    """``parts``, which leave all classes to train on."""
    lacking = sorted({*range(len(names))} - {*labels[parts.train].tolist()})
    if lacking:
        raise InputError(
            f"data.group: groups kept whole leave no row of {names[lacking[0]]} to train on; "
            "expected more groups, or smaller parts"
        )
    return parts
