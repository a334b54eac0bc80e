"""The contract of every choice of regularizer, under each model, loss and optimizer."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch._dynamo.utils import counters

from regsweep.data.dataset import Dataset, Examples
from regsweep.settings.model import CNN, MLP, Linear
from regsweep.settings.optimizer import SGD, Adam, RMSprop
from regsweep.settings.regularizer import (
    L1,
    L2,
    REGULARIZERS,
    Cocktail,
    Coefficients,
    Dropout,
    EarlyStopping,
    Elastic,
    GroupLasso,
    LabelSmoothing,
    MaxNorm,
    Mixup,
    NoRegularizer,
    WeightDecay,
)
from regsweep.training.compiled import lacking
from regsweep.training.pack import train_pack
from tests.training.test_pack import CPU, assert_same_result, make_run

# Of each choice two that may share a pack, the first of them strong enough to be seen.
CHOICES = {
    "none": (NoRegularizer("weights"), NoRegularizer("all")),
    "l1": (L1(1e-2, "weights"), L1(1e-3, "all")),
    "l2": (L2(1e-2, "all"), L2(0.1, "weights")),
    "elastic": (Elastic(1e-2, 0.5, "all", True), Elastic(0.1, 0.1, "weights", True)),
    "weight_decay": (WeightDecay(1.0, True, "all"), WeightDecay(0.1, False, "weights")),
    "group_lasso": (GroupLasso(1e-2, "all"), GroupLasso(1e-3, "weights")),
    "label_smoothing": (LabelSmoothing(0.3), LabelSmoothing(0.1)),
    "mixup": (Mixup(1.0), Mixup(0.1)),
    "dropout": (Dropout(0.5, 0.2), Dropout(0.1, 0.5)),
    "max_norm": (MaxNorm(0.3), MaxNorm(1.0)),
    "early_stopping": (EarlyStopping(1), EarlyStopping(2)),
    "cocktail": (
        Cocktail("all", 1e-2, None, 1.0, 0.3, 0.1, None, 1.0, 1),
        Cocktail("weights", None, 1e-2, None, None, None, 0.4, None, None),
    ),
}
# Others change what is learned; whether a run stops before its end depends on the data.
SAME_AS_NONE = {"none": True, "early_stopping": None}
MODELS = (MLP((17, 5), "tanh", "layer"), MLP((16, 8)), Linear())
OPTIMIZERS = (Adam(1e-2), SGD(0.1, 0.9), RMSprop(1e-3, 0.99, 1e-8, 0.9))
TASKS = ("classification", "binary", "regression")


def data_of(task, shape=(7,)):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(60, *shape, generator=generator)
    targets = torch.randint(3, (60,), generator=generator)
    if task != "classification":
        targets = torch.randn(60, 3, generator=generator)
        targets = (targets > 0).float() if task == "binary" else targets
    rows = Examples(inputs, targets)
    return Dataset(rows, rows, None, 3, task, torch.arange(60) % 2 == 1)


def cases(choices):
    for i, model in enumerate(MODELS):
        for j, task in enumerate(TASKS):
            if isinstance(choices[0], LabelSmoothing) and task == "regression":
                continue
            if isinstance(choices[0], GroupLasso) and model == Linear():
                continue
            if isinstance(choices[0], Dropout) and model == Linear():
                choices = tuple(replace(choice, p=0.0) for choice in choices)
            yield choices, model, task, OPTIMIZERS[(i + j) % 3]


@dataclass(frozen=True)
class Noisy:
    """All that changes what a step sees, at once."""

    share: float
    scope = "weights"

    def coefficients(self):
        share = self.share
        return Coefficients(smoothing=share, alpha=share, p=share, input_p=share)


NAMES = {kind: name for name, kind in REGULARIZERS.items()}


def test_every_choice_is_here():
    assert CHOICES.keys() == REGULARIZERS.keys()


@pytest.mark.parametrize("name", CHOICES)
def test_a_run_is_the_same_alone_and_in_a_pack_and_is_regularized(name):
    for (strong, weak), model, task, optimizer in cases(CHOICES[name]):
        data = data_of(task)

        def train(*choices, model=model, optimizer=optimizer, data=data):
            runs = [
                make_run(seed, choice, model, optimizer, batch_size=12, epochs=2)
                for seed, choice in choices
            ]
            return train_pack(runs, data, CPU)

        [alone] = train((0, strong))

        assert_same_result(train((0, weak), (0, strong))[1], alone)
        assert_same_result(train((1, strong), (0, strong), (2, weak))[1], alone)
        [none] = train((0, NoRegularizer("all")))
        same = all(torch.equal(alone.weights[key], none.weights[key]) for key in none.weights)
        assert SAME_AS_NONE.get(name, False) in (same, None)


@pytest.mark.parametrize("name", CHOICES)
def test_a_cnn_is_regularized_and_the_same_in_a_pack_to_rounding(name):
    strong, weak = CHOICES[name]
    data = data_of("classification", (8, 8))
    runs = [make_run(0, own, CNN((3, 4)), batch_size=12, epochs=1) for own in (weak, strong)]

    together = train_pack(runs, data, CPU)[1]

    [alone] = train_pack(runs[1:], data, CPU)
    assert together.metrics == pytest.approx(alone.metrics, rel=1e-4)
    [none] = train_pack([replace(runs[1], regularizer=NoRegularizer("all"))], data, CPU)
    same = none.metrics["train_loss"] == alone.metrics["train_loss"]
    assert SAME_AS_NONE.get(name, False) in (same, None)


@pytest.mark.parametrize("zero", [Noisy(0.0), LabelSmoothing(0.0), Mixup(0.0), Dropout(0.0, 0.0)])
def test_what_is_neutral_is_none_bit_for_bit(zero):
    data = data_of("classification")
    strong = Noisy(0.5) if isinstance(zero, Noisy) else CHOICES[NAMES[type(zero)]][0]
    if isinstance(strong, Dropout):
        strong = replace(strong, input_p=0.0)
    # Beside a run that uses the mechanism, so that the zero is really applied.
    runs = [make_run(0, own, MODELS[0], batch_size=12, epochs=2) for own in (zero, strong)]

    mine, other = train_pack(runs, data, CPU)

    [none] = train_pack([replace(runs[0], regularizer=NoRegularizer("all"))], data, CPU)
    assert other.metrics != none.metrics
    if zero.coefficients().alpha is not None:  # its training losses are measured after the epoch
        mine, none = (replace(result, history=()) for result in (mine, none))
    assert_same_result(mine, none)


@pytest.mark.full
@pytest.mark.skipif(lacking(CPU) is not None, reason="needs a C++ compiler and Python's headers")
def test_compiled_a_run_is_the_same_in_a_pack_and_what_was_tried_is_what_trains():
    data = data_of("classification")
    runs = [
        make_run(seed, Noisy(share), MODELS[0], batch_size=12, epochs=1)
        for seed, share in ((0, 0.1), (1, 0.3), (0, 0.5))
    ]
    [alone] = train_pack(runs[2:], data, CPU, mode="compiled")

    before = counters["stats"]["unique_graphs"]

    together = train_pack(runs, data, CPU, mode="compiled", width=3)

    # One step, tried and trained, and the addition that shows that there is a compiler.
    assert counters["stats"]["unique_graphs"] == before + 2
    assert_same_result(together[2], alone)
    for name, value in train_pack(runs, data, CPU)[2].weights.items():
        torch.testing.assert_close(alone.weights[name], value, rtol=1e-5, atol=1e-6)
