"""How often verdicts that are made in looks are false, and how often a difference is found.

Simulated sweeps of four arms and the baseline that they share, judged as those of a sweep are
(``regsweep.report.tables.looks``), by default at 10, 20 and 40 seeds. Baseline and arms share a
part of each seed's result, as real ones do, and each run adds noise of its own. Effects are in
standard deviations of an arm's pairs. Where spreads are unequal, the arms' own noise is 0.5, 1, 2
and 3 times the baseline's.

- Errors: with none to four arms that are better by one deviation, any verdict ``better`` of an arm
  that is not, or ``worse`` of any; with all arms worse by the margin, any ``equivalent``. The noise
  is normal, or of heavy tails: log-normal, or Student's t with 3 degrees of freedom.
- Power: one arm is better, three are not; how often it is found, and with how many seeds, beside
  one look at 10 and one at 40.
- Spending: the same where other rules than ``looks.shares`` divide the 5 % among the looks.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from benchmarks.measure import Row, publish, quick_folder, row
from benchmarks.null import share_row
from regsweep.report.tables.looks import (
    BETTER,
    EQUIVALENT,
    WORSE,
    Sequential,
    judge_in_looks,
    planned_looks,
    shares,
)
from regsweep.report.tables.statistics import CONFIDENCE, SIGNIFICANCE

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Noise = Callable[[np.random.Generator, tuple[int, ...]], Floats]
Rule = Callable[[Sequence[int]], tuple[float, ...]]

LOOKS = planned_looks(10, 40)
ARMS = 4
SPREADS = {"equal": (1.0, 1.0, 1.0, 1.0), "unequal": (0.5, 1.0, 2.0, 3.0)}
MEAN, OF_SEED = 100.0, 3.0
# Shares of the baseline's mean: 0.6 and 1.2 standard deviations of the pairs of equal spreads.
MARGINS = 0.006, 0.012
EFFECTS = 0.3, 0.5, 0.7, 1.0


@dataclass(frozen=True)
class Settings:
    """``sweeps`` of each kind, judged at ``looks``."""

    sweeps: int
    looks: tuple[int, ...] = LOOKS


FULL = Settings(20_000)
QUICK = Settings(200)


def _normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return generator.standard_normal(shape)


def _log_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    drawn = np.exp(generator.standard_normal(shape)) - math.exp(0.5)
    return np.asarray(drawn / math.sqrt((math.e - 1) * math.e))


def _t3(generator: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return np.asarray(generator.standard_t(3, shape) / math.sqrt(3))


# Each with mean 0 and variance 1.
NOISES: Mapping[str, Noise] = {"normal": _normal, "log-normal": _log_normal, "t of 3": _t3}


def sweeps(
    number: int,
    effects: Sequence[float],
    spreads: Sequence[float] | None = None,
    noise: Noise = _normal,
    seeds: int = LOOKS[-1],
) -> Floats:
    """Metrics (sweeps, seeds, 1 + arms), of which less is better; the baseline is the first.

    The own noise of the baseline has variance 1/2, so that a pair of equal spreads has 1.
    ``effects`` are the arms' improvements in standard deviations of their pairs, ``spreads`` their
    own noise as a multiple of the baseline's.
    """
    generator = np.random.default_rng(0)
    scale = math.sqrt(0.5) * np.array([1, *(spreads or [1] * len(effects))])
    of_pairs = np.sqrt(scale[0] ** 2 + scale[1:] ** 2)
    of_run = noise(generator, (number, seeds, len(scale))) * scale
    of_seed = OF_SEED * generator.standard_normal((number, seeds, 1))
    improvements = np.array([0, *(np.asarray(effects) * of_pairs)])
    return np.asarray(MEAN + of_seed + of_run - improvements)


def judged(values: Floats, looks: Sequence[int] = LOOKS, margin: float | None = None) -> Sequential:
    """The verdicts on ``values``, of which the first column is everyone's baseline."""
    arms = values.shape[-1]
    return judge_in_looks(values, [0] * arms, looks, tests=arms - 1, margin=margin)


def false_claims(found: Sequential, effects: Sequence[float]) -> Flags:
    """Which sweeps say ``better`` of an arm that is not, or ``worse``; no effect is below 0."""
    different = np.array([0, *effects]) > 0
    false = (found.verdict == WORSE) | ((found.verdict == BETTER) & ~different)
    return np.asarray(false.any(axis=-1))


def at_the_margin(spreads: Sequence[float], margin: float) -> list[float]:
    """The effects, in deviations of pairs, of arms that are worse by ``margin``."""
    of_pairs = np.sqrt(0.5 * (1 + np.square(spreads)))
    effects: list[float] = (-margin * MEAN / of_pairs).tolist()
    return effects


def mean_row(what: str, unit: str, values: Floats) -> Row:
    """The mean of ``values`` with its 95 % interval, by the normal distribution."""
    half = norm.ppf((1 + CONFIDENCE) / 2) * values.std(ddof=1) / math.sqrt(len(values))
    mean = float(values.mean())
    return Row(
        f"{what}: mean, {100 * CONFIDENCE:g} % interval", unit, mean, mean - half, mean + half, ()
    )


def error_rows(settings: Settings) -> Iterable[Row]:
    """How often anything false is said, by noise, spreads and number of arms that differ."""
    for law, noise in NOISES.items():
        for name, spreads in SPREADS.items():
            what = f"{law} noise, {name} spreads"
            for differ in range(ARMS + 1):
                effects = [1.0] * differ + [0.0] * (ARMS - differ)
                found = judged(sweeps(settings.sweeps, effects, spreads, noise), settings.looks)
                false = false_claims(found, effects).tolist()
                yield share_row(f"{what}, {differ} of {ARMS} differ: any false claim", false)
            for margin in MARGINS:
                effects = at_the_margin(spreads, margin)
                values = sweeps(settings.sweeps, effects, spreads, noise)
                found = judged(values, settings.looks, margin)
                false = (found.verdict == EQUIVALENT).any(axis=-1).tolist()
                at = f"all worse by the margin of {100 * margin:g} %"
                yield share_row(f"{what}, {at}: any equivalent", false)


def power_rows(what: str, looks: Sequence[int], settings: Settings) -> Iterable[Row]:
    """How often a difference is found, and when: by its size."""
    for effect in EFFECTS:
        found = judged(sweeps(settings.sweeps, [effect, *[0.0] * (ARMS - 1)]), looks)
        size = f"{what}, a difference of {effect:g} deviations"
        yield share_row(f"{size}: found", (found.verdict[:, 1] == BETTER).tolist())
        yield mean_row(f"{size}: seeds", "", found.seeds[:, 1].astype(float))


def same_rows(what: str, looks: Sequence[int], settings: Settings) -> Row:
    """How often an arm that does not differ is shown to be within the lesser margin."""
    found = judged(sweeps(settings.sweeps, [0.0] * ARMS), looks, MARGINS[0])
    equivalent = (found.verdict[:, 1] == EQUIVALENT).tolist()
    return share_row(
        f"{what}, no difference, a margin of {100 * MARGINS[0]:g} %: equivalent", equivalent
    )


def _late(looks: Sequence[int]) -> tuple[float, ...]:
    """O'Brien and Fleming's boundary as a spending of the error.

    Source: Lan and DeMets, Biometrika 70 (1983).
    """
    spent = 2 * norm.sf(norm.isf(SIGNIFICANCE / 2) / np.sqrt(np.divide(looks, looks[-1])))
    return tuple(np.diff(spent, prepend=0).tolist())


def _evenly(looks: Sequence[int]) -> tuple[float, ...]:
    return (SIGNIFICANCE / len(looks),) * len(looks)


def _early(looks: Sequence[int]) -> tuple[float, ...]:
    return tuple(reversed(shares(looks)))


def _unplanned(looks: Sequence[int]) -> tuple[float, ...]:
    return (SIGNIFICANCE,) * len(looks)


RULES: Mapping[str, Rule] = {
    "early": _early,
    "evenly": _evenly,
    "late": _late,
    "5 % at every look": _unplanned,
}


def spending_rows(settings: Settings) -> Iterable[Row]:
    """Errors and power of other rules that divide the 5 % among the looks."""
    for name, rule in RULES.items():
        spent = ", ".join(f"{100 * share:.3g}" for share in rule(settings.looks))
        what = f"spent {name} ({spent} %)"
        with patch("regsweep.report.tables.looks.shares", rule):
            none = [0.0] * ARMS
            found = judged(sweeps(settings.sweeps, none), settings.looks)
            yield share_row(f"{what}: any false claim", false_claims(found, none).tolist())
            yield same_rows(what, settings.looks, settings)
            yield from power_rows(what, settings.looks, settings)


def all_rows(settings: Settings) -> Iterable[Row]:
    """Errors, then power, then the rules of spending."""
    yield from error_rows(settings)
    plans = settings.looks, settings.looks[:1], settings.looks[-1:]
    for looks in plans:
        what = f"looks at {', '.join(map(str, looks))}"
        yield same_rows(what, looks, settings)
        yield from power_rows(what, looks, settings)
    yield from spending_rows(settings)


def main() -> None:
    """Simulate all sweeps."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    started = time.perf_counter()
    rows = []
    for one in all_rows(settings):
        rows.append(one)
        print(f"{one.what}: {one.value:.4g} {one.unit}", flush=True)
    rows.append(row("all sweeps: time", "s", [time.perf_counter() - started]))
    publish("looks", asdict(settings), rows, folder)


if __name__ == "__main__":
    main()
