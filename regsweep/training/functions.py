"""Functions of torch whose batched form would round otherwise, for all runs of a pack at once.

Under ``torch.func.vmap`` a network's forward is written for one run and computed for all. Where
vmap's own rule for a function gives a run other bits than it has alone, or is slow, the function
is replaced: by a kernel that sees all runs, (runs, *shape), and keeps the bits of each.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from regsweep.training.activation import activation
from regsweep.training.batch_norm import batch_norm
from regsweep.training.convolution import convolution
from regsweep.training.dropout import Rates, threshold_of
from regsweep.training.group_norm import group_norm
from regsweep.training.layer_norm import layer_norm
from regsweep.training.linear import linear
from regsweep.training.noise import random_bits

_SELU = (1.6732632423543772, 1.0507009873554805, 1.0)


class Replaced(TorchFunctionMode):
    """Within it, torch's functions draw from a run's own stream, and under vmap keep its bits.

    ``stream`` is the noise of the one run that the functions see, if there is any: its keys and
    the step. ``vmapped`` says whether it is one of many. ``rates``, of that run, is what all
    dropout in training takes in place of its own p.
    """

    def __init__(
        self,
        stream: tuple[Tensor, Tensor] | None,
        *,
        vmapped: bool,
        rates: Rates | None = None,
    ) -> None:
        super().__init__()
        self.stream, self.vmapped, self.rates = stream, vmapped, rates
        self.draws = 0

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """``func``, or what stands for it."""
        kwargs = kwargs or {}
        if self.stream is not None and func in DRAWN:
            return DRAWN[func](self, *args, **kwargs)
        if self.vmapped and func in PACKED:
            return PACKED[func](*args, **kwargs)
        return func(*args, **kwargs)

    def keep(self, shape: Sequence[int], threshold: Tensor | int) -> Tensor:
        """Of each place in ``shape`` whether it is kept: its bits are not below ``threshold``."""
        assert self.stream is not None
        bits = random_bits(*self.stream, self.draws, shape)
        self.draws += 1
        return bits >= threshold


def _stacked(one: Any, place: int | None) -> Any:
    """A tensor with its runs in front, or (1, ...) where they share it."""
    if not isinstance(one, Tensor):
        return one
    return one.unsqueeze(0) if place is None else one.movedim(place, 0)


def _of_all(name: str, schema: str, kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The operation ``name`` of one run, which under vmap is ``kernel`` of the tensors of all.

    The kernel brings its own derivatives.
    """

    def of_one(*arguments: Any) -> Any:
        output = kernel(*(_stacked(one, None) for one in arguments))
        return output[0] if isinstance(output, Tensor) else tuple(own[0] for own in output)

    def of_many(info: Any, in_dims: Sequence[int | None], *arguments: Any) -> Any:
        output = kernel(*map(_stacked, arguments, in_dims))
        return output, 0 if isinstance(output, Tensor) else (0,) * len(output)

    torch.library.define(f"regsweep::{name}", schema)
    torch.library.impl(f"regsweep::{name}", "CompositeImplicitAutograd", of_one)
    torch.library.register_vmap(f"regsweep::{name}", of_many)
    operation: Callable[..., Any] = getattr(torch.ops.regsweep, name)
    return operation


def _linear_kernel(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    rows = x.unsqueeze(1) if x.dim() == 2 else x.flatten(1, -2)
    output = linear(weight, bias, rows.mT).mT
    return output.view(len(output), *x.shape[1:-1], output.shape[-1])


linear_of_one = _of_all(
    "linear_of_one", "(Tensor x, Tensor weight, Tensor? bias) -> Tensor", _linear_kernel
)


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    output: Tensor = linear_of_one(input, weight, bias)
    return output


def _activation_kernel(x: Tensor, kind: str, options: Sequence[float]) -> Tensor:
    """In the order in which the numbers lie in memory."""
    if x.dim() == 3 and not x.is_contiguous():
        return activation(kind, x.mT, options).mT
    return activation(kind, x, options)


activation_of_one = _of_all(
    "activation_of_one", "(Tensor x, str kind, float[] options) -> Tensor", _activation_kernel
)


def _activation(kind: str, *options: float) -> Callable[..., Tensor]:
    def own(input: Tensor, inplace: bool = False) -> Tensor:
        output: Tensor = activation_of_one(input, kind, list(options))
        return output

    return own


def _gelu(input: Tensor, approximate: str = "none") -> Tensor:
    return _activation("gelu" if approximate == "none" else "gelu_tanh")(input)


def _elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return _activation("elu", alpha, 1.0, 1.0)(input)


def _celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return _activation("elu", alpha, 1.0, 1.0 / alpha)(input)


def _softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    return _activation("softplus", beta, threshold)(input)


def _logsigmoid(input: Tensor) -> Tensor:
    return -_softplus(-input)


def _tanhshrink(input: Tensor) -> Tensor:
    return input - _activation("tanh")(input)


def _layer_norm_kernel(x: Tensor, weight: Tensor, bias: Tensor, axes: int, eps: float) -> Tensor:
    rows = x.flatten(-axes).flatten(1, -2)
    runs = max(len(rows), len(weight))
    output = layer_norm(
        weight.flatten(1).expand(runs, -1), bias.flatten(1).expand(runs, -1), rows.mT, eps
    )
    return output.mT.reshape(runs, *x.shape[1:])


layer_norm_of_one = _of_all(
    "layer_norm_of_one",
    "(Tensor x, Tensor weight, Tensor bias, int axes, float eps) -> Tensor",
    _layer_norm_kernel,
)


def _layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    weight = input.new_ones(normalized_shape) if weight is None else weight
    bias = input.new_zeros(normalized_shape) if bias is None else bias
    output: Tensor = layer_norm_of_one(input, weight, bias, len(normalized_shape), eps)
    return output


def _group_norm_kernel(x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
    runs = max(len(x), len(weight))
    numbers = x.flatten(3) if x.dim() > 3 else x.unsqueeze(3)
    numbers = numbers.expand(runs, -1, -1, -1)
    output = group_norm(weight.expand(runs, -1), bias.expand(runs, -1), numbers, groups, eps)
    return output.view(runs, *x.shape[1:])


group_norm_of_one = _of_all(
    "group_norm_of_one",
    "(Tensor x, Tensor weight, Tensor bias, int groups, float eps) -> Tensor",
    _group_norm_kernel,
)


def _group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    channels = input.shape[1]
    weight = input.new_ones(channels) if weight is None else weight
    bias = input.new_zeros(channels) if bias is None else bias
    output: Tensor = group_norm_of_one(input, weight, bias, num_groups, eps)
    return output


def _batch_norm_kernel(
    x: Tensor, weight: Tensor, bias: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    runs = max(len(x), len(weight))
    by_channel = x.transpose(1, 2)
    numbers = by_channel.flatten(2).expand(runs, -1, -1)
    output, mean, variance = batch_norm(
        weight.expand(runs, -1), bias.expand(runs, -1), numbers, eps
    )
    return output.view(runs, *by_channel.shape[1:]).transpose(1, 2), mean, variance


batch_norm_of_one = _of_all(
    "batch_norm_of_one",
    "(Tensor x, Tensor weight, Tensor bias, float eps) -> (Tensor, Tensor, Tensor)",
    _batch_norm_kernel,
)


def _batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    channels = input.shape[1]
    weight = input.new_ones(channels) if weight is None else weight
    bias = input.new_zeros(channels) if bias is None else bias
    if not training:
        assert running_mean is not None
        assert running_var is not None
        shape = (1, -1, *[1] * (input.dim() - 2))
        mean, scale = running_mean.view(shape), (running_var + eps).sqrt().view(shape)
        return (input - mean) / scale * weight.view(shape) + bias.view(shape)
    count = input.numel() // channels
    if count < 2:
        raise ValueError(f"batch norm of one number a channel: {tuple(input.shape)}")
    output: Tensor
    output, mean, variance = batch_norm_of_one(input, weight, bias, eps)
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            unbiased = variance * (count / (count - 1))
            running_mean.copy_(running_mean * (1 - momentum) + mean * momentum)
            running_var.copy_(running_var * (1 - momentum) + unbiased * momentum)
    return output


def _convolution_kernel(x: Tensor, weight: Tensor, bias: Tensor | None, *settings: Any) -> Tensor:
    runs = max(len(x), len(weight))
    return convolution(
        weight.expand(runs, *weight.shape[1:]), bias, x.expand(runs, *x.shape[1:]), *settings
    )


convolution_of_one = _of_all(
    "convolution_of_one",
    "(Tensor x, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, "
    "int groups) -> Tensor",
    _convolution_kernel,
)


def _convolution(
    axes: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    dilations, kernel = _each(dilation, axes), weight.shape[2:]
    if padding == "valid":
        padding = 0
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
        odd = [edge for wide in reversed(total) for edge in (0, wide % 2)]
        input, padding = F.pad(input, odd), [wide // 2 for wide in total]
    batched = input.dim() == axes + 2
    output: Tensor = convolution_of_one(
        input if batched else input.unsqueeze(0),
        weight,
        bias,
        _each(stride, axes),
        _each(padding, axes),
        dilations,
        groups,
    )
    return output if batched else output.squeeze(0)


def _each(value: Any, axes: int) -> list[int]:
    values = [value] * axes if isinstance(value, int) else list(value)
    return values * axes if len(values) == 1 else values


def _matmul_kernel(left: Tensor, right: Tensor) -> Tensor:
    runs = max(len(left), len(right))
    pairs = zip(
        left.expand(runs, *left.shape[1:]), right.expand(runs, *right.shape[1:]), strict=True
    )
    return torch.stack([torch.matmul(one, own) for one, own in pairs])


matmul_of_one = _of_all("matmul_of_one", "(Tensor left, Tensor right) -> Tensor", _matmul_kernel)


def _matmul(input: Tensor, other: Tensor) -> Tensor:
    output: Tensor = matmul_of_one(input, other)
    return output


def _dropout(
    mode: Replaced, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    return _kept(mode, input, p, training, input.shape)


def _channel_dropout(
    mode: Replaced, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    return _kept(mode, input, p, training, (*input.shape[:2], *[1] * (input.dim() - 2)))


def _kept(mode: Replaced, input: Tensor, p: float, training: bool, shape: Sequence[int]) -> Tensor:
    """``input``, of which each place of ``shape`` is 0 with probability p, the rest larger."""
    if not training:
        return input
    if mode.rates is not None:
        return torch.where(mode.keep(shape, mode.rates.threshold), input * mode.rates.scale, 0)
    if p == 0:
        return input
    if p == 1:
        return input * 0
    return torch.where(mode.keep(shape, threshold_of(p)), input * (1 / (1 - p)), 0)


DRAWN: Mapping[Any, Callable[..., Tensor]] = {
    F.dropout: _dropout,
    F.dropout1d: _channel_dropout,
    F.dropout2d: _channel_dropout,
    F.dropout3d: _channel_dropout,
}
PACKED: Mapping[Any, Callable[..., Tensor]] = {
    F.linear: _linear,
    F.layer_norm: _layer_norm,
    F.group_norm: _group_norm,
    F.batch_norm: _batch_norm,
    F.conv1d: partial(_convolution, 1),
    F.conv2d: partial(_convolution, 2),
    F.conv3d: partial(_convolution, 3),
    F.gelu: _gelu,
    F.silu: _activation("silu"),
    F.elu: _elu,
    F.selu: _activation("elu", *_SELU),
    F.celu: _celu,
    F.mish: _activation("mish"),
    F.softplus: _softplus,
    F.logsigmoid: _logsigmoid,
    F.tanhshrink: _tanhshrink,
    F.tanh: _activation("tanh"),
    F.sigmoid: _activation("sigmoid"),
    **{
        function: _activation(kind)
        for kind in ("tanh", "sigmoid", "exp", "sin", "cos")
        for function in (getattr(torch, kind), getattr(Tensor, kind))
    },
    **dict.fromkeys((torch.matmul, torch.mm, Tensor.matmul, Tensor.mm, Tensor.__matmul__), _matmul),
}
