"""How often a difference that is there is found, against what the simulation says of its size.

Runs without a regularizer and with L2, in pairs of equal seeds as in a sweep, on a small part of
MNIST. The weight of L2 is that of ``weights`` whose difference of test loss, on seeds of its own,
is nearest to 0.7 standard deviations of the pairs. Then each comparison judges the two on seeds
that none other has, at the looks of a sweep. Beside how many are decided by each look stands the
share of simulated comparisons (``benchmarks.looks``), of the size that was measured and of the two
ends of its interval.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm

from benchmarks.looks import judged, sweeps
from benchmarks.measure import Row, publish, quick_folder, row
from benchmarks.null import share_row, small_run
from benchmarks.parity import read_dataset
from regsweep.data.dataset import Dataset
from regsweep.report.tables.looks import BETTER, WORSE, Sequential, planned_looks
from regsweep.report.tables.statistics import CONFIDENCE
from regsweep.settings.regularizer import L2, NoRegularizer
from regsweep.settings.run import Run
from regsweep.training.pack import train_pack

Floats = NDArray[np.float64]

AIM = 0.7
# The seeds that settle the weight; the comparisons count from 0.
OTHER_SEEDS = 1_000_000
SIMULATED = 20_000


@dataclass(frozen=True)
class Settings:
    """``seeds`` of each comparison, judged from ``first_look`` on; ``other_seeds`` to choose by."""

    comparisons: int
    first_look: int
    seeds: int
    other_seeds: int
    weights: tuple[float, ...]
    images: int = 2000
    epochs: int = 5
    batch_size: int = 50


FULL = Settings(100, 10, 40, other_seeds=200, weights=(1e-4, 1.4e-4, 2e-4))
QUICK = Settings(3, 2, 4, other_seeds=4, weights=(1e-3, 1e-2), images=100, epochs=1)


def losses_of(run: Run, seeds: Sequence[int], dataset: Dataset) -> Floats:
    """The test loss of ``run`` on each of ``seeds``."""
    runs = [replace(run, seed=seed) for seed in seeds]
    results = train_pack(runs, dataset, torch.device("cpu"))
    return np.array([result.metrics["test_loss"] for result in results])


def effect_of(differences: Floats) -> float:
    """The mean of paired differences in their standard deviations."""
    return float(differences.mean() / differences.std(ddof=1))


def effect_row(what: str, differences: Floats) -> Row:
    """``effect_of`` with its interval, by the normal distribution.

    Source: Hedges and Olkin, Statistical Methods for Meta-Analysis (1985), for the variance,
    (1 + d^2 / 2) / n.
    """
    effect = effect_of(differences)
    half = norm.ppf((1 + CONFIDENCE) / 2) * math.sqrt((1 + effect**2 / 2) / len(differences))
    what = f"{what}: size, {100 * CONFIDENCE:g} % interval"
    return Row(what, "deviations", effect, effect - half, effect + half, ())


def decided_by(found: Sequential, seeds: int) -> list[bool]:
    """Which comparisons have their verdict by a look at ``seeds``."""
    claimed = np.isin(found.verdict[:, 1], (BETTER, WORSE))
    decided: list[bool] = (claimed & (found.seeds[:, 1] <= seeds)).tolist()
    return decided


def simulated_rows(measured: Row, looks: Sequence[int]) -> list[Row]:
    """The shares that are decided by each look, in %, of an effect and the ends of its interval."""
    ends = sorted((abs(measured.low), abs(measured.value), abs(measured.high)))
    found = [judged(sweeps(SIMULATED, [end], seeds=looks[-1]), looks) for end in ends]
    shares = [[100 * float(np.mean(decided_by(one, look))) for one in found] for look in looks]
    return [
        Row(f"simulated: decided by {look} seeds", "%", share[1], share[0], share[2], ())
        for look, share in zip(looks, shares, strict=True)
    ]


def main() -> None:
    """Choose the weight, then make all comparisons."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    run = small_run(settings.images, settings.epochs, settings.batch_size)
    dataset = read_dataset(run)
    plain = replace(run, regularizer=NoRegularizer("weights"))
    penalized = [replace(run, regularizer=L2(weight, "weights")) for weight in settings.weights]
    started = time.perf_counter()

    others = range(OTHER_SEEDS, OTHER_SEEDS + settings.other_seeds)
    base = losses_of(plain, others, dataset)
    differences = [base - losses_of(one, others, dataset) for one in penalized]
    sizes = [abs(effect_of(one)) for one in differences]
    print(dict(zip(settings.weights, sizes, strict=True)), flush=True)
    chosen = int(np.argmin(np.abs(np.array(sizes) - AIM)))
    measured = effect_row(f"{len(base)} other seeds", differences[chosen])

    values = []
    for i in range(settings.comparisons):
        seeds = range(i * settings.seeds, (i + 1) * settings.seeds)
        values.append([losses_of(one, seeds, dataset) for one in (plain, penalized[chosen])])
        print(f"comparison {i + 1}/{settings.comparisons}", flush=True)
    losses = np.swapaxes(values, 1, 2)
    looks = planned_looks(settings.first_look, settings.seeds)
    found = judged(losses, looks)
    verdict = WORSE if measured.value < 0 else BETTER
    opposite = np.isin(found.verdict[:, 1], (BETTER, WORSE)) & (found.verdict[:, 1] != verdict)
    of = f"of {settings.comparisons} comparisons"
    rows = [
        row("the weight of L2", "", [settings.weights[chosen]]),
        measured,
        effect_row("all comparisons", (losses[..., 0] - losses[..., 1]).ravel()),
        *(share_row(f"{of}, decided by {look} seeds", decided_by(found, look)) for look in looks),
        *simulated_rows(measured, looks),
        share_row(f"{of}, with the opposite verdict", opposite.tolist()),
        row("all runs: time", "s", [time.perf_counter() - started]),
    ]
    publish("effect", asdict(settings), rows, folder)


if __name__ == "__main__":
    main()
