import random
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from regsweep.settings.model import MLP
from regsweep.settings.optimizer import SGD, Adam, RMSprop
from regsweep.settings.own import FUNCTIONS, OwnModel
from regsweep.settings.regularizer import L1, L2, EarlyStopping
from regsweep.training import pack
from regsweep.training.checkpoint import Checkpoint, head_of
from regsweep.training.pack import train_pack
from tests.training.own_networks import Embedded, Residual
from tests.training.test_pack import ALL_FIVE, CPU, DIVERGING, assert_same_result, make_run

short = partial(make_run, epochs=3, batch_size=50)


class Killed(BaseException):
    pass


class Drawing(nn.Module):
    """Draws from all global generators."""

    def __init__(self, outputs):
        super().__init__()
        self.last = nn.Linear(784, outputs)

    def forward(self, x):
        drawn = torch.rand(1) + random.random() + np.random.rand() + random.gauss(0, 1)
        return self.last(x.flatten(1)) * (1 + drawn.float() if self.training else 1)


NETWORKS = {
    "kept_residual": lambda outputs: Residual(784, outputs, nn.BatchNorm1d, dropout=0.2),
    "kept_embedded": lambda outputs: Embedded(outputs),
    "kept_drawing": lambda outputs: Drawing(outputs),
}


@pytest.fixture
def checkpoint(tmp_path):
    """Due after every epoch."""
    return Checkpoint(tmp_path / "kept" / "a.pt", 0, {"runs": ["a"]}, {"torch": "1"})


def killed_after(epoch, runs, dataset, checkpoint, **how):
    """Train until the runs have told of the epoch behind ``epoch``, which is not kept."""

    def kill(i, told):
        if told.epoch > epoch:
            raise Killed

    with pytest.raises(Killed):
        train_pack(runs, dataset, CPU, kill, lambda batch: None, checkpoint=checkpoint, **how)


def trained(runs, dataset, **how):
    """The results of ``runs``, and what they told: of batches, and of each run's epochs."""
    batches, epochs = [], []
    results = train_pack(
        runs, dataset, CPU, lambda *epoch: epochs.append(epoch), batches.append, **how
    )
    return results, batches, sorted(map(repr, epochs))


def assert_goes_on(runs, dataset, checkpoint, epoch=1, **how):
    """Runs that go on after that epoch end, and tell, as those that nobody touched."""
    untouched, *told = trained(runs, dataset, **how)
    killed_after(epoch, runs, dataset, checkpoint, **how)
    results, *again = trained(runs, dataset, checkpoint=checkpoint, **how)
    assert again == told
    for one, other in zip(results, untouched, strict=True):
        # Where a run diverges, its numbers are none, which equal nothing.
        assert repr(one.history) == repr(other.history)
        assert_same_result(
            *(replace(result, history=(), weights=bits(result.weights)) for result in (one, other))
        )


def bits(weights):
    return {name: value.flatten().view(torch.uint8) for name, value in weights.items()}


PACKS = {
    "adam": [short(i % 2, ALL_FIVE[i], optimizer=Adam(1e-3 * (1 + i))) for i in range(5)],
    "sgd": [short(i, optimizer=SGD(0.01 * i, 0.9), schedule="cosine") for i in (1, 2)],
    "rmsprop": [short(i, optimizer=RMSprop(1e-3, 0.9, 1e-8, 0.5)) for i in (1, 2)],
    "diverging": [short(), short(optimizer=DIVERGING)],
    "logged": [short(seed, L2(1e-2, "all"), log_every=2) for seed in (3, 4)],
    "batch norm": [short(i, model=MLP((9,), "relu", "batch")) for i in (1, 2)],
}


@pytest.mark.parametrize("runs", PACKS.values(), ids=PACKS)
def test_a_pack_goes_on_with_the_same_bits(digits, checkpoint, runs, caplog):
    caplog.set_level("INFO")
    assert_goes_on(runs, digits, checkpoint)

    assert caplog.messages == [f"{checkpoint.path}: a pack goes on after epoch 1"]


@pytest.mark.parametrize("epoch", [1, 3])
def test_so_do_runs_that_stop_early_and_one_that_has_stopped(digits, checkpoint, epoch):
    """The first of them is best after its first epoch, and stops after the second."""
    runs = [
        short(1, EarlyStopping(1), optimizer=Adam(0.1), epochs=5),
        short(2, EarlyStopping(4), optimizer=Adam(1e-2), epochs=5),
    ]

    [first, _] = train_pack(runs, digits, CPU)

    assert (first.metrics["best_epoch"], len(first.history)) == (1, 2)
    assert_goes_on(runs, digits, checkpoint, epoch)


@pytest.mark.parametrize(
    ("network", "alone"),
    [
        ("kept_residual", False),
        ("kept_residual", True),
        ("kept_embedded", False),
        ("kept_drawing", True),
    ],
)
def test_so_does_a_network_of_the_users_and_what_it_draws(
    digits, checkpoint, monkeypatch, network, alone
):
    monkeypatch.setitem(FUNCTIONS["model"], network, NETWORKS[network])
    seeds = (1,) if alone else (1, 2)
    runs = [short(seed, L1(1e-3, "weights"), OwnModel(network)) for seed in seeds]
    before = random.getstate(), torch.get_rng_state()

    assert_goes_on(runs, digits, checkpoint, alone=alone)

    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])


def test_so_does_a_compiled_pack_that_is_filled_up(digits, checkpoint, monkeypatch):
    # Compiling takes long, and what it makes has no state of its own.
    monkeypatch.setattr(pack, "compiled_step", lambda device: pack.train_step)
    for name in ("check_compiled", "stay_in_place"):
        monkeypatch.setattr(pack, name, lambda *words: None)
    monkeypatch.setattr(pack, "same_as_before", nullcontext)
    runs = [short(i) for i in (1, 2)]

    assert_goes_on(runs, digits, checkpoint, mode="compiled", width=3)


def test_nothing_is_kept_before_it_is_due(digits, checkpoint):
    runs = [short()]
    later = replace(checkpoint, seconds=3600)

    train_pack(runs, digits, CPU, checkpoint=later)
    assert not checkpoint.path.parent.exists()

    train_pack(runs, digits, CPU, checkpoint=replace(checkpoint, seconds=1e-9))
    assert [path.name for path in checkpoint.path.parent.iterdir()] == ["a.pt"]


def test_the_seconds_are_those_of_all_its_training(digits, checkpoint):
    runs = [short()]
    killed_after(1, runs, digits, checkpoint)
    kept = checkpoint.read()
    checkpoint.write(replace(kept, seconds=kept.seconds + 100))

    [result] = train_pack(runs, digits, CPU, checkpoint=checkpoint)

    assert result.seconds > 100


def torn(path):
    path.write_bytes(path.read_bytes()[:-1])


def flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def emptied(path):
    path.write_bytes(b"")


def of_another_pack(path):
    other = Checkpoint(path.with_name("b.pt"), 0, made_by={"torch": "1"})
    other.write(Checkpoint(path, 0, made_by={"torch": "1"}).read())
    other.path.replace(path)


def pickled(path):
    """It would make a folder, were it unpickled."""
    path.write_bytes(b"cos\nmkdir\n(V" + str(path.with_name("ran")).encode() + b"\ntR.")


@pytest.mark.parametrize("damage", [torn, flipped, emptied, of_another_pack, pickled])
def test_what_is_no_checkpoint_of_the_pack_is_told_once_and_not_taken(
    digits, checkpoint, damage, caplog
):
    runs = [short()]
    [untouched] = train_pack(runs, digits, CPU)
    killed_after(1, runs, digits, checkpoint)
    assert head_of(checkpoint.path) == {"runs": ["a"]}
    damage(checkpoint.path)
    assert head_of(checkpoint.path) is None
    caplog.clear()

    [result] = train_pack(runs, digits, CPU, checkpoint=checkpoint)

    assert_same_result(result, untouched)
    assert caplog.messages == [
        f"{checkpoint.path}: damaged, or of another pack; trained from the start"
    ]
    assert not checkpoint.path.with_name("ran").exists()


def test_one_of_other_versions_is_not_taken(digits, checkpoint, caplog):
    runs = [short()]
    [untouched] = train_pack(runs, digits, CPU)
    killed_after(1, runs, digits, checkpoint)

    now = replace(checkpoint, made_by={"torch": "2", "data": "abc"})
    [result] = train_pack(runs, digits, CPU, checkpoint=now)

    assert_same_result(result, untouched)
    assert caplog.messages == [
        f"{checkpoint.path}: not gone on from, as data was None and is abc, torch was 1 and is 2; "
        "trained from the start"
    ]
