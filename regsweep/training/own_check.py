"""A network and a penalty of the user's, tried on real rows before anything trains."""

import logging
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from regsweep.data.dataset import Dataset, Examples, scale
from regsweep.errors import InputError, bad_value
from regsweep.settings.own import OwnModel, OwnRegularizer
from regsweep.settings.regularizer import Cocktail, Dropout
from regsweep.settings.run import Run
from regsweep.training.evaluate import CHUNK
from regsweep.training.generators import seeded
from regsweep.training.load import facts_of, load_data
from regsweep.training.network import build_network, output_layer
from regsweep.training.own_forward import draws_dropout
from regsweep.training.own_module import called, described
from regsweep.training.pack import train_pack
from regsweep.training.penalty import is_weight

log = logging.getLogger(__name__)

# Steps of the trainings that are to be the same.
STEPS = 3


def check_own(run: Run) -> None:
    """Build the network of ``run``, call it and its penalty, and train it twice for a few steps.

    Raises:
        InputError: building, calling or training fails; the outputs are not (batch, outputs), not
            finite, or of no parameter; the forward changes what it may not; groups are asked for
            and the output layer is not found; the penalty is no finite scalar that has a gradient;
            two starts or trainings of one seed differ.
    """
    facts, dataset = facts_of(run.data, run.loss), load_data(run.data, run.loss, test=False)

    def build() -> nn.Module:
        with seeded(run.seed):
            return build_network(run.model, facts.shape, facts.outputs)

    module = build()
    if isinstance(run.model, OwnModel):
        _check_start(run.model, module, build())
        inputs = scale(dataset.train.inputs[: run.trainer.batch_size])
        name = f"model={run.model.name}"
        # One row is not a batch for all networks: batch norm has no variance of it.
        of_one = f"{name}, trainer.batch_size=1" if len(inputs) == 1 else name
        for mode in (module.train, module.eval):
            mode()
            _check_kept(of_one, module, inputs, facts.outputs)
        if isinstance(run.regularizer, Dropout):
            _check_dropout(run.model, module, inputs)
        if isinstance(run.regularizer, Cocktail) and run.regularizer.dropout:
            _tell_of_dropout(name, module, inputs)
        if facts.largest is not None:
            _check_every_row(name, module, run, facts.outputs)
        if "group" in run.regularizer.coefficients().mechanisms:
            output_layer(build, inputs)
        for key, rows in (("validation", facts.validation), ("test", facts.test)):
            if rows % CHUNK == 1:
                what = f"{name}, data.{key}_size={rows}, measured {CHUNK} rows at once and a last"
                _check_outputs(what, module, inputs[:1], facts.outputs)
    if isinstance(run.regularizer, OwnRegularizer):
        _check_penalty(run.regularizer, module)
    _check_repeats(run, module, dataset)


def _check_start(model: OwnModel, one: nn.Module, other: nn.Module) -> None:
    others = other.state_dict()
    for name, value in one.state_dict().items():
        if isinstance(value, Tensor) and not torch.equal(value, others[name]):
            raise InputError(
                f"model={model.name}: built twice from one seed, {name} starts from other values; "
                "expected draws from the global generators of torch, numpy or Python alone"
            )


def _check_kept(name: str, module: nn.Module, inputs: Tensor, outputs: int) -> None:
    """Call ``module``, and look at what it leaves of its inputs, parameters and attributes."""
    given = inputs.clone()
    places = {key: value.data_ptr() for key, value in module.named_parameters()}
    before = _numbers_of(module)
    _check_outputs(name, module, given, outputs)
    if not torch.equal(given.nan_to_num(), inputs.nan_to_num()):
        raise InputError(
            f"{name}: its forward changes its inputs in place; expected them left as they are, "
            "such as x = x * 2 for x *= 2"
        )
    for key, value in module.named_parameters():
        if value.data_ptr() != places[key]:
            raise InputError(
                f"{name}: its forward gives the parameter {key} other data; expected parameters "
                "that are changed in place, if at all"
            )
    for key, number in _numbers_of(module).items():
        if key in before and number != before[key]:
            raise InputError(
                f"{name}: its forward changes the attribute {key}, from {before[key]} to "
                f"{number}, which all runs would share and no weights hold; expected a buffer "
                "for it (register_buffer)"
            )


def _check_every_row(name: str, module: nn.Module, run: Run, outputs: int) -> None:
    """Call ``module`` on all integers: in a pack, one beyond a table is a row of the next run's."""
    data = load_data(run.data, run.loss, test=True)
    parts = {"training": data.train, "validation": data.validation, "test": data.test}
    for part, examples in parts.items():
        for inputs in () if examples is None else torch.split(examples.inputs, CHUNK):
            _check_outputs(f"{name}, {part} rows", module, inputs, outputs)


def _check_dropout(model: OwnModel, module: nn.Module, inputs: Tensor) -> None:
    """Refuse a network without dropout, or with some whose p cannot be set."""
    expected, name = "another, or a network with", f"model={model.name}"
    for place, layer in module.named_modules():
        if isinstance(layer, (nn.AlphaDropout, nn.FeatureAlphaDropout)):
            kinds = f"torch.nn.Dropout, 1d, 2d or 3d alone: {place} of {name}"
            why = f"{expected} {kinds} is {type(layer).__name__}"
            raise bad_value("regularizer", "dropout", why)
    draws = draws_dropout(module.train(), inputs)
    module.eval()
    if not draws:
        why = f"{expected} dropout (torch.nn.Dropout), whose p it sets: {name} has none"
        raise bad_value("regularizer", "dropout", why)


def _tell_of_dropout(name: str, module: nn.Module, inputs: Tensor) -> None:
    """Say that a cocktail's dropout sets the p of no layer."""
    if not draws_dropout(module.train(), inputs):
        log.info(
            "regularizer.dropout does nothing here: %s has no dropout (torch.nn.Dropout), whose p "
            "it sets; null leaves it out",
            name,
        )
    module.eval()


def _numbers_of(module: nn.Module) -> dict[str, Any]:
    """The numbers and texts that the parts of ``module`` keep as attributes, by their places."""
    return {
        f"{place}.{key}" if place else key: value
        for place, part in module.named_modules()
        for key, value in vars(part).items()
        if isinstance(value, (int, float, str)) and key != "training"
    }


def _check_outputs(name: str, module: nn.Module, inputs: Tensor, outputs: int) -> None:
    given = f"inputs of shape {tuple(inputs.shape)}"
    if inputs.dtype == torch.int64:
        given = f"int64 {given}, from {inputs.min()} to {inputs.max()},"
    with seeded(0), torch.set_grad_enabled(module.training):
        try:
            result = called(
                f"{name}: its forward of {given} failed",
                type(module).forward,
                lambda: module(inputs),
            )
        except InputError as error:
            if inputs.dtype != torch.int64:
                raise
            raise InputError(f"{error}; {_expected_of_integers(error)}") from error
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
    if module.training and not result.requires_grad:
        raise InputError(
            f"{name}: its outputs have no gradient; expected a forward that neither detaches them "
            "nor computes them under torch.no_grad()"
        )


def _expected_of_integers(error: InputError) -> str:
    if isinstance(error.__cause__, IndexError):
        return "expected tables that have a row for each of these, which begin at 0"
    return (
        "data of whole numbers come as int64, as nn.Embedding looks them up; expected "
        "inputs.float() for layers that compute with them"
    )


def _check_penalty(choice: OwnRegularizer, module: nn.Module) -> None:
    name = f"regularizer={choice.name}"
    ranged = {
        key: value.detach().clone().requires_grad_()
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
    if not result.requires_grad:
        raise InputError(
            f"{name}: its value has no gradient, so it would change nothing; expected a function "
            "of the weights that torch can differentiate"
        )
    starts = dict(module.named_parameters())
    for key, value in ranged.items():
        if not torch.equal(value, starts[key]):
            raise InputError(f"{name}: it changes {key}; expected a value of the weights alone")


def _check_repeats(run: Run, module: nn.Module, dataset: Dataset) -> None:
    rows = STEPS * run.trainer.batch_size
    few = Examples(dataset.train.inputs[:rows], dataset.train.targets[:rows])
    short = replace(run, trainer=replace(run.trainer, epochs=1, log_every=None))
    data, device = replace(dataset, train=few, validation=None, test=None), torch.device("cpu")
    own = {"model": run.model, "regularizer": run.regularizer}
    if run.trainer.pack == "always":
        _check_packs(short, data)
    named = ", ".join(
        f"{group}={choice.name}"
        for group, choice in own.items()
        if isinstance(choice, (OwnModel, OwnRegularizer))
    )
    one, other = (
        called(
            f"{named}: training it for {STEPS} steps failed",
            type(module).forward,
            lambda: train_pack([short], data, device, alone=True)[0],
        )
        for _ in range(2)
    )
    for name, value in one.weights.items():
        if not torch.equal(value.nan_to_num(), other.weights[name].nan_to_num()):
            raise InputError(
                f"{named}: two trainings from one seed differ in {name}; expected draws from the "
                "global generators of torch, numpy or Python alone, and nothing that is kept from "
                "batch to batch but in buffers"
            )


def _check_packs(run: Run, data: Dataset) -> None:
    """Refuse ``trainer.pack=always`` of what does not train in packs, here two runs."""
    try:
        train_pack([run, run], data, torch.device("cpu"))
    except InputError:
        raise
    except Exception as error:
        why = f"a pack fails ({type(error).__name__}: {(str(error).splitlines() or [''])[0]})"
        raise bad_value("trainer.pack", "always", f"auto or never: {why}") from error
