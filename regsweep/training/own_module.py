"""A network of the user's: built by a function of theirs, and what is asked of it."""

import inspect
import traceback
from typing import Any

import torch
from torch import Tensor, nn

from regsweep.errors import InputError
from regsweep.settings.own import OwnModel

_GIVEN = ("shape", "outputs")


def built(model: OwnModel, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """What the function of ``model`` gives, of ``shape`` and ``outputs`` where it takes them.

    Raises:
        InputError: it fails, or gives no ``nn.Module`` with parameters.
    """
    given = {"shape": shape, "outputs": outputs}
    taken = inspect.signature(model.function).parameters
    arguments = {key: value for key, value in given.items() if key in taken}
    try:
        module = model.function(**arguments, **model.keywords)
    except Exception as error:
        raise InputError(
            f"model={model.name}: building it failed{place_of(error, model.function)}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(module, nn.Module):
        raise InputError(
            f"model={model.name}: it gave {_named(module)}; expected a torch.nn.Module"
        )
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise InputError(f"model={model.name}: it has no parameters to train; expected some")
    for name, parameter in module.named_parameters():
        if parameter.requires_grad and parameter.dtype != torch.float32:
            raise InputError(
                f"model={model.name}: {name} is {parameter.dtype}; expected torch.float32"
            )
    return module


def check_outputs(name: str, given: Any, batch: int, outputs: int) -> None:
    """Refuse what a forward pass gave of ``batch`` examples, unless it is (batch, outputs).

    Raises:
        InputError: it is no tensor, of another shape, or not of floating-point numbers.
    """
    expected = f"a tensor of shape ({batch}, {outputs}), (batch, outputs)"
    if not isinstance(given, Tensor):
        raise InputError(f"model={name}: its forward gave {_named(given)}; expected {expected}")
    if tuple(given.shape) != (batch, outputs):
        raise InputError(
            f"model={name}: its forward gave a tensor of shape {tuple(given.shape)}; "
            f"expected {expected}"
        )
    if not given.is_floating_point():
        raise InputError(f"model={name}: its forward gave {given.dtype}; expected torch.float32")


def place_of(error: BaseException, function: Any) -> str:
    """Where in the file of ``function`` ``error`` arose: ``" (mine.py, line 7)"``, if known."""
    file = inspect.getsourcefile(inspect.unwrap(function))
    lines = [at.lineno for at in traceback.extract_tb(error.__traceback__) if at.filename == file]
    return f" ({file}, line {lines[-1]})" if lines else ""


def _named(value: Any) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
