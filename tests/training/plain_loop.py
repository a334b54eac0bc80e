"""The loop that anyone writes in PyTorch: one run, its own start and order of the data, Adam."""

from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from regsweep.data.dataset import Dataset, scale
from regsweep.settings.run import Run
from regsweep.training.batches import Shuffler
from regsweep.training.network import build_network

CPU = torch.device("cpu")


def plain_epochs(
    run: Run, data: Dataset, behind_a_step: Callable[[nn.Module], None] = lambda _: None
) -> Iterator[nn.Module]:
    """The network after each epoch, the same object; what a step is followed by may change it."""
    torch.manual_seed(run.seed)
    network = build_network(run.model, data.shape, data.outputs)
    optimizer = torch.optim.Adam(network.parameters(), run.optimizer.lr)
    shuffler = Shuffler([run.seed], len(data.train), run.trainer.batch_size, CPU)
    for _ in range(run.trainer.epochs):
        network.train()
        for [indices] in shuffler.epoch():
            optimizer.zero_grad()
            outputs = network(scale(data.train.inputs[indices]))
            cross_entropy(outputs, data.train.targets[indices]).backward()
            optimizer.step()
            with torch.no_grad():
                behind_a_step(network)
        yield network.eval()
