"""scikit-learn's ``MLPClassifier`` for the L2 arm, one single-threaded process per core.

``python -m benchmarks.scikit_loop --runs N --batch-size B --epochs E --images I --processes P``
trains N classifiers on the first I images, at penalty weights from 1e-6 to 1e-2, and scores each
on the last 10,000 training images once, after its last epoch.

scikit-learn adds ``alpha / (2 * batch) * sum w^2`` to the mean loss of a batch, over the weights
without the biases; so ``alpha = 2 * batch * weight`` is regsweep's
``loss = cross_entropy + weight * sum w^2``.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from regsweep.data.source import TRAIN_IMAGES, TRAIN_LABELS, default_root

VALIDATION = 10_000


def training_data() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """MNIST's 60,000 training images, (n, 784) in [0, 1], and labels."""
    raw = default_root().expanduser() / "MNIST" / "raw"
    images = _bytes(raw / TRAIN_IMAGES, header=16).reshape(-1, 784)
    return images.astype(np.float32) / np.float32(255), _bytes(raw / TRAIN_LABELS, header=8)


def _bytes(path: Path, header: int) -> NDArray[np.uint8]:
    return np.fromfile(path, np.uint8)[header:]


def build(weight: float, seed: int, batch_size: int, epochs: int) -> MLPClassifier:
    """The MLP 784-64-32-10 under ``weight * sum w^2``, and Adam."""
    return MLPClassifier(
        hidden_layer_sizes=(64, 32),
        solver="adam",
        alpha=2 * batch_size * weight,
        batch_size=batch_size,
        learning_rate_init=1e-3,
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
        early_stopping=False,
        random_state=seed,
    )


def train(
    classifier: MLPClassifier, images: NDArray[np.float32], labels: NDArray[np.uint8], count: int
) -> float:
    """Train on the first ``count`` images; the accuracy on the last 10,000."""
    with warnings.catch_warnings():
        # It says so after every training that ends with its last epoch.
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(images[:count], labels[:count])
    return float(classifier.score(images[-VALIDATION:], labels[-VALIDATION:]))


def main() -> None:
    """Train all classifiers and print the best accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--runs", "--batch-size", "--epochs", "--images", "--processes"):
        parser.add_argument(name, type=int, required=True)
    work = parser.parse_args()
    images, labels = training_data()
    accuracies = Parallel(n_jobs=work.processes)(
        delayed(train)(
            build(10 ** (-6 + 4 * run / work.runs), run, work.batch_size, work.epochs),
            images,
            labels,
            work.images,
        )
        for run in range(work.runs)
    )
    print(f"best validation accuracy: {max(accuracies):.4f}")


if __name__ == "__main__":
    main()
