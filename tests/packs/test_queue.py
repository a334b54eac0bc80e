from concurrent.futures import BrokenExecutor, Future
from dataclasses import replace
from functools import partial
from itertools import count

import faulty
import pytest

from regsweep.errors import MachineFault
from regsweep.packs.engines.choice import LOCAL
from regsweep.packs.engines.in_process import InProcess
from regsweep.packs.queue import deal, train_packs
from regsweep.packs.worker import Pack
from tests.training.test_pack import make_run


def pack_of(*seeds):
    runs = tuple(make_run(seed) for seed in seeds)
    return Pack(seeds, runs, False, "cpu", "eager", len(seeds))


@pytest.mark.parametrize(
    ("jobs", "workers", "widest", "sizes"),
    [
        (16, 2, 8, [8, 8]),
        (5, 2, 8, [3, 2]),
        (20, 2, 8, [7, 7, 6]),
        (1, 2, 8, [1]),
        (3, 2, 1, [1, 1, 1]),
        (9, 4, 100, [3, 2, 2, 2]),
    ],
)
def test_jobs_are_dealt_evenly_in_their_order(jobs, workers, widest, sizes):
    dealt = deal(range(jobs), workers, widest)

    assert [len(share) for share in dealt] == sizes
    assert [job for share in dealt for job in share] == list(range(jobs))


def test_a_pack_without_memory_is_halved_until_it_fits(caplog):
    packs = [pack_of(*range(7)), pack_of(7, 8)]
    ended = list(train_packs(LOCAL, packs, workers=2, work=partial(partial, faulty.out_of_memory)))

    assert sorted(seed for _, seeds in ended for seed in seeds) == list(range(9))
    assert all(list(pack.jobs) == seeds for pack, seeds in ended)
    assert all(len(pack.runs) <= pack.width <= 2 for pack, _ in ended)
    assert "7 runs at once: MemoryError: 7 runs; trained again in 2 packs" in caplog.text


@pytest.mark.full
def test_a_run_that_kills_its_process_fails_alone():
    packs = [pack_of(0, 1), pack_of(2, 3, 4), pack_of(5)]
    ended = list(train_packs(LOCAL, packs, workers=2, work=partial(partial, faulty.killed)))

    by_seed = {seed: outcome for pack, outcome in ended for seed in pack.jobs}
    assert sorted(by_seed) == [0, 1, 2, 3, 4, 5]
    assert isinstance(by_seed.pop(3), Exception)
    assert all(seed in outcome for seed, outcome in by_seed.items())


@pytest.mark.full
def test_a_run_whose_process_is_killed_is_not_at_fault(monkeypatch):
    packs = [pack_of(0, 1), pack_of(2, 3, 4), pack_of(5)]
    work = partial(partial, faulty.killed_from_outside)

    with pytest.raises(MachineFault, match="job 3: the process that trained it alone was killed"):
        list(train_packs(LOCAL, packs, workers=2, work=work))

    # The kernel says that it has killed processes for want of memory.
    monkeypatch.setattr("regsweep.packs.engines.local.kills_for_memory", count().__next__)
    outcomes = {s: o for pack, o in train_packs(LOCAL, packs, 2, work) for s in pack.jobs}
    assert isinstance(outcomes.pop(3), BrokenExecutor)
    assert all(seed in outcome for seed, outcome in outcomes.items())


def test_a_fault_of_the_machine_is_no_runs_error():
    work = partial(partial, faulty.without_its_data)

    with pytest.raises(MachineFault, match=r"^train-images-idx3-ubyte: damaged$"):
        list(train_packs(LOCAL, [pack_of(0, 1, 2)], workers=1, work=work))


@pytest.mark.parametrize(("runs", "widths"), [(7, [4, 2]), (3, [2])])
def test_what_the_memory_held_is_told(runs, widths):
    told = []

    list(
        train_packs(
            LOCAL,
            [pack_of(*range(runs))],
            1,
            partial(partial, faulty.out_of_memory),
            lambda pack, width: told.append(width),
        )
    )

    assert list(dict.fromkeys(told)) == widths


def test_an_error_of_one_run_is_its_own():
    ended = list(
        train_packs(LOCAL, [pack_of(*range(8))], workers=2, work=partial(partial, faulty.broken))
    )

    by_seed = {seed: outcome for pack, outcome in ended for seed in pack.jobs}
    assert sorted(by_seed) == list(range(8))
    assert isinstance(by_seed.pop(3), ValueError)
    assert all(outcome == [seed] for seed, outcome in by_seed.items())


def test_a_pack_that_is_filled_up_is_made_less_wide():
    filled = replace(pack_of(0, 1, 2), mode="compiled", width=16)

    ended = list(train_packs(LOCAL, [filled], workers=1, work=partial(partial, faulty.too_wide)))

    assert [(pack.jobs, pack.width) for pack, _ in ended] == [((0, 1), 2), ((2,), 2)]
    assert [outcome for _, outcome in ended] == [[0, 1], [2]]


class Losing(InProcess):
    """Loses the process of each of its first calls."""

    def __init__(self, calls):
        self.left = calls

    def submit(self, call, at_once, kind=None):
        if not self.left:
            return super().submit(call, at_once, kind)
        self.left -= 1
        lost = Future()
        lost.set_exception(BrokenExecutor("SIGKILL"))
        return lost


@pytest.mark.parametrize(("further", "widths"), [([True] * 5, [3]), ([True, False, False], [2, 1])])
def test_a_pack_that_comes_further_is_given_again_as_it_is(further, widths):
    asked = iter(further)

    ended = train_packs(
        Losing(len(further)),
        [pack_of(0, 1, 2)],
        workers=2,
        work=lambda pack: lambda: len(pack.runs),
        has_come_further=lambda pack: next(asked),
    )

    assert [outcome for _, outcome in ended] == widths
