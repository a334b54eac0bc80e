"""What is said of a network and a penalty of the user's before anything trains."""

import itertools
import random
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from regsweep.errors import InputError
from regsweep.settings.data import ScikitLearn
from regsweep.settings.model import MLP
from regsweep.settings.own import FUNCTIONS, OwnModel, OwnRegularizer
from regsweep.training.network import network_of
from regsweep.training.own_check import check_own
from tests.training.test_pack import make_run

CANCER = ScikitLearn("breast_cancer", None, 0.2, 0.2, 0)
DIGITS = ScikitLearn("digits", None, 0.2, 0.2, 0)
COUNTER = itertools.count()


class Net(nn.Module):
    """A linear layer, and what ``then`` makes of its outputs."""

    def __init__(self, then=lambda h: h, inputs=30, outputs=2):
        super().__init__()
        self.last = nn.Linear(inputs, outputs)
        self.then = then

    def forward(self, x):
        return self.then(self.last(x))


class Careless(Net):
    """Does ``first`` of itself and its inputs at every call."""

    def __init__(self, first, inputs=30):
        super().__init__(inputs=inputs)
        self.first, self.calls, self.kept = first, 0, torch.zeros(30)

    def forward(self, x):
        self.first(self, x)
        return super().forward(x + self.kept)


def count(net, x):
    net.calls += 1


def keep(net, x):
    net.kept = net.kept + x.detach().mean(0)


def normalise(net, x):
    net.last.weight.data = net.last.weight.data / 2


class Detached(Net):
    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)


def hooked(outputs):
    net = Net()
    net.last.weight.register_hook(lambda gradient: gradient * 0)
    return net


def scripted(outputs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # which torch.jit is of
        return torch.jit.script(nn.Linear(30, outputs))


def failing(outputs):
    raise ValueError("no such width")


def counted(outputs):
    net = Net()
    net.last.bias.data += next(COUNTER)
    return net


@pytest.fixture
def check(monkeypatch):
    def check(build, penalty=None, data=CANCER, **trainer):
        network_of.cache_clear()  # networks are kept by their specs
        monkeypatch.setitem(FUNCTIONS["model"], "mine", build)
        run = replace(make_run(model=OwnModel("mine"), **{"batch_size": 32} | trainer), data=data)
        if penalty is not None:
            monkeypatch.setitem(FUNCTIONS["regularizer"], "odd", penalty)
            odd = OwnRegularizer("odd", "weights", (("weight", 0.1),))
            run = replace(run, regularizer=odd, model=MLP((4,)))
        check_own(run)

    return check


def test_packing_what_cannot_be_packed_is_refused_where_it_is_asked_for(check):
    def build(outputs):
        return Net(lambda h: h if h.mean() > 0 else -h)

    check(build)
    message = r"^trainer.pack=always: expected auto or never: a pack fails \(RuntimeError: vmap: "
    with pytest.raises(InputError, match=message):
        check(build, pack="always")


WHAT_IS_RIGHT = r"a tensor of shape \(32, 2\), \(batch, outputs\)"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda outputs: Net(outputs=3), rf"shape \(32, 3\); expected {WHAT_IS_RIGHT}"),
        (
            lambda outputs: Net(inputs=31),
            r"its forward of inputs of shape \(32, 30\) failed \(.*test_own_check.py, line \d+\): "
            "RuntimeError: .*32x30 and 31x2",
        ),
        (
            lambda outputs: Net(lambda h: (h, h)),
            rf"its forward gave a tuple; expected {WHAT_IS_RIGHT}",
        ),
        (lambda outputs: Net(lambda h: h[:, 0]), rf"shape \(32,\); expected {WHAT_IS_RIGHT}"),
        (lambda outputs: Net(lambda h: h.double()), "gave torch.float64; expected torch.float32"),
        (lambda outputs: Net(lambda h: h / 0), "not finite before any training"),
        (lambda outputs: nn.Flatten(), "has no parameters to train; expected some"),
        (lambda outputs: Net().requires_grad_(False), "has no parameters to train"),
        (lambda outputs: Net().double(), "last.weight is torch.float64; expected torch.float32"),
        (lambda outputs: {"a": 1}, "it gave a dict; expected a torch.nn.Module"),
        (
            failing,
            r"building it failed \(.*test_own_check.py, line \d+\): ValueError: no such width",
        ),
        (counted, "built twice from one seed, last.bias starts from other values"),
        (
            lambda outputs: Net(lambda h: h * (1 + next(COUNTER) / 10)),
            "two trainings from one seed differ in last",
        ),
        (lambda outputs: Careless(keep), "two trainings from one .* kept from batch to batch but"),
        (lambda outputs: Careless(count), "changes the attribute calls, from 0 to 1, which all r"),
        (lambda outputs: Careless(lambda net, x: x.mul_(2)), "changes its inputs in place; expec"),
        (lambda outputs: Careless(normalise), "gives the parameter last.weight other data; expec"),
        (lambda outputs: Detached(), "its outputs have no gradient; expected a forward that nei"),
        (hooked, "last.weight has a hook on its gradient, which would not be called; expected hoo"),
        (
            lambda outputs: nn.LazyLinear(outputs),
            "weight has no shape yet; expected layers that ar",
        ),
        (lambda outputs: Net().to("meta"), "last.weight is on the device meta; expected values"),
        (scripted, "it gave a module of torch.jit; expected it before its scripting"),
        (
            lambda outputs: Net(lambda h: h.view(32, 2) * 1),
            r"training it for 3 steps failed \(.*test_own_check.py, line \d+\): RuntimeError: sha",
        ),
    ],
)
def test_a_network_that_cannot_be_trained_is_refused_by_name(check, build, message):
    with pytest.raises(InputError, match=f"^model=mine: .*{message}"):
        check(build)


def test_batch_norm_of_batches_of_one_row_is_refused(check):
    message = (
        r"^model=mine, trainer.batch_size=1: its forward of inputs of shape \(1, 30\) failed.*: "
        "ValueError: Expected more than 1 value per channel when training"
    )
    with pytest.raises(InputError, match=message):
        check(lambda outputs: nn.Sequential(nn.Linear(30, 2), nn.BatchNorm1d(2)), batch_size=1)


def test_a_last_row_that_is_measured_alone_is_tried(check):
    def build(outputs):
        norm = nn.BatchNorm1d(outputs, track_running_stats=False)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, outputs), norm)

    check(build, data=replace(DIGITS, validation_size=502))
    message = (
        "^model=mine, data.validation_size=501, measured 500 rows at once and a last: its forward "
        r"of inputs of shape \(1, 8, 8\) failed.*: ValueError: Expected more than 1 value"
    )
    with pytest.raises(InputError, match=message):
        check(build, data=replace(DIGITS, validation_size=501))


@pytest.mark.parametrize(
    "build",
    [
        lambda outputs: Net(lambda h: h + torch.randn_like(h)),
        lambda outputs: Net(lambda h: h * random.random()),
        lambda outputs: Net(lambda h: h + torch.from_numpy(np.random.rand(*h.shape)).float()),
        lambda: Net(),
    ],
)
def test_what_draws_from_a_global_generator_is_trained(check, build):
    check(build)


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (lambda parameters, weight: 0.5, "it gave a float; expected a scalar tensor"),
        (
            lambda parameters, weight: next(iter(parameters.values())).sum(0),
            r"it gave a tensor of shape \(30,\); expected a scalar tensor",
        ),
        (
            lambda parameters, weight: sum(p.sum() for p in parameters.values()) / 0,
            "it gave -?inf of the weights at the start",
        ),
        (
            lambda parameters, weight: parameters["bias"],
            r"it failed \(.*line \d+\): KeyError: 'bias'",
        ),
        (
            lambda parameters, weight: sum((p != 0).sum() for p in parameters.values()) * 1.0,
            "its value has no gradient, so it would change nothing; expected a function",
        ),
        (
            lambda parameters, weight: sum(
                p.data.mul_(2).sum() + p.sum() for p in parameters.values()
            ),
            "it changes 1.weight; expected a value of the weights alone",
        ),
        (
            lambda parameters, weight: next(COUNTER) * parameters["1.weight"].sum(),
            "two trainings from one seed differ in 1",
        ),
    ],
)
def test_a_penalty_that_is_none_is_refused_by_name(check, penalty, message):
    with pytest.raises(InputError, match=f"^regularizer=odd: {message}"):
        check(Net, penalty)
