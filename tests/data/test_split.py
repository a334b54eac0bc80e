import pytest
import torch

from regsweep.data.parts import divide, stopping_half
from regsweep.data.sizes import Sizes
from regsweep.data.split import stratified_split
from regsweep.errors import InputError

EVEN = torch.arange(10).repeat_interleave(40)
# Classes of 1, 2, 3, 50 and 344 examples, in mixed order.
UNEVEN = torch.repeat_interleave(torch.arange(5), torch.tensor([1, 2, 3, 50, 344]))[
    torch.randperm(400, generator=torch.Generator().manual_seed(1))
]


@pytest.mark.parametrize("labels", [EVEN, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize(
    ("validation_size", "train_size"),
    [(0, None), (0, 399), (1, None), (100, None), (133, 77), (7, 10), (390, None), (390, 10)],
)
def test_sizes_are_exact_and_every_class_is_trained(labels, validation_size, train_size):
    train, validation = stratified_split(labels, validation_size, train_size, 0)
    assert len(validation) == validation_size
    assert len(train) == (400 - validation_size if train_size is None else train_size)
    assert not set(train.tolist()) & set(validation.tolist())
    assert set(labels[train].tolist()) == set(labels.tolist())
    for indices in (train, validation):
        assert indices.dtype == torch.int64
        assert indices.tolist() == sorted(set(indices.tolist()))


def test_classes_keep_their_shares():
    labels = torch.repeat_interleave(torch.arange(3), torch.tensor([60, 100, 240]))
    train, validation = stratified_split(labels, 101, 50, 0)
    # Shares 15.15, 25.25, 60.6 and, of what is left, 7.525, 12.54, 29.93.
    assert torch.bincount(labels[validation]).tolist() == [15, 25, 61]
    assert torch.bincount(labels[train]).tolist() == [7, 13, 30]


def test_the_training_size_does_not_move_the_validation_set():
    everything, of_all = stratified_split(UNEVEN, 100, None, 3)
    some, of_some = stratified_split(UNEVEN, 100, 50, 3)
    assert torch.equal(of_all, of_some)
    assert set(some.tolist()) < set(everything.tolist())


def test_a_split_depends_on_its_own_seed_alone():
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = stratified_split(EVEN, 100, None, 0)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    again = stratified_split(EVEN, 100, None, 0)
    other = stratified_split(EVEN, 100, None, 1)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])


@pytest.mark.parametrize(
    ("validation_size", "train_size", "key"),
    [
        (391, None, "data.validation_size=391"),
        (-1, None, "data.validation_size=-1"),
        (0, 9, "data.train_size=9"),
        (100, 301, "data.train_size=301"),
    ],
)
def test_impossible_sizes_are_refused_by_name(validation_size, train_size, key):
    with pytest.raises(InputError, match=key):
        stratified_split(EVEN, validation_size, train_size, 0)


CLASSES = tuple(map(str, range(10)))
# Of 6 to 14 rows, of mixed classes.
GROUPS = torch.repeat_interleave(torch.arange(45), torch.arange(45) % 9 + 6)[
    torch.randperm(450, generator=torch.Generator().manual_seed(1))
][:400]


def drawn(rows_seed, groups=None, train=None):
    sizes = Sizes(train, 0.25, 0.2, seed=0, rows_seed=rows_seed)
    return divide(EVEN, CLASSES, sizes, "y", test=True, groups=groups)


@pytest.mark.parametrize("train", [None, 100])
@pytest.mark.parametrize("groups", [None, GROUPS], ids=["rows", "groups"])
def test_a_rows_seed_draws_what_trains_and_validates_and_leaves_what_tests(groups, train):
    default = drawn(None, groups, train)
    found = [drawn(seed, groups, train) for seed in range(5)]

    for one in found:
        assert torch.equal(one.test, default.test)
        parts = [set(part.tolist()) for part in (one.train, one.validation, one.test)]
        assert not parts[0] & parts[1]
        assert not (parts[0] | parts[1]) & parts[2]
        if train is None:
            assert set.union(*parts) == set(range(400))
        assert len(one.validation) == pytest.approx(len(default.validation), abs=9)
        if groups is not None:
            kept = [set(groups[part].tolist()) for part in (one.train, one.validation, one.test)]
            assert not kept[0] & kept[1]
            assert not (kept[0] | kept[1]) & kept[2]
    for part in ("train", "validation"):
        assert len({tuple(getattr(one, part).tolist()) for one in found}) == 5
    again = drawn(4, groups, train)
    assert torch.equal(again.train, found[4].train)
    if groups is None:  # of which a seed alone decides
        assert torch.equal(found[0].train, default.train)
        assert torch.equal(found[0].validation, default.validation)


@pytest.mark.parametrize("labels", [EVEN, UNEVEN, UNEVEN[:301]], ids=["even", "uneven", "odd"])
def test_half_of_the_validation_rows_stop_of_each_class_as_many(labels):
    half = stopping_half(labels, 3)

    assert half.sum() == len(labels) // 2
    all_counts = torch.bincount(labels)
    counts = torch.bincount(labels[half], minlength=len(all_counts))
    assert ((counts - all_counts / 2).abs() <= 0.5).all()
    assert torch.equal(stopping_half(labels, 3), half)
    assert not torch.equal(stopping_half(labels, 4), half)


@pytest.mark.parametrize("large_first", [True, False])
def test_no_group_both_stops_and_judges(large_first):
    half = stopping_half(EVEN, 0, GROUPS, large_first=large_first)

    assert not {*GROUPS[half].tolist()} & {*GROUPS[~half].tolist()}
    assert int(half.sum()) == pytest.approx(200, abs=10)
    assert torch.bincount(EVEN[half]).tolist() == pytest.approx([20] * 10, abs=6)


def test_rows_of_one_group_have_no_halves():
    assert not stopping_half(EVEN, 0, torch.zeros(400, dtype=torch.int64)).any()
