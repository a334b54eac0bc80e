"""A network of the user's, built by a function of theirs; their errors, with the place."""

import inspect
import traceback
from collections.abc import Callable
from itertools import chain
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from regsweep.errors import InputError
from regsweep.settings.own import OwnModel

T = TypeVar("T")


def built(model: OwnModel, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """What the function of ``model`` gives, of ``shape`` and ``outputs`` where it takes them.

    Raises:
        InputError: it fails, or gives no ``nn.Module`` with parameters that can be trained.
    """
    name, given = f"model={model.name}", {"shape": shape, "outputs": outputs}
    taken = inspect.signature(model.function).parameters
    arguments = {key: value for key, value in given.items() if key in taken}
    module = called(
        f"{name}: building it failed",
        model.function,
        lambda: model.function(**arguments, **model.keywords),
    )
    if not isinstance(module, nn.Module):
        raise InputError(f"{name}: it gave {described(module)}; expected a torch.nn.Module")
    if isinstance(module, torch.jit.ScriptModule):
        raise InputError(f"{name}: it gave a module of torch.jit; expected it before its scripting")
    for key, tensor in chain(module.named_parameters(), module.named_buffers()):
        _check_tensor(name, key, tensor)
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise InputError(f"{name}: the network has no parameters to train; expected some")
    for key, parameter in module.named_parameters():
        if parameter.requires_grad and parameter.dtype != torch.float32:
            raise InputError(f"{name}: {key} is {parameter.dtype}; expected torch.float32")
    return module


def _check_tensor(name: str, key: str, tensor: Tensor) -> None:
    """Refuse what has no values to start from, or hooks that a pack's own tensors have not."""
    if is_lazy(tensor):
        raise InputError(
            f"{name}: {key} has no shape yet; expected layers that are not lazy, such as "
            "nn.Linear(shape[0], 16) of the argument shape"
        )
    if tensor.is_meta:
        raise InputError(f"{name}: {key} is on the device meta; expected values, on the CPU")
    if tensor._backward_hooks or getattr(tensor, "_post_accumulate_grad_hooks", None):
        raise InputError(
            f"{name}: {key} has a hook on its gradient, which would not be called; expected hooks "
            "on modules, or a parametrization (torch.nn.utils.parametrize)"
        )


def called(what: str, function: Callable[..., Any], call: Callable[[], T]) -> T:
    """``call()``; where it fails, ``what`` is said, with the line in the file of ``function``.

    Raises:
        InputError: it fails.
    """
    try:
        return call()
    except InputError:
        raise
    except Exception as error:
        file = inspect.getsourcefile(inspect.unwrap(function))
        stack = traceback.extract_tb(error.__traceback__)
        lines = [at.lineno for at in stack if at.filename == file]
        place = f" ({file}, line {lines[-1]})" if lines else ""
        raise InputError(f"{what}{place}: {type(error).__name__}: {error}") from error


def described(value: Any) -> str:
    """What a message calls a value that is not what it should be."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
