"""How often the weights that are said to be as good as the best hold the true best one.

Simulated searches: 20 trials, at random or by Optuna's TPE, of a weight in an interval of four
decades, on curves whose best weight is known, with the noise of real sweeps. A sweep of 5,000
MNIST images, 20 epochs and 20 trials an arm gave curves of these forms, and noise of 0.2 % of the
loss (weight decay) and 1.2 % (l1, l2), by a Gaussian process over its trials. The margin is 1 %.

A range that holds the best has little worth if it holds everything: its width stands beside the
width of the range that is as good by the true curve, both in decades.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray

from benchmarks.measure import Row, publish, quick_folder, row
from benchmarks.null import share_row
from regsweep.report.tables.interval import Interval
from regsweep.report.tables.plateau import WEIGHT, plateau

Floats = NDArray[np.float64]
Curve = Callable[[Floats], Floats]
Trials = tuple[pd.DataFrame, "pd.Series[float]"]

INTERVAL = Interval(1e-6, 1e-2, True)
SPACE = {WEIGHT: "tag(log, interval(1e-6, 1e-2))"}
DECADES = 4
MARGIN = 0.01


def _rise(share: Floats, start: float) -> Floats:
    """What a penalty that is too strong adds: in proportion to it, a tenth at ``start``."""
    return np.asarray(0.1 * 10 ** (DECADES * (share - start)))


def _dip(share: Floats, place: float, width: float) -> Floats:
    return np.asarray(np.exp(-(((share - place) / width) ** 2) / 2))


# Losses by the share of the interval.
CURVES: Mapping[str, Curve] = {
    "a dip of 5 %, then a rise": lambda s: 0.315 * (1 - 0.05 * _dip(s, 0.6, 0.1) + _rise(s, 0.75)),
    "a dip of 2 %, then a rise": lambda s: 0.315 * (1 - 0.02 * _dip(s, 0.5, 0.15) + _rise(s, 0.8)),
    "flat, then a rise": lambda s: 0.315 * (1 + _rise(s, 0.7)),
    "a parabola": lambda s: 0.3 * (1 + 4 * (s - 0.4) ** 2),
    "a sharp corner": lambda s: 0.3 * np.exp(4 * abs(s - 0.35)),
}


@dataclass(frozen=True)
class Settings:
    """``sweeps`` of ``trials`` each on every curve, with every noise, as a share of the loss."""

    sweeps: int
    trials: int
    noises: tuple[float, ...]


FULL = Settings(sweeps=100, trials=20, noises=(0.002, 0.012))
QUICK = Settings(sweeps=2, trials=12, noises=(0.012,))


def searched(curve: Curve, noise: float, sampler: str, seed: int, trials: int = 20) -> Trials:
    """The trials of one search, ``sampler`` being ``random`` or ``tpe``, and their losses."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kinds = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
    study = optuna.create_study(sampler=kinds[sampler](seed=seed))
    drawn = np.random.default_rng(seed)
    for _ in range(trials):
        trial = study.ask()
        weight = trial.suggest_float(WEIGHT, INTERVAL.low, INTERVAL.high, log=INTERVAL.log)
        loss = float(curve(INTERVAL.shares(weight)))
        study.tell(trial, loss * math.exp(noise * drawn.standard_normal()))
    weights = pd.DataFrame([trial.params for trial in study.trials])
    return weights, pd.Series([float(trial.value or math.nan) for trial in study.trials])


def found_range(trials: pd.DataFrame, losses: "pd.Series[float]") -> tuple[float, float]:
    """The range that the report would give, as shares of the interval."""
    found = plateau(trials, losses, losses.idxmin(), SPACE, MARGIN)
    assert found is not None
    low, high = INTERVAL.shares(found)
    return float(low), float(high)


def true_range(curve: Curve) -> tuple[float, float, float]:
    """Where the curve is as good as its best, and its best, as shares of the interval."""
    shares = np.linspace(0, 1, 2001)
    losses = curve(shares)
    good = shares[losses <= (1 + MARGIN) * losses.min()]
    return float(good[0]), float(good[-1]), float(shares[losses.argmin()])


def holds(found: tuple[float, float], curve: Curve) -> bool:
    """Whether a range, in shares of the interval, holds the true best, but for half a grid step."""
    low, high = found
    return low - 0.0025 <= true_range(curve)[2] <= high + 0.0025


def rows_of(name: str, noise: float, sampler: str, settings: Settings) -> Sequence[Row]:
    """How often the best is held, and the widths of the ranges, in decades."""
    curve = CURVES[name]
    ranges = [
        found_range(*searched(curve, noise, sampler, seed, settings.trials))
        for seed in range(settings.sweeps)
    ]
    low, high, _ = true_range(curve)
    what = f"{name}, noise {100 * noise:g} %, {sampler}"
    widths = [DECADES * (high - low) for low, high in ranges]
    return [
        share_row(f"{what}: holds the best", [holds(found, curve) for found in ranges]),
        row(f"{what}: width, {DECADES * (high - low):.2f} by the curve", "decades", widths),
    ]


def main() -> None:
    """Simulate all sweeps."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    started = time.perf_counter()
    rows: list[Row] = []
    for name in CURVES:
        for noise in settings.noises:
            for sampler in ("random", "tpe"):
                rows += rows_of(name, noise, sampler, settings)
                print(f"{rows[-2].what}: {rows[-2].value:g} %", flush=True)
    rows.append(row("all searches: time", "s", [time.perf_counter() - started]))
    publish("plateau", asdict(settings), rows, folder)


if __name__ == "__main__":
    main()
