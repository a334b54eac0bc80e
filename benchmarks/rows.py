"""How often an interval of ten runs covers the difference of two settings over other samples.

A sample is so many rows of MNIST's 60,000 training images, drawn at random: what a user has. A
fifth of it validates. Softmax regression is trained on the rest, without a penalty and with L2,
and both are tested on the 10,000 test images, with ten seeds: once as `resample: seeds` has it, on
one split of the sample, and once as `resample: rows` has it, each seed on training rows that it
draws from the sample. The 95 % interval of the paired differences in test loss either holds the
mean difference over all samples of that size, or does not. That mean is taken over other samples,
each drawn anew, with a seed of its own.

Any two draws from one sample share about four fifths of their training rows, so that the ten
differences are no independent ones. The correction of Nadeau and Bengio (Machine Learning 52,
2003) multiplies the variance of their mean by 1 + 10 * (validation rows) / (training rows); how
often the wider interval covers stands beside it. Last come ten samples that share no more rows than
chance has it, for whose mean Student's interval is made.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor

from benchmarks.measure import Row, publish, quick_folder, row
from benchmarks.null import share_row
from benchmarks.runs import compose_run
from regsweep.data.dataset import Dataset, Examples, load_dataset
from regsweep.data.parts import divide
from regsweep.data.sizes import Sizes
from regsweep.data.source import default_root
from regsweep.report.tables.statistics import SIGNIFICANCE, half_width
from regsweep.settings.regularizer import L2, NoRegularizer
from regsweep.settings.run import Run
from regsweep.training.pack import train_pack

VALIDATION = 0.2
CPU = torch.device("cpu")
NAMES = tuple(map(str, range(10)))


@dataclass(frozen=True)
class Settings:
    """``rows`` are those of a sample, ``samples`` are judged, ``others`` tell the mean."""

    rows: tuple[int, ...]
    samples: int
    others: int
    seeds: int
    epochs: int
    batch_size: int
    weight: float


FULL = Settings((300, 1000, 3000), 100, 200, seeds=10, epochs=10, batch_size=50, weight=1e-3)
QUICK = Settings((300,), 2, 6, seeds=3, epochs=1, batch_size=50, weight=1e-3)


def draw(population: Examples, rows: int, number: int) -> Examples:
    """The sample of that number."""
    order = torch.randperm(len(population), generator=torch.Generator().manual_seed(number))
    return _at(population, order[:rows])


def _at(examples: Examples, places: Tensor) -> Examples:
    return Examples(examples.inputs[places], examples.targets[places])


def training_part(sample: Examples, rows_seed: int | None) -> Examples:
    """The rows of the sample that train, as ``data.rows_seed`` draws them."""
    sizes = Sizes(train=None, validation=VALIDATION, test=1, seed=0, rows_seed=rows_seed)
    return _at(sample, divide(sample.targets, NAMES, sizes, "digits", test=False).train)


def differences(
    run: Run, weight: float, train: Examples, test: Examples, seeds: Sequence[int]
) -> list[float]:
    """What a run without a penalty loses more on ``test`` than one with L2, of each seed."""
    arms = (NoRegularizer("weights"), L2(weight, "weights"))
    runs = [replace(run, seed=seed, regularizer=arm) for arm in arms for seed in seeds]
    results = train_pack(runs, Dataset(train, None, test, 10), CPU, mode="eager")
    losses = [result.metrics["test_loss"] for result in results]
    return [losses[i] - losses[len(seeds) + i] for i in range(len(seeds))]


def _half(pairs: Sequence[float], added: float) -> float:
    """Half of the 95 % interval of the mean, whose variance is spread^2 * (1 / n + ``added``)."""
    spread = np.asarray(np.std(pairs, ddof=1))
    half = half_width(spread, len(pairs), np.asarray(SIGNIFICANCE))
    return float(half * np.sqrt(1 + added * len(pairs)))


def rows_of(rows: int, run: Run, population: Dataset, settings: Settings) -> list[Row]:
    """How often each interval covers, and half of its width in the median."""
    train, test = population.train, population.test
    assert test is not None
    weight, seeds = settings.weight, range(settings.seeds)
    true = [
        differences(run, weight, training_part(draw(train, rows, number), None), test, [number])[0]
        for number in range(1_000_000, 1_000_000 + settings.others)
    ]
    mean = float(np.mean(true))
    of_seeds, of_rows = [], []
    for number in range(settings.samples):
        sample = draw(train, rows, number)
        of_seeds.append(differences(run, weight, training_part(sample, None), test, seeds))
        drawn = [training_part(sample, seed) for seed in seeds]
        of_rows.append(
            [
                differences(run, weight, one, test, [seed])[0]
                for seed, one in zip(seeds, drawn, strict=True)
            ]
        )
    of_samples = np.reshape(true, (-1, settings.seeds)).tolist()
    what = f"{rows:,} rows"
    more = VALIDATION / (1 - VALIDATION)
    error = float(np.std(true, ddof=1) / np.sqrt(len(true)))
    found = [
        Row(
            f"{what}: mean difference over samples, plus and minus twice its standard error",
            "loss",
            mean,
            mean - 2 * error,
            mean + 2 * error,
            tuple(true),
        ),
        row(f"{what}: deviation over samples", "loss", [float(np.std(true, ddof=1))]),
    ]
    for name, pairs, added in (
        ("resample=seeds", of_seeds, 0.0),
        ("resample=rows", of_rows, 0.0),
        ("resample=rows, corrected", of_rows, more),
        ("ten samples", of_samples, 0.0),
    ):
        halves = [_half(one, added) for one in pairs]
        held = [abs(np.mean(one) - mean) < half for one, half in zip(pairs, halves, strict=True)]
        found += [
            share_row(f"{what}: {name}: covers", held),
            row(f"{what}: {name}: half of the interval", "loss", halves),
        ]
    return found


def main() -> None:
    """Train on all samples."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    started = time.perf_counter()
    population = load_dataset(
        "mnist", default_root(), validation_size=0, train_size=None, split_seed=0, test=True
    )
    run = compose_run(
        "model=linear",
        "data.validation_size=0",
        f"trainer.epochs={settings.epochs}",
        f"trainer.batch_size={settings.batch_size}",
        "optimizer.lr=0.01",
        "trainer.device=cpu",
    )
    rows: list[Row] = []
    for count in settings.rows:
        rows += rows_of(count, run, population, settings)
        for one in rows[-10:]:
            print(f"{one.what}: {one.value:.4g} {one.unit}", flush=True)
    rows.append(row("all samples: time", "s", [time.perf_counter() - started]))
    publish("rows", asdict(settings), rows, folder)


if __name__ == "__main__":
    main()
