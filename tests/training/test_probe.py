import pytest
import torch
from torch._dynamo.utils import counters

from regsweep.errors import MachineFault
from regsweep.settings.optimizer import SGD, Adam, RMSprop
from regsweep.training import compiled, probe
from regsweep.training.compiled import lacking
from regsweep.training.pack import train_pack, try_compiled
from regsweep.training.step import train_step
from tests.training.test_pack import ALL_FIVE, CPU, make_run

needs_compiler = pytest.mark.skipif(
    lacking(CPU) is not None, reason="needs a C++ compiler and Python's headers"
)


@pytest.fixture(autouse=True)
def untried():
    """Nothing is trusted before, nor what a test makes of it behind it."""
    probe.check_compiled.cache_clear()
    yield
    probe.check_compiled.cache_clear()


def stepping(change):
    """A "compiled" step that does what the eager one does, then ``change``."""

    def step(network, state, optimizer, coefficients, penalty, *args):
        totals = args[2]
        losses = train_step(network, state, optimizer, coefficients, penalty, *args)
        with torch.no_grad():
            change(state.parameters, optimizer, totals)
        return losses

    return lambda device_type: step


def a_weight(parameters, optimizer, totals):
    parameters["1.bias"][-1, 0] += 1e-3


def a_moment(parameters, optimizer, totals):
    optimizer.tensors()[-1].mul_(1.1)


def nan(parameters, optimizer, totals):
    parameters["5.bias"].fill_(torch.nan)


def a_sum(parameters, optimizer, totals):
    totals.losses.mul_(1.1)


@pytest.mark.parametrize("change", [a_weight, a_moment, nan, a_sum])
@pytest.mark.parametrize(
    "optimizer",
    [Adam(1e-3), SGD(0.1, 0.9), RMSprop(1e-3, 0.99, 1e-8, 0.9)],
    ids=["adam", "sgd", "rmsprop"],
)
def test_a_compiled_step_that_computes_other_numbers_trains_nothing(
    change, optimizer, digits, monkeypatch
):
    monkeypatch.setattr(probe, "compiled_step", stepping(change))
    run = make_run(optimizer=optimizer)

    with pytest.raises(MachineFault, match=r"other numbers than the eager step"):
        train_pack([run], digits, CPU, mode="compiled")


def test_rounding_is_no_fault(monkeypatch):
    def rounded(parameters, optimizer, totals):
        for parameter in parameters.values():
            parameter.mul_(1 + 1e-6)

    monkeypatch.setattr(probe, "compiled_step", stepping(rounded))

    try_compiled(make_run(), 2, CPU)


def test_what_fails_to_compile_is_told_by_its_own_line(monkeypatch):
    def failing(device_type):
        def step(*args):
            raise RuntimeError(
                "CppCompileError: C++ compile error\n\nOutput:\n"
                "cc: fatal error: no input\nSet TORCHDYNAMO_VERBOSE=1"
            )

        return step

    monkeypatch.setattr(probe, "compiled_step", failing)

    with pytest.raises(MachineFault) as caught:
        try_compiled(make_run(), 1, CPU)
    expected = "CppCompileError: C++ compile error: cc: fatal error: no input"
    assert str(caught.value) == f"torch.compile fails: {expected}"


def test_a_want_of_memory_is_left_to_the_packs(monkeypatch):
    def greedy(device_type):
        def step(*args):
            raise RuntimeError("CUDA out of memory")

        return step

    monkeypatch.setattr(probe, "compiled_step", greedy)

    with pytest.raises(RuntimeError, match="out of memory"):
        try_compiled(make_run(), 1, CPU)


def test_a_compiler_that_is_switched_off_is_no_compiler():
    with torch._dynamo.config.patch(disable=True):
        assert not compiled.compiles()
        with pytest.raises(MachineFault, match="switched off"):
            try_compiled(make_run(), 1, CPU)
    with torch.compiler.set_stance("force_eager"):
        assert not compiled.compiles()
    torch.compiler.reset()  # it has noted not to compile that addition
    assert compiled.compiles()


@needs_compiler
@pytest.mark.parametrize(
    "optimizer",
    [Adam(1e-3), SGD(0.1, 0.9), RMSprop(1e-3, 0.99, 1e-8, 0.9)],
    ids=["adam", "sgd", "rmsprop"],
)
def test_what_was_tried_is_what_trains(optimizer, digits):
    runs = [make_run(0, regularizer, optimizer=optimizer) for regularizer in ALL_FIVE]

    try_compiled(runs[0], 5, CPU)
    before = counters["stats"]["unique_graphs"]
    train_pack(runs, digits, CPU, mode="compiled", width=5)

    assert counters["stats"]["unique_graphs"] == before
