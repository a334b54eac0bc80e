"""The linear layers of all runs at once, with the bits that each run has alone.

A matrix library may sum in another order when several products are asked for as one; when it does
depends on the shapes and the processor. So the faster forms of a product are tried once for each
shape, and taken only where they give the bits of every run's own product. A compiler sees each
product, and each sum that the layer needs, as one operation that it leaves as it is.
"""

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

# MKL's products then do not depend on where in memory a run's tensors lie, which is its place in
# the pack. Read at the first product of the process; no slower than the default.
os.environ.setdefault("MKL_CBWR", "AUTO")

# Where examples are rows of memory and fewer than these, ``(rows @ weight^T)^T`` is the faster
# form of ``weight @ rows^T``.
FEW_ROWS = 32

Product = Callable[[Tensor, Tensor], Tensor]


def linear(weight: Tensor, bias: Tensor | None, x: Tensor) -> Tensor:
    """``weight @ x + bias`` of every run: (runs, out, batch).

    ``weight`` is (runs, out, in), ``bias`` (runs, out) if there is one, and ``x``
    (runs, in, batch), or (1, in, batch) where all runs share it.
    """
    if weight.device.type != "cpu":  # bits are promised on a CPU only
        summed = _one_product(weight, x)
        return summed if bias is None else summed + bias.unsqueeze(2)
    output: Tensor = torch.ops.regsweep.linear(weight, bias, x)
    return output


def product(left: Tensor, right: Tensor) -> Tensor:
    """``left @ right`` of every run: (runs, m, k) by (runs, k, n) or (1, k, n), contiguous."""
    if left.shape[1] == 1 or right.shape[2] == 1:
        # The library's product with a vector depends on where in memory the numbers lie.
        return (left.unsqueeze(3) * right.unsqueeze(1)).sum(2)
    precision = torch.get_float32_matmul_precision()
    form = _same_as_alone(left.shape, left.stride(), right.shape, right.stride(), precision)
    return form(left, right)


def _one_product(left: Tensor, right: Tensor) -> Tensor:
    if right.shape[0] == left.shape[0]:
        return torch.bmm(left, right)
    return torch.mm(left.flatten(0, 1), right[0]).view(*left.shape[:2], -1)


def _batched(left: Tensor, right: Tensor) -> Tensor:
    return torch.bmm(left, right.expand(left.shape[0], -1, -1))


def _each(left: Tensor, right: Tensor) -> Tensor:
    pairs = zip(left, right.expand(left.shape[0], -1, -1), strict=True)
    return torch.stack([torch.mm(one, own) for one, own in pairs])


def _one_product_of_rows(left: Tensor, right: Tensor) -> Tensor:
    wide = torch.mm(right[0].mT, left.flatten(0, 1).mT).mT
    return wide.contiguous().view(*left.shape[:2], -1)


def _batched_rows(left: Tensor, right: Tensor) -> Tensor:
    return torch.bmm(right.expand(left.shape[0], -1, -1).mT, left.mT).mT.contiguous()


def _each_rows(left: Tensor, right: Tensor) -> Tensor:
    return _each(right.expand(left.shape[0], -1, -1).mT, left.mT).mT.contiguous()


# The fastest first; the first needs a right side that the runs share. The last, every run on its
# own, says what the bits are.
_FORMS: tuple[Product, ...] = (_one_product, _batched, _each)
_ROW_FORMS: tuple[Product, ...] = (_one_product_of_rows, _batched_rows, _each_rows)


@cache
def _same_as_alone(
    left: tuple[int, ...],
    left_stride: tuple[int, ...],
    right: tuple[int, ...],
    right_stride: tuple[int, ...],
    precision: str,
) -> Product:
    """The first form with the bits of the last one, tried on matrices of these shapes."""
    generator = torch.Generator().manual_seed(0)

    def like(shape: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
        last = sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
        return torch.randn(last + 1, generator=generator).as_strided(shape, stride)

    a, b = like(left, left_stride), like(right, right_stride)
    forms = _ROW_FORMS if b.mT.is_contiguous() and right[2] < FEW_ROWS else _FORMS
    expected = forms[-1](a, b)
    candidates = forms if right[0] == 1 else forms[1:]
    return next(form for form in candidates if torch.equal(form(a, b), expected))


def _linear(weight: Tensor, bias: Tensor | None, x: Tensor) -> Tensor:
    summed = product(weight, x)
    return summed if bias is None else summed.add_(bias.unsqueeze(2))


def _linear_backward(
    gradient: Tensor, weight: Tensor, x: Tensor, into_bias: bool, into_x: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of weight, in its own memory order, and of bias and x, or nothing (empty)."""
    gradient = gradient.contiguous()
    of_bias = gradient.sum(2) if into_bias else gradient.new_empty(0)
    of_x = product(weight.mT, gradient) if into_x else gradient.new_empty(0)
    return product(gradient, x.mT), of_bias, of_x


def _linear_shape(weight: Tensor, bias: Tensor | None, x: Tensor) -> Tensor:
    return weight.new_empty(*weight.shape[:2], x.shape[2])


def _linear_backward_shapes(
    gradient: Tensor, weight: Tensor, x: Tensor, into_bias: bool, into_x: bool
) -> tuple[Tensor, Tensor, Tensor]:
    of_bias = weight.shape[:2] if into_bias else (0,)
    of_x = (*x.shape,) if into_x else (0,)
    return torch.empty_like(weight), weight.new_empty(of_bias), x.new_empty(of_x)


torch.library.define("regsweep::linear", "(Tensor weight, Tensor? bias, Tensor x) -> Tensor")
torch.library.impl("regsweep::linear", "CPU", _linear)
torch.library.register_fake("regsweep::linear", _linear_shape)
torch.library.define(
    "regsweep::linear_backward",
    "(Tensor gradient, Tensor weight, Tensor x, bool into_bias, bool into_x)"
    " -> (Tensor, Tensor, Tensor)",
)
torch.library.impl("regsweep::linear_backward", "CPU", _linear_backward)
torch.library.register_fake("regsweep::linear_backward", _linear_backward_shapes)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    weight, _, x = inputs
    ctx.save_for_backward(weight, x)


def _gradients(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
    weight, x = ctx.saved_tensors
    _, into_bias, into_x = ctx.needs_input_grad
    of_weight, of_bias, of_x = torch.ops.regsweep.linear_backward(
        gradient, weight, x, into_bias, into_x
    )
    return of_weight, of_bias if into_bias else None, of_x if into_x else None


torch.library.register_autograd("regsweep::linear", _gradients, setup_context=_keep)
