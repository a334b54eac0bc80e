"""A network and a penalty of the user's, tried on real rows before anything trains."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from regsweep.data.dataset import Dataset, Examples, scale
from regsweep.errors import InputError
from regsweep.settings.own import OwnModel, OwnRegularizer
from regsweep.settings.run import Run
from regsweep.training.generators import seeded
from regsweep.training.load import facts_of, load_data
from regsweep.training.network import build_network
from regsweep.training.own_module import called, described
from regsweep.training.pack import train_pack
from regsweep.training.penalty import is_weight

# Steps of the trainings that are to be the same.
STEPS = 3


def check_own(run: Run) -> None:
    """Build the network of ``run``, call it and its penalty, and train it twice for a few steps.

    Raises:
        InputError: building or calling fails; the outputs are not (batch, outputs), or not finite;
            the penalty is no finite scalar; two starts or trainings of one seed differ.
    """
    facts, dataset = facts_of(run.data, run.loss), load_data(run.data, run.loss, test=False)

    def build() -> nn.Module:
        with seeded(run.seed):
            return build_network(run.model, facts.shape, facts.outputs)

    module = build()
    if isinstance(run.model, OwnModel):
        _check_start(run.model, module, build())
        inputs = scale(dataset.train.inputs[: run.trainer.batch_size])
        for mode in (module.train, module.eval):
            mode()
            _check_outputs(run, module, inputs, facts.outputs)
    if isinstance(run.regularizer, OwnRegularizer):
        _check_penalty(run.regularizer, module)
    _check_repeats(run, dataset)


def _check_start(model: OwnModel, one: nn.Module, other: nn.Module) -> None:
    others = other.state_dict()
    for name, value in one.state_dict().items():
        if isinstance(value, Tensor) and not torch.equal(value, others[name]):
            raise InputError(
                f"model={model.name}: built twice from one seed, {name} starts from other values; "
                "expected draws from the global generators of torch, numpy or Python alone"
            )


def _check_outputs(run: Run, module: nn.Module, inputs: Tensor, outputs: int) -> None:
    assert isinstance(run.model, OwnModel)
    name, given = f"model={run.model.name}", f"inputs of shape {tuple(inputs.shape)}"
    with seeded(run.seed), torch.no_grad():
        result = called(
            f"{name}: its forward of {given} failed", type(module).forward, lambda: module(inputs)
        )
    expected = f"a tensor of shape ({len(inputs)}, {outputs}), (batch, outputs)"
    if not isinstance(result, Tensor):
        raise InputError(f"{name}: its forward gave {described(result)}; expected {expected}")
    if tuple(result.shape) != (len(inputs), outputs):
        raise InputError(
            f"{name}: its forward of {given} gave a tensor of shape {tuple(result.shape)}; "
            f"expected {expected}"
        )
    if result.dtype != torch.float32:
        raise InputError(f"{name}: its forward gave {result.dtype}; expected torch.float32")
    if not result.isfinite().all():
        raise InputError(
            f"{name}: its outputs are not finite before any training; expected finite numbers"
        )


def _check_penalty(choice: OwnRegularizer, module: nn.Module) -> None:
    name = f"regularizer={choice.name}"
    ranged = {
        key: value.detach()
        for key, value in module.named_parameters()
        if value.requires_grad and (choice.scope == "all" or is_weight(value.unsqueeze(0)))
    }
    if not ranged:
        raise InputError(f"{name}: the network has no weights in its scope, {choice.scope}")
    numbers = {key: torch.tensor(choice.keywords[key]) for key in choice.numbers}
    keywords = {**choice.keywords, **numbers}
    result: Any = called(
        f"{name}: it failed", choice.function, lambda: choice.function(ranged, **keywords)
    )
    if not isinstance(result, Tensor) or result.dim() or not result.is_floating_point():
        raise InputError(f"{name}: it gave {described(result)}; expected a scalar tensor")
    if not result.isfinite():
        raise InputError(f"{name}: it gave {result.item()} of the weights at the start")


def _check_repeats(run: Run, dataset: Dataset) -> None:
    rows = STEPS * run.trainer.batch_size
    few = Examples(dataset.train.inputs[:rows], dataset.train.targets[:rows])
    short = replace(run, trainer=replace(run.trainer, epochs=1, log_every=None))
    data, device = replace(dataset, train=few, validation=None, test=None), torch.device("cpu")
    one, other = (train_pack([short], data, device, alone=True)[0] for _ in range(2))
    for name, value in one.weights.items():
        if not torch.equal(value.nan_to_num(), other.weights[name].nan_to_num()):
            raise InputError(
                f"model={getattr(run.model, 'name', '')}: two trainings from one seed differ in "
                f"{name}; expected draws from the global generators of torch, numpy or Python alone"
            )
