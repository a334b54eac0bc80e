"""What it gains to run an arm's best trials again before one of them wins.

Searches of l2 and elastic on MNIST, at each of two numbers of training images: 10 epochs, batch
128, validated on 10,000 images, by the suggestions of a sweep that asks for 4 trials an arm and
round. Each search has a sweep seed of its own, and ends in several ways, which share its runs:

- 20 trials of one run each, the least validation loss wins;
- finalists: the 3 best of these run again on 5 more seeds, the least mean over 6 seeds wins;
- fresh: the same runs, the least mean over the 5 fresh seeds wins;
- 35 trials of one run each, which cost as much as the finalists;
- 17 trials of 2 seeds each, which cost 34 runs.

A winner's worth is its mean test loss over 10 seeds that none of its search has seen. A gain is by
how much that is below another winner's, in % of the loss of the winner of 20 trials; of "both arms"
it is the mean of the two. Rows give the mean over the searches with its t interval.

The rule, set before the measurement: finalists become the default where their gain over 35 trials
and that over 17 trials of 2 seeds, of both arms, have intervals above 0 at one number of images
and at neither number one below it.

The result is written after every search; stopped and started again, it goes on from there.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import optuna
import torch
from omegaconf import DictConfig, OmegaConf
from optuna.trial import TrialState
from scipy.stats import t

from benchmarks.measure import Row, quick_folder
from benchmarks.runs import compose_run
from benchmarks.searches import measure_searches
from regsweep.compare.index import Index
from regsweep.compare.storage import open_storage
from regsweep.compare.studies import Outcome, Studies
from regsweep.records.objective import mean_cost, winner
from regsweep.settings.own import OwnRegularizer
from regsweep.settings.regularizer import L2, Elastic, Regularizer
from regsweep.settings.run import Run, fusible
from regsweep.sweep.internals import distributions_of
from regsweep.training.load import load_data
from regsweep.training.pack import train_pack

CONFIDENCE = 0.95
WIDTH = 8
# So few runs are trained sooner one by one than in a pack that is filled up (``width``).
FEW = 3
WEIGHT = "regularizer.weight=tag(log, interval(1e-6, 1e-2))"
ARMS = {"l2": (WEIGHT,), "elastic": (WEIGHT, "regularizer.l1_ratio=interval(0.0, 1.0)")}
SAMPLER: DictConfig = OmegaConf.create(
    {
        "_target_": "optuna.samplers.TPESampler",
        "seed": None,
        "multivariate": True,
        "constant_liar": True,
    }
)
# Sweep seeds lie so far apart, and confirm seeds so far above them: no two searches share one.
SEED_STEP, CONFIRM_OFFSET = 100, 10_000
FINALISTS = "finalists"

Setting = L2 | Elastic
Search = Sequence[tuple[Setting, float]]


@dataclass(frozen=True)
class Settings:
    """``searches`` at each number of ``images``; budgets as the module says."""

    images: tuple[int, ...]
    searches: int
    epochs: int
    round_size: int
    trials: int
    finalists: int
    finalist_seeds: int
    replicates: int
    confirm_seeds: int
    mode: Literal["compiled", "eager"]

    @property
    def more_trials(self) -> int:
        """The trials that cost as much as the finalists."""
        return self.trials + self.finalists * self.finalist_seeds

    @property
    def fewer_trials(self) -> int:
        """The trials of ``replicates`` runs each that cost no more."""
        return self.more_trials // self.replicates


FULL = Settings((5000, 50_000), 20, 10, 4, 20, 3, 5, 2, 10, "compiled")
QUICK = Settings((200,), 2, 1, 2, 4, 2, 1, 2, 2, "eager")


class Losses:
    """The validation and test losses of runs with these overrides, each trained once."""

    def __init__(self, mode: Literal["compiled", "eager"], *overrides: str) -> None:
        self.run: Run = compose_run(*overrides)
        self.dataset = load_data(self.run.data, test=True)
        self.mode = mode
        self.known: dict[tuple[Regularizer, int], Mapping[str, float]] = {}

    def means(self, metric: str, tried: Sequence[Regularizer], seeds: Sequence[int]) -> list[float]:
        """The mean of each setting over ``seeds``; infinite where a run diverged."""
        self.train((one, seed) for seed, one in product(seeds, tried))
        return [
            mean_cost(self.known[one, seed].get(metric, math.inf) for seed in seeds)
            for one in tried
        ]

    def train(self, wanted: Iterable[tuple[Regularizer, int]]) -> None:
        """Train those of the settings and seeds that are not known, as many at once as can be."""
        alike: dict[Any, list[Run]] = {}
        for one, seed in dict.fromkeys(wanted):
            if (one, seed) not in self.known:
                run = replace(self.run, regularizer=one, seed=seed)
                alike.setdefault(fusible(run), []).append(run)
        for runs in alike.values():
            for i in range(0, len(runs), WIDTH):
                pack = runs[i : i + WIDTH]
                if len(pack) > FEW:
                    self._train(pack, WIDTH)
                else:
                    for run in pack:
                        self._train([run], 1)

    def _train(self, pack: Sequence[Run], width: int) -> None:
        results = train_pack(pack, self.dataset, torch.device("cpu"), mode=self.mode, width=width)
        for run, result in zip(pack, results, strict=True):
            assert not isinstance(run.regularizer, OwnRegularizer)
            self.known[run.regularizer, run.seed] = result.metrics


def search(
    losses: Losses, seed: int, trials: int, replicates: int, round_size: int
) -> dict[str, Search]:
    """The settings that each arm tries, and their mean validation losses."""
    seeds = range(seed, seed + replicates)
    spaces = [distributions_of(space)[0] for space in ARMS.values()]
    found: dict[str, list[tuple[Setting, float]]] = {arm: [] for arm in ARMS}
    with TemporaryDirectory() as folder:
        names = [f"regularizer={arm}" for arm in ARMS]
        index = Index(open_storage(None, Path(folder)), names)
        studies = Studies(names, spaces, SAMPLER, seed, index)
        for start in range(0, trials, round_size):
            places = list(product(range(start, min(start + round_size, trials)), range(len(ARMS))))
            tried = [_setting(studies.params(arm, number, None)) for number, arm in places]
            values = losses.means("val_loss", tried, seeds)
            for (number, arm), one, value in zip(places, tried, values, strict=True):
                finite = math.isfinite(value)
                state = TrialState.COMPLETE if finite else TrialState.PRUNED
                studies.tell(arm, number, Outcome(state, value if finite else None))
                found[list(ARMS)[arm]].append((one, value))
    return dict(found)


def _setting(params: Mapping[str, float]) -> Setting:
    weight, ratio = params["regularizer.weight"], params.get("regularizer.l1_ratio")
    return L2(weight, "weights") if ratio is None else Elastic(weight, ratio, "weights")


def winners(losses: Losses, seed: int, settings: Settings) -> dict[str, dict[str, Setting]]:
    """Who wins in each arm, by the way in which the search ends."""
    size = settings.round_size
    longest = search(losses, seed, settings.more_trials, 1, size)
    repeated = search(losses, seed, settings.fewer_trials, settings.replicates, size)
    fresh = range(seed + 1, seed + 1 + settings.finalist_seeds)
    chosen = {}
    for arm in ARMS:
        trials = longest[arm][: settings.trials]
        best = [one for one, _ in sorted(trials, key=lambda one: one[1])[: settings.finalists]]
        found: dict[str, Search] = {
            f"{settings.trials} trials": trials,
            FINALISTS: _valued(losses, best, (seed, *fresh)),
            "fresh": _valued(losses, best, fresh),
            f"{settings.more_trials} trials": longest[arm],
            f"{settings.fewer_trials} trials of {settings.replicates} seeds": repeated[arm],
        }
        chosen[arm] = {way: _best(tried) for way, tried in found.items()}
    return chosen


def _valued(losses: Losses, tried: Sequence[Setting], seeds: Sequence[int]) -> Search:
    return list(zip(tried, losses.means("val_loss", tried, seeds), strict=True))


def _best(tried: Search) -> Setting:
    best = winner(tried)
    assert best is not None
    return best


def test_losses(losses: Losses, seed: int, settings: Settings) -> dict[str, dict[str, float]]:
    """The mean test loss of each winner of one search, by arm and way."""
    first = seed + CONFIRM_OFFSET
    seeds = range(first, first + settings.confirm_seeds)
    worth: dict[str, dict[str, float]] = {}
    for arm, ways in winners(losses, seed, settings).items():
        means = losses.means("test_loss", list(ways.values()), seeds)
        worth[arm] = dict(zip(ways, means, strict=True))
    return worth


def rows_of(images: int, found: Sequence[Mapping[str, Mapping[str, float]]]) -> list[Row]:
    """The gains over the searches that were made at one number of images."""
    ways = list(found[0][next(iter(ARMS))])
    least, *others = ways
    pairs = [(way, least) for way in others]
    pairs += [(FINALISTS, way) for way in others if way != FINALISTS]
    rows = []
    for way, over in pairs:
        gains = {
            arm: [100 * (one[arm][over] - one[arm][way]) / one[arm][least] for one in found]
            for arm in ARMS
        }
        gains["both arms"] = [statistics.mean(pair) for pair in zip(*gains.values(), strict=True)]
        rows += [
            mean_row(f"{images} images, {len(found)} searches, {arm}: {way} over {over}", values)
            for arm, values in gains.items()
        ]
    return rows


def mean_row(what: str, values: Sequence[float]) -> Row:
    """The mean of ``values`` with its t interval."""
    mean, n = statistics.mean(values), len(values)
    half = t.ppf((1 + CONFIDENCE) / 2, n - 1) * statistics.stdev(values) / math.sqrt(n)
    interval = f"{100 * CONFIDENCE:g} % interval"
    return Row(f"{what}: mean gain, {interval}", "%", mean, mean - half, mean + half, tuple(values))


@cache
def _losses(mode: Literal["compiled", "eager"], *overrides: str) -> Losses:
    return Losses(mode, *overrides)


def some_searches(
    settings: Settings, images: int, numbers: Sequence[int]
) -> list[dict[str, dict[str, float]]]:
    """The test losses of the winners of the searches of these numbers."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    sizes = (f"data.train_size={images}", f"trainer.epochs={settings.epochs}")
    losses = _losses(settings.mode, *sizes, "trainer.device=cpu")
    return [test_losses(losses, number * SEED_STEP, settings) for number in numbers]


def main() -> None:
    """Make all searches, and write what is known after each."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    cases = {images: {"images": images} for images in settings.images}
    make = partial(some_searches, settings)
    measure_searches("finalists", asdict(settings), cases, make, rows_of, folder)


if __name__ == "__main__":
    main()
