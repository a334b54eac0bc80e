"""A compiled step is tried before it trains, and trusted where it does what the eager one does."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from math import inf, isfinite
from typing import Any

import torch
from torch import Tensor, nn

from regsweep.errors import MachineFault, machine_fault, wants_memory
from regsweep.records.task import Loss
from regsweep.settings.optimizer import SGD, Adam, Optimizer, RMSprop
from regsweep.settings.own import OwnRegularizer
from regsweep.settings.regularizer import DROPS
from regsweep.training.compiled import compiled_step, compiles, same_as_before, stay_in_place
from regsweep.training.dropout import Rates, pack_rates
from regsweep.training.mixup import Mixed, Mixing, mix
from regsweep.training.network import Network, output_layer
from regsweep.training.noise import shared_noise
from regsweep.training.optimizer import PackOptimizer, pack_optimizer
from regsweep.training.own_penalty import pack_penalty
from regsweep.training.penalty import Coefficient, PackCoefficients
from regsweep.training.state import State, initial_state
from regsweep.training.step import Totals, new_totals, train_step

# On CUDA the first steps warm up, the next is captured, and only those behind it are replayed.
STEPS = 5
# The most that a tensor may be off, as a share of how far it moved. Rounding makes 1e-5 of it.
TOLERANCE = 1e-2

# Numbers at which no term of an update is lost in the others.
_OPTIMIZERS: dict[type[Optimizer], Optimizer] = {
    Adam: Adam(1e-3),
    SGD: SGD(1e-2, 0.9),
    RMSprop: RMSprop(1e-3, 0.99, 1e-8, 0.9),
}
_L1, _PULL, _DECAY, _GROUP, _SHARE = 1e-3, 0.1, 10.0, 1e-3, 0.2
# Below the norms of units at the start, about 0.6, so that it has some to scale.
_BOUND = 0.3


@dataclass(frozen=True)
class Kind:
    """What a step is compiled for, but for the network: the optimizer, and the size of a batch.

    ``lanes`` is 1 where all ``runs`` share a batch, else their number. ``build`` makes a module of
    the network, and ``penalty`` is a function of the user's, of the kind ``penalty_kind``. What
    looks up ``integers`` is tried on ``inputs``, (n, *shape), as others may have no place.
    """

    optimizer: type[Optimizer]
    runs: int
    lanes: int
    batch_size: int
    shape: tuple[int, ...]
    outputs: int
    device: torch.device
    precision: str
    penalty_kind: tuple[Any, ...] | None
    penalty: OwnRegularizer | None = field(compare=False)
    build: Callable[[], nn.Module] = field(compare=False)
    loss: Loss = "cross_entropy"
    weighted: bool = False
    integers: bool = False
    inputs: Tensor | None = field(default=None, compare=False)
    mechanisms: frozenset[str] = frozenset()


@cache
def check_compiled(network: Network, kind: Kind) -> None:
    """Take a few steps both ways, from the same start; once a process for each kind.

    Raises:
        MachineFault: ``torch.compile`` does not work here, or what it makes computes other numbers.
    """
    batches = _batches(kind)
    eager = _State(network, kind)
    start = [tensor.detach().clone() for tensor in eager.tensors()]
    for batch in batches:
        eager.step(train_step, *batch)
    compiled = _State(network, kind)
    try:
        if not compiles():
            raise RuntimeError("it is switched off (TORCHDYNAMO_DISABLE, TORCH_COMPILE_DISABLE)")
        stay_in_place(compiled.tensors())
        step = compiled_step(kind.device.type)
        compiled.step(step, *batches[0])
        with same_as_before():
            for batch in batches[1:]:
                compiled.step(step, *batch)
    except Exception as error:
        if wants_memory(error):
            raise
        fault = machine_fault(error)
        raise MachineFault(f"torch.compile fails: {fault or _own_line(error)}") from error
    off = max(
        _share(one, other, before)
        for one, other, before in zip(compiled.tensors(), eager.tensors(), start, strict=True)
    )
    if not off <= TOLERANCE:
        how = f"off by {off:.1%} after {STEPS} steps" if isfinite(off) else "not finite"
        raise MachineFault(
            f"torch.compile of PyTorch {torch.__version__} computes other numbers than the eager "
            f"step: {how}"
        )


class _State:
    """What a step moves, of runs with every term of a penalty."""

    def __init__(self, network: Network, kind: Kind) -> None:
        self.network, self.loss, self.weights = network, kind.loss, _class_weights(kind)
        # Runs that share their batches have one seed, by which they draw.
        drawn = [0] * kind.runs if kind.lanes == 1 else range(kind.runs)
        draws = not kind.mechanisms.isdisjoint(DROPS)
        self.state: State = initial_state(
            network,
            kind.build,
            range(kind.runs),
            kind.device,
            shared_noise(drawn, kind.device) if draws else None,
        )
        optimizers = [_OPTIMIZERS[kind.optimizer]] * kind.runs
        self.optimizer: PackOptimizer = pack_optimizer(optimizers, self.state.parameters)
        alone = network.way == "alone"
        self.penalty = pack_penalty([kind.penalty] * kind.runs, kind.device, alone=alone)
        self.totals: Totals = new_totals(kind.runs, kind.device)
        groups = "group" in kind.mechanisms
        l1, pull, decay = (_coefficient(value, kind) for value in (_L1, _PULL, _DECAY))
        self.coefficients = PackCoefficients(
            l1=l1,
            l2=pull,
            pull=pull,
            decoupled_decay=decay,
            exact="exact" in kind.mechanisms,
            group=_coefficient(_GROUP, kind) if groups else None,
            output=output_layer(kind.build, _batches(kind)[0][0][0].cpu()) if groups else (),
            bound=_coefficient(_BOUND, kind).weights if "bound" in kind.mechanisms else None,
            smoothing=_shares(kind) if "smoothing" in kind.mechanisms else None,
            p=_rates(kind) if "p" in kind.mechanisms else None,
            input_p=_rates(kind) if "input_p" in kind.mechanisms else None,
        )

    def step(
        self, step: Callable[..., Tensor], inputs: Tensor, targets: Tensor, mixed: Mixed | None
    ) -> None:
        step(
            self.network,
            self.state,
            self.optimizer,
            self.coefficients,
            self.penalty,
            inputs,
            targets,
            self.totals,
            self.loss,
            self.weights,
            mixed,
        )

    def tensors(self) -> list[Tensor]:
        return [*self.state.tensors(), *self.optimizer.tensors(), *self.totals.tensors()]


def _coefficient(value: float, kind: Kind) -> Coefficient:
    """About ``value``, another for each run."""
    values = value * torch.linspace(1, 2, kind.runs, device=kind.device)
    return Coefficient(values, values.clone())


def _shares(kind: Kind) -> Tensor:
    """Another for each run."""
    return _SHARE * torch.linspace(1, 2, kind.runs, device=kind.device)


def _rates(kind: Kind) -> Rates:
    return pack_rates(_shares(kind).tolist(), kind.device)


def _batches(kind: Kind) -> list[tuple[Tensor, Tensor, Mixed | None]]:
    """Inputs and targets, drawn at random, as ``gather`` gives them, or mixed."""
    generator = torch.Generator().manual_seed(0)
    size = (kind.lanes, kind.batch_size)
    batches = [
        (
            _inputs(kind, size, generator).to(kind.device),
            _targets(kind, size, generator).to(kind.device),
        )
        for _ in range(STEPS)
    ]
    if "alpha" not in kind.mechanisms or kind.integers:
        return [(inputs, targets, None) for inputs, targets in batches]
    others = torch.arange(kind.batch_size, device=kind.device).flip(0).expand(STEPS, *size)
    mixing = Mixing(_shares(kind).expand(STEPS, -1), others)
    return [mix(*batch, mixing, step) for step, batch in enumerate(batches)]


def _inputs(kind: Kind, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    if kind.inputs is None:
        return torch.rand(*size, *kind.shape, generator=generator)
    return kind.inputs[torch.randint(len(kind.inputs), size, generator=generator)]


def _class_weights(kind: Kind) -> Tensor | None:
    if not kind.weighted:
        return None
    sides = 1 if kind.loss == "cross_entropy" else 2
    weights = torch.linspace(1, 2, kind.outputs * sides, device=kind.device)
    return weights if sides == 1 else weights.view(kind.outputs, sides)


def _targets(kind: Kind, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    if kind.loss == "cross_entropy":
        return torch.randint(kind.outputs, size, generator=generator)
    labels = torch.randint(2, (*size, kind.outputs), generator=generator).float()
    return labels if kind.loss == "bce" else 2 * labels - 1


def _share(one: Tensor, other: Tensor, before: Tensor) -> float:
    """How far ``one`` is from ``other``, as a share of how far that has moved from ``before``.

    Infinite where one of them is not finite.
    """
    distance, moved = (
        torch.linalg.vector_norm((a.detach() - b.detach()).double()).item()
        for a, b in ((one, other), (other, before))
    )
    if distance == 0:
        return 0.0
    share = distance / moved if moved else inf
    return share if isfinite(share) else inf


def _own_line(error: Exception) -> str:
    """What ``error`` says first; of a C++ compiler also its own first error."""
    first, *rest = str(error).splitlines() or [type(error).__name__]
    compilers = next((line for line in rest if "error:" in line), None)
    return f"{first}: {compilers.strip()}" if compilers else first
