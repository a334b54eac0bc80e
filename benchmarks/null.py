"""How often a difference is claimed where there is none: a method compared with itself.

L2 at weight w, and Adam's own (coupled) weight decay at 2 w, are one method under two names. Each
comparison trains both with 10 seeds of its own on a small part of MNIST, and judges their loss on
the 10,000 test images as ``comparison.csv`` judges arms: a paired t test over the seeds, and its
verdict at 5 %. As in a sweep, equal seeds see the images in equal order; but the weight decay runs
start from other weights, as the pairs would hardly differ otherwise. Every verdict other than "no
detectable difference" is false.

That the names are of one method is seen where both start from the same weights, with the seeds of
the first comparison.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from torch import Tensor, nn

from benchmarks.measure import Row, publish, quick_folder, row
from benchmarks.parity import read_dataset
from benchmarks.runs import compose_run
from regsweep.data.dataset import Dataset
from regsweep.report.tables.looks import BETTER, WORSE, judge_in_looks, planned_looks
from regsweep.report.tables.statistics import CONFIDENCE
from regsweep.settings.regularizer import L2, WeightDecay
from regsweep.settings.run import Run
from regsweep.training.initial import initial_parameters
from regsweep.training.pack import train_pack

# Starts of the weight decay runs; neither the seeds' own stream nor that of the shuffles.
OTHER_STREAM = 0x07E2_57A2_7000

Losses = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """``images`` to train on; ``weight`` of L2; ``seeds`` in all, judged from ``first_look`` on."""

    comparisons: int
    first_look: int
    seeds: int
    images: int
    epochs: int
    batch_size: int
    weight: float


FULL = Settings(100, first_look=10, seeds=40, images=2000, epochs=5, batch_size=50, weight=1e-3)
QUICK = Settings(3, first_look=2, seeds=4, images=100, epochs=1, batch_size=50, weight=1e-3)


def small_run(images: int, epochs: int, batch_size: int) -> Run:
    """A short run on ``images`` of MNIST, without validation images."""
    return compose_run(
        f"data.train_size={images}",
        "data.validation_size=0",
        f"trainer.epochs={epochs}",
        f"trainer.batch_size={batch_size}",
        "trainer.device=cpu",
    )


def make_runs(settings: Settings) -> list[Run]:
    """The runs of the first comparison: L2 on every seed, then weight decay on every seed."""
    run = small_run(settings.images, settings.epochs, settings.batch_size)
    names = L2(settings.weight, "weights"), WeightDecay(2 * settings.weight, False, "weights")
    return [replace(run, seed=s, regularizer=name) for name in names for s in range(settings.seeds)]


def paired_losses(runs: Sequence[Run], dataset: Dataset, stream: int) -> Losses:
    """Test losses (seeds, 2) of one comparison; weight decay starts from ``seed ^ stream``."""
    starts = [
        run.seed ^ stream if isinstance(run.regularizer, WeightDecay) else run.seed for run in runs
    ]

    def from_starts(network: nn.Sequential, seeds: Sequence[int]) -> dict[str, Tensor]:
        return initial_parameters(network, starts)

    # A run's seed gives its start and its order: only from within can one differ alone.
    with patch("regsweep.training.state.initial_parameters", from_starts):
        results = train_pack(runs, dataset, torch.device("cpu"))
    return np.reshape([result.metrics["test_loss"] for result in results], (2, -1)).T


def relative_differences(losses: Losses) -> list[float]:
    """Between the two names' test losses (seeds, 2), in % of L2's, seed by seed."""
    differences: list[float] = (100 * np.abs(losses[:, 1] / losses[:, 0] - 1)).tolist()
    return differences


def share_row(what: str, hits: Sequence[bool]) -> Row:
    """The share of ``hits`` in %, with its exact interval.

    Source: Clopper and Pearson, Biometrika 26 (1934).
    """
    exact = binomtest(sum(hits), len(hits)).proportion_ci(CONFIDENCE, method="exact")
    value, low, high = (100 * x for x in (sum(hits) / len(hits), exact.low, exact.high))
    interval = f"{100 * CONFIDENCE:g} % interval"
    return Row(f"{what}: share, {interval}", "%", value, low, high, ())


def main() -> None:
    """Make all comparisons."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    first = make_runs(settings)
    dataset = read_dataset(first[0])
    started = time.perf_counter()
    losses = []
    for i in range(settings.comparisons):
        runs = [replace(run, seed=run.seed + i * settings.seeds) for run in first]
        losses.append(paired_losses(runs, dataset, OTHER_STREAM))
        print(f"comparison {i + 1}/{settings.comparisons}", flush=True)
    taken = time.perf_counter() - started
    same = paired_losses(first, dataset, stream=0)

    looks = planned_looks(settings.first_look, settings.seeds)
    found = judge_in_looks(np.array(losses), [0, 0], looks, tests=1, margin=None)
    of = f"of {settings.comparisons} comparisons"
    false = np.isin(found.verdict[:, 1], (BETTER, WORSE)).tolist()
    covers = (found.improvement_ci_low[:, 1] <= 0) & (found.improvement_ci_high[:, 1] >= 0)
    rows = [
        share_row(f"{of}, with a false verdict", false),
        share_row(f"{of}, with an interval that covers 0", covers.tolist()),
        row(f"{of}: p value", "", found.p_value[:, 1].tolist()),
        row("a pair from other weights: difference of loss", "%", relative_differences(losses[0])),
        row("a pair from the same weights: difference of loss", "%", relative_differences(same)),
        row("all comparisons: time", "s", [taken]),
    ]
    publish("null", asdict(settings), rows, folder)


if __name__ == "__main__":
    main()
