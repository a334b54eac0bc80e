"""A plain PyTorch loop, as users write it, to compare runs with."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from regsweep.data.dataset import Dataset, scale
from regsweep.settings.run import Run
from regsweep.training.batches import Shuffler
from regsweep.training.network import build_network

CPU = torch.device("cpu")


def batches(run: Run, data: Dataset) -> Iterator[Tensor]:
    """The rows of each batch of ``run``, over all epochs."""
    shuffler = Shuffler([run.seed], len(data.train), run.trainer.batch_size, CPU)
    for _ in range(run.trainer.epochs):
        yield from (indices[0] for indices in shuffler.epoch())


def trained(
    run: Run,
    data: Dataset,
    loss: Callable[[nn.Module, Tensor, Tensor, int], Tensor],
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
) -> nn.Module:
    """The network of ``run``, trained by ``loss(network, inputs, targets, step)``, from step 0."""
    torch.manual_seed(run.seed)
    network = build_network(run.model, data.shape, data.outputs)
    moves = optimizer(network.parameters(), lr=run.optimizer.lr)
    for step, rows in enumerate(batches(run, data)):
        moves.zero_grad()
        loss(network, scale(data.train.inputs[rows]), data.train.targets[rows], step).backward()
        moves.step()
    return network


def assert_same_weights(weights: dict[str, Tensor], network: nn.Module) -> None:
    """Equal but for rounding."""
    for name, value in network.state_dict().items():
        torch.testing.assert_close(weights[name], value, rtol=1e-4, atol=1e-5)
