import pytest
import torch
from torch._dynamo.utils import counters
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from regsweep.settings.optimizer import SGD, Adam, RMSprop
from regsweep.settings.regularizer import L1, NoRegularizer, WeightDecay
from regsweep.training.compiled import lacking
from regsweep.training.initial import initial_parameters
from regsweep.training.network import build_network
from regsweep.training.pack import train_pack
from regsweep.training.schedule import epoch_rates
from tests.training.test_pack import ALL_FIVE, CPU, assert_same_result, make_run

LR, EPOCHS, STEPS = 0.3, 3, 7
TOTAL = EPOCHS * STEPS


def pytorchs_rates(schedule, warm):
    """What PyTorch's own schedulers give: ``warm`` steps of warm-up, then the schedule to 0."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)
    left = TOTAL - warm
    main = {
        "constant": lambda: LinearLR(optimizer, 1.0, 1.0, left),
        "cosine": lambda: CosineAnnealingLR(optimizer, left),
        "linear": lambda: LinearLR(optimizer, 1.0, 0.0, left),
    }
    scheduler = main[schedule]()
    if warm:
        growing = LinearLR(optimizer, 1 / (warm + 1), 1.0, warm)
        scheduler = SequentialLR(optimizer, [growing, main[schedule]()], [warm])
    rates = []
    for _ in range(TOTAL):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def rates_of(*runs):
    """Of all epochs, (steps, runs)."""
    return torch.cat([epoch_rates(runs, epoch, STEPS) for epoch in range(1, EPOCHS + 1)])


def scheduled(schedule, warmup=0.0, lr=LR, **settings):
    trainer = {"epochs": EPOCHS, **settings}
    return make_run(optimizer=Adam(lr), schedule=schedule, warmup=warmup, **trainer)


@pytest.mark.parametrize("warm", [0, 4])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
def test_rates_are_those_of_pytorchs_schedulers(schedule, warm):
    run = scheduled(schedule, warmup=warm / TOTAL)

    rates = rates_of(run, scheduled("linear", 0.5, lr=1.0))[:, 0]

    assert rates.tolist() == pytest.approx(pytorchs_rates(schedule, warm), rel=1e-6)


def test_all_steps_may_be_of_the_warm_up():
    assert rates_of(scheduled("cosine", 1.0))[-1].item() == pytest.approx(LR * TOTAL / (TOTAL + 1))


def test_rates_that_stay_are_not_filled_in():
    assert epoch_rates([scheduled("constant"), scheduled("constant", lr=1.0)], 1, STEPS) is None


def test_a_run_is_the_same_beside_other_schedules(digits):
    me = make_run(regularizer=L1(1e-3, "weights"), schedule="cosine", warmup=0.1, epochs=1)
    constant = make_run(1, epochs=1)
    pack = [constant, make_run(schedule="linear", epochs=1), me, constant]

    together = train_pack(pack, digits, CPU)

    for place in (0, 2):
        [alone] = train_pack([pack[place]], digits, CPU)
        assert_same_result(together[place], alone)


@pytest.mark.parametrize(
    "optimizer",
    [Adam(1e-2), SGD(1e-2, 0.9), RMSprop(1e-2, 0.99, 1e-8, 0.0)],
    ids=["adam", "sgd", "rmsprop"],
)
def test_the_step_behind_a_linear_schedule_is_as_long_as_the_rate(digits, optimizer):
    """Of one batch, so that the first step of 2 epochs has the whole rate, the other half of it."""
    alike = {"optimizer": optimizer, "batch_size": 300}
    ends = [
        train_pack([make_run(epochs=epochs, schedule=schedule, **alike)], digits, CPU)[0].weights
        for epochs, schedule in ((1, "constant"), (2, "constant"), (2, "linear"))
    ]

    for first, whole, half in zip(*(end.values() for end in ends), strict=True):
        torch.testing.assert_close(half - first, (whole - first) / 2, rtol=1e-3, atol=1e-6)


def test_decoupled_decay_shrinks_with_the_rate(digits):
    """As AdamW's does: what a rate of nearly 0 multiplies decays no weight."""
    decays = [WeightDecay(100.0, True, "all"), NoRegularizer("all")]

    def sizes(**settings):
        runs = [make_run(0, one, optimizer=Adam(1e-5), **settings) for one in decays]
        return [result.metrics["l2_norm"] for result in train_pack(runs, digits, CPU)]

    constant, linear = ((free - decayed) for decayed, free in (sizes(), sizes(schedule="linear")))

    assert linear == pytest.approx(constant / 2, rel=0.05)


@pytest.mark.skipif(lacking(CPU) is not None, reason="needs a C++ compiler and Python's headers")
def test_a_schedule_is_the_same_graph(digits):
    def pack(**settings):
        runs = [make_run(0, choice, epochs=1, batch_size=100, **settings) for choice in ALL_FIVE]
        return train_pack(runs, digits, CPU, mode="compiled", width=5), train_pack(
            runs, digits, CPU
        )

    pack()
    before = counters["stats"]["unique_graphs"]

    compiled, eager = pack(schedule="cosine", warmup=0.5)

    assert counters["stats"]["unique_graphs"] == before
    for one, other in zip(compiled, eager, strict=True):
        for name, weights in one.weights.items():
            torch.testing.assert_close(weights, other.weights[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_decay_that_does_not_follow_the_learning_rate_follows_its_schedule(digits, schedule):
    """At rates so small that nothing but the decay moves the weights, whatever the rate."""
    choice = WeightDecay(0.01, True, "all", lr_scaled=False)
    runs = [
        make_run(0, choice, optimizer=SGD(lr, 0.0), schedule=schedule, epochs=1)
        for lr in (1e-20, 1e-12)
    ]
    steps = len(digits.train) // runs[0].trainer.batch_size
    rates = epoch_rates([runs[1]], 1, steps)
    shares = torch.ones(steps) if rates is None else rates[:, 0] / 1e-12
    left = (1 - 0.01 * shares.double()).prod().item()
    start = initial_parameters(build_network(runs[0].model, (28, 28), 10), [0])

    results = train_pack(runs, digits, CPU)

    assert 0.7 < left < 0.9
    for result in results:
        for name, value in start.items():
            expected = left * value[0]
            torch.testing.assert_close(result.weights[name], expected, rtol=1e-4, atol=1e-9)
