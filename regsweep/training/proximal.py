"""Proximal steps: what a penalty with a kink does to the weights behind an optimizer's step.

With a step size d for each weight and a penalty R, ``prox(w) = argmin_u sum (u - w)^2 / (2 d) +
R(u)``; weights whose gradient cannot outweigh the penalty become 0 (Yun et al., 2021, "Adaptive
proximal gradient methods for structured neural networks").
"""

from torch import Tensor


def soft_threshold(parameter: Tensor, threshold: Tensor) -> None:
    """The proximal step of ``l1 * sum |w|``, in place: ``w -= clip(w, -threshold, threshold)``.

    ``threshold`` is the step size times l1 and broadcasts over (runs, *shape). Of 0 it changes
    nothing.
    """
    parameter.sub_(parameter.clamp(-threshold, threshold))
