"""What is tried of a network before its runs train in packs."""

import time
from dataclasses import replace

import pytest
import torch
from torch import nn

from benchmarks.own_networks import NETWORKS
from regsweep.errors import MachineFault
from regsweep.settings.data import ScikitLearn
from regsweep.settings.model import MLP
from regsweep.settings.own import FUNCTIONS, OwnModel, OwnRegularizer
from regsweep.training import packable, probe
from regsweep.training.compiled import lacking
from regsweep.training.packable import NotPackable, try_packed
from tests.training.own_networks import Recurrent, Residual
from tests.training.test_pack import CPU, make_run

CANCER = ScikitLearn("breast_cancer", None, 0.2, 0.2, 0)


def skewed(runs):
    """What a run of a pack is off by, which is nothing for a run alone."""
    return 1 + 1e-6 * (runs - 1)


def doubled(runs):
    return 2.0


def slow(runs):
    time.sleep(1e-3 * runs)
    return 1.0


RULES = {"skewed": skewed, "doubled": doubled, "slow": slow}
for name, rule in RULES.items():
    torch.library.define(f"regsweep_tests::{name}", "(Tensor x) -> Tensor")
    torch.library.impl(f"regsweep_tests::{name}", "CompositeImplicitAutograd", lambda x: x.clone())
    torch.library.register_vmap(
        f"regsweep_tests::{name}",
        lambda info, dims, x, rule=rule: (x * rule(info.batch_size), dims[0]),
    )


class Odd(nn.Module):
    """A linear layer behind an operation that does not keep a run's bits, or is slow, in packs."""

    def __init__(self, rule, outputs):
        super().__init__()
        self.operation = getattr(torch.ops.regsweep_tests, rule)
        self.last = nn.Linear(30, outputs)

    def forward(self, x):
        return self.operation(self.last(x))


class Noisy(nn.Module):
    """Adds what the global generator draws."""

    def forward(self, x):
        return x + torch.randn_like(x)


class Padded(nn.Module):
    """Signs looked up in a table whose first row is not trained.

    PyTorch's vmap trains that row in every run but the first, where each has its own inputs.
    """

    def __init__(self, outputs):
        super().__init__()
        self.table = nn.Embedding(2, 8, padding_idx=0)
        self.last = nn.Linear(8, outputs)

    def forward(self, x):
        return self.last(self.table((x > 0).long()).mean(1))


MODELS = {
    "padded": Padded,
    **{rule: lambda outputs, rule=rule: Odd(rule, outputs) for rule in RULES},
    "residual": lambda outputs: Residual(30, outputs, dropout=0.1),
    "recurrent": lambda outputs: nn.Sequential(nn.Unflatten(1, (5, 6)), Recurrent(6, outputs)),
    "random": lambda outputs: nn.Sequential(nn.Linear(30, outputs), Noisy()),
    **NETWORKS,
}


@pytest.fixture(autouse=True)
def models(monkeypatch):
    for name, build in MODELS.items():
        monkeypatch.setitem(FUNCTIONS["model"], name, build)


def run_of(model, **settings):
    run = make_run(model=model, batch_size=32)
    return replace(run, data=CANCER, **settings)


@pytest.mark.parametrize("model", [OwnModel("residual"), MLP((64, 32), norm="batch")], ids=str)
def test_common_networks_are_packable(model):
    try_packed(run_of(model), 8, CPU, "eager")


@pytest.mark.skipif(lacking(CPU) is not None, reason="needs a C++ compiler")
@pytest.mark.parametrize("model", ["batch_norm", "layer_norm"])
def test_residual_networks_of_a_table_come_out_packed(model, monkeypatch):
    monkeypatch.setattr(packable, "NOISE", 2)  # of a machine that is shared
    try_packed(run_of(OwnModel(model)), 8, CPU, "compiled")


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("skewed", "its bits in a pack are not those that it has alone"),
        ("doubled", "in a pack it computes other losses, off by "),
        ("slow", "a run of a pack of 4 takes .* times as long"),
        ("recurrent", "torch.func.vmap refuses it"),
        ("padded", "in a pack it computes other losses|its bits in a pack are not those"),
        ("random", "torch.func.vmap refuses it .*random"),
    ],
)
def test_others_are_not_and_it_is_said_why(model, why):
    with pytest.raises(NotPackable, match=why):
        try_packed(run_of(OwnModel(model)), 4, CPU, "eager")


def test_a_penalty_is_tried_too(monkeypatch):
    def by_item(parameters, weight):
        return weight * next(iter(parameters.values())).sum().item()

    monkeypatch.setitem(FUNCTIONS["regularizer"], "by_item", by_item)
    run = run_of(MLP((8,)), regularizer=OwnRegularizer("by_item", "weights", (("weight", 0.1),)))

    with pytest.raises(NotPackable, match=r"vmap refuses it .*item"):
        try_packed(run, 4, CPU, "eager")


def test_what_does_not_compile_is_no_matter_of_packs(monkeypatch):
    def failing(device_type):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(probe, "compiled_step", failing)
    probe.check_compiled.cache_clear()

    with pytest.raises(MachineFault, match="no compiler"):
        try_packed(run_of(OwnModel("residual")), 4, CPU, "compiled")
