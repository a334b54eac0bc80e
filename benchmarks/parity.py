"""Packs learn what the article's loop learns: test accuracy of the same configs, both ways.

10 runs under L1 and 10 under L2, at weights from 1e-6 to 1e-3 on every parameter, each with a seed
of its own: 2 epochs of all 60,000 images in batches of 128, then the 10,000 test images. The same
seed gives both sides the same initial weights, but not the same order of the images. The article's
loop takes the last, partial batch of an epoch too.

What seeds alone do is measured by training the pack again on other seeds. Where there is parity,
the difference to the article's loop has no more spread than the difference between the two packs,
which differ in their initial weights too.

The same pack at ``trainer.matmul_precision=medium`` shows what that costs.
"""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import sqrt
from typing import Literal

import torch
from scipy.stats import t
from torch.utils.data import Subset

from benchmarks import article_loop
from benchmarks.measure import Row, publish, quick_folder
from benchmarks.runs import compose_run
from regsweep.data.dataset import Dataset, scale
from regsweep.data.split import stratified_split
from regsweep.settings.regularizer import L1, L2
from regsweep.settings.run import Run
from regsweep.training.load import load_data
from regsweep.training.pack import train_pack

CONFIDENCE = 0.95
OTHER_SEEDS = 1000


@dataclass(frozen=True)
class Settings:
    """``configs`` is even: half of them are of each penalty."""

    configs: int
    epochs: int
    batch_size: int
    images: int | None
    mode: Literal["compiled", "eager"]


FULL = Settings(configs=20, epochs=2, batch_size=128, images=None, mode="compiled")
QUICK = Settings(configs=4, epochs=1, batch_size=128, images=1280, mode="eager")


def make_runs(settings: Settings) -> list[Run]:
    """The runs of all configs; run ``i`` has seed ``i``."""
    images = "null" if settings.images is None else settings.images
    run = compose_run(
        f"data.train_size={images}",
        "data.validation_size=0",
        f"trainer.epochs={settings.epochs}",
        f"trainer.batch_size={settings.batch_size}",
        "trainer.device=cpu",
    )
    half = settings.configs // 2
    weights = [10 ** (-6 + 3 * i / (half - 1)) for i in range(half)]
    penalties: list[L1 | L2] = [*(L1(w, "all") for w in weights), *(L2(w, "all") for w in weights)]
    return [replace(run, seed=i, regularizer=penalty) for i, penalty in enumerate(penalties)]


def read_dataset(run: Run) -> Dataset:
    """The run's training images and the test images."""
    return load_data(replace(run.data, validation_size=0), test=True)


def pack_accuracies(runs: Sequence[Run], settings: Settings, dataset: Dataset) -> list[float]:
    """Test accuracies, in %, of one pack of all runs."""
    results = train_pack(
        runs, dataset, torch.device("cpu"), mode=settings.mode, width=settings.configs
    )
    return [100 * result.metrics["test_accuracy"] for result in results]


def article_accuracies(runs: Sequence[Run], dataset: Dataset) -> list[float]:
    """Test accuracies, in %, of the article's loop, run after run."""
    mnist = article_loop.mnist(train=True)
    chosen, _ = stratified_split(mnist.targets, 0, runs[0].data.train_size, runs[0].data.split_seed)
    images = Subset(mnist, chosen.tolist())
    return [article_accuracy(run, images, dataset) for run in runs]


def article_accuracy(run: Run, images: Subset[tuple[torch.Tensor, int]], dataset: Dataset) -> float:
    """Test accuracy, in %, of one run of the article's loop."""
    assert isinstance(run.regularizer, L1 | L2)
    assert dataset.test is not None
    network = article_loop.train(
        images,
        "l1" if isinstance(run.regularizer, L1) else "l2",
        run.regularizer.weight,
        seed=run.seed,
        lr=run.optimizer.lr,
        batch_size=run.trainer.batch_size,
        epochs=run.trainer.epochs,
    )
    with torch.no_grad():
        predicted = network(scale(dataset.test.inputs)).argmax(1)
    accuracy: float = (predicted == dataset.test.targets).double().mean().item()
    return 100 * accuracy


def rows_of(what: str, differences: Sequence[float]) -> list[Row]:
    """The mean difference with its t interval, and the largest in absolute value."""
    n = len(differences)
    mean = statistics.mean(differences)
    margin = t.ppf((1 + CONFIDENCE) / 2, n - 1) * statistics.stdev(differences) / sqrt(n)
    largest = max(differences, key=abs)
    values = tuple(differences)
    interval = f"{100 * CONFIDENCE:g} % interval"
    return [
        Row(f"{what}: mean, {interval}", "points", mean, mean - margin, mean + margin, values),
        Row(f"{what}: largest, least, greatest", "points", largest, min(values), max(values), ()),
    ]


def subtract(left: Sequence[float], right: Sequence[float]) -> list[float]:
    """``left - right``, config by config."""
    return [a - b for a, b in zip(left, right, strict=True)]


def main() -> None:
    """Train all configs both ways."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    runs = make_runs(settings)
    dataset = read_dataset(runs[0])
    packed = pack_accuracies(runs, settings, dataset)
    others = [replace(run, seed=run.seed + OTHER_SEEDS) for run in runs]
    elsewhere = pack_accuracies(others, settings, dataset)
    trainer = replace(runs[0].trainer, matmul_precision="medium")
    medium = pack_accuracies([replace(run, trainer=trainer) for run in runs], settings, dataset)
    looped = article_accuracies(runs, dataset)
    rows = [
        *rows_of("test accuracy, pack minus article's loop", subtract(packed, looped)),
        *rows_of("the same, pack minus pack on other seeds", subtract(packed, elsewhere)),
        *rows_of("the same, medium precision minus highest", subtract(medium, packed)),
    ]
    publish("parity", asdict(settings), rows, folder)


if __name__ == "__main__":
    main()
