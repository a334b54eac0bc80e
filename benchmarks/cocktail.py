"""How often a cocktail is better than the best of its rivals: no regularizer, and each ingredient.

On breast_cancer, on digits and on 5,000 images of MNIST, by Adam at learning rates at which the
network overfits in few epochs without a regularizer: searches with a sweep seed of their own, by
the suggestions and the search spaces of a sweep of ``regularizer=none,l1,...,cocktail`` with 16
trials a round, 200 trials an arm. What a search of 20 or 50 trials finds are the first so many of
these. So the rivals together have several times the cocktail's trials, as in a sweep. Elastic net
and group lasso, which are no ingredients, are left out.

An arm's winner is its trial of the least validation loss, and a winner's worth is its mean test
loss over 10 seeds that no search has seen. The cocktail's is compared with that of

- the chosen rival: of all rivals' winners that of the least validation loss, which a user takes;
- the best rival: that of the least test loss, which nobody knows before; a bar that is too high.

Rows give the share of searches in which the cocktail's worth is the lower, with its exact interval,
and by how much it is lower in the mean, in % of the rival's, with its t interval.

The result is written after every few searches, whose runs train at once; stopped and started
again, it goes on from there.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from itertools import product
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import optuna
import torch
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from optuna.trial import TrialState

from benchmarks.finalists import CONFIRM_OFFSET, SAMPLER, SEED_STEP, Losses, mean_row
from benchmarks.measure import Row, quick_folder
from benchmarks.null import share_row
from benchmarks.searches import measure_searches
from regsweep.cli.app import CONF
from regsweep.cli.nodes import register_nodes
from regsweep.compare.index import Index
from regsweep.compare.space import override_lines, search_space_of
from regsweep.compare.storage import open_storage
from regsweep.compare.studies import Outcome, Studies
from regsweep.records.objective import winner
from regsweep.settings.config import read_run
from regsweep.settings.flat import nested
from regsweep.settings.own import OwnRegularizer
from regsweep.settings.regularizer import INGREDIENTS, Regularizer
from regsweep.sweep.arms import Arm
from regsweep.sweep.preflight import check_sweep

COCKTAIL = "cocktail"
RIVALS = ("none", *(one.name for one in INGREDIENTS))
_SMALL = ("data=sklearn", "trainer.batch_size=32")
DATA = {
    "breast_cancer": (*_SMALL, "trainer.epochs=40", "optimizer.lr=3e-3"),
    "digits": (*_SMALL, "data.dataset=digits", "trainer.epochs=20", "optimizer.lr=3e-3"),
    "mnist, 5000 images": (
        "data.train_size=5000",
        "data.validation_size=2500",
        "trainer.epochs=10",
        "optimizer.lr=1e-2",
    ),
}
TOGETHER = 5  # searches of a process, so that there are enough alike for a pack
Worth = Mapping[str, Mapping[str, Sequence[float]]]
"""The worth and the validation loss of each arm's winner, by the number of trials, as text."""
Tried = list[tuple[Regularizer, float]]
"""What an arm tries, and its validation loss."""


@dataclass(frozen=True)
class Settings:
    """``searches`` on each of ``data``, each of which ends at every one of ``trials``."""

    data: tuple[str, ...]
    searches: int
    trials: tuple[int, ...]
    round_size: int
    confirm_seeds: int
    mode: Literal["compiled", "eager"]
    overrides: tuple[str, ...] = ()


FULL = Settings(tuple(DATA), 20, (20, 50, 200), 16, 10, "compiled")
QUICK = Settings(("breast_cancer",), 2, (2, 3), 2, 2, "eager", ("trainer.epochs=1",))


def compose_arms(*overrides: str) -> tuple[Arm, ...]:
    """The cocktail and its rivals as the arms of a sweep, each of which searches its own keys."""
    register_nodes()
    arms = ",".join((*RIVALS, COCKTAIL))
    with initialize_config_dir(config_dir=str(CONF)):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        config = hydra.compose_config(
            "config",
            [f"regularizer={arms}", *overrides, "hydra.mode=MULTIRUN", "hydra.sweep.dir=unused"],
            run_mode=RunMode.MULTIRUN,
            with_log_configuration=False,
        )
        return check_sweep(config, GlobalHydra.instance().config_loader()).arms


def regularizer_of(arm: Arm, params: Mapping[str, object]) -> Regularizer:
    """That of a run of ``arm`` whose trial has ``params``."""
    lines = (line.split("=", 1) for line in override_lines(params))
    values = {key: json.loads(value) for key, value in lines}
    found = read_run(nested({**arm.config, **values})).regularizer
    assert not isinstance(found, OwnRegularizer)
    return found


def search_all(
    losses: Losses, arms: Sequence[Arm], seeds: Sequence[int], settings: Settings
) -> list[dict[str, Tried]]:
    """What each arm tries in the search of each of ``seeds``, by the names of the arms.

    The searches know nothing of each other, but their rounds are trained at once.
    """
    spaces = [search_space_of(arm) for arm in arms]
    every = product(range(max(settings.trials)), range(len(arms)))
    # What has nothing to search is tried once.
    dealt = [(number, arm) for number, arm in every if number == 0 or spaces[arm]]
    names = [arm.choices["regularizer"] for arm in arms]
    found: list[dict[str, Tried]] = [{name: [] for name in names} for _ in seeds]
    with TemporaryDirectory() as folder:
        index = Index(open_storage(None, Path(folder)), names)  # nothing is written to it
        every_studies = [
            Studies([arm.name for arm in arms], spaces, SAMPLER, seed, index) for seed in seeds
        ]
        for start in range(0, len(dealt), settings.round_size):
            places = dealt[start : start + settings.round_size]
            tried = [
                [
                    regularizer_of(arms[arm], studies.params(arm, number, None))
                    for number, arm in places
                ]
                for studies in every_studies
            ]
            pairs = zip(tried, seeds, strict=True)
            losses.train((one, seed) for asked, seed in pairs for one in asked)
            for own, asked, studies, seed in zip(found, tried, every_studies, seeds, strict=True):
                values = losses.means("val_loss", asked, [seed])
                for (number, arm), one, value in zip(places, asked, values, strict=True):
                    finite = math.isfinite(value)
                    state = TrialState.COMPLETE if finite else TrialState.PRUNED
                    studies.tell(arm, number, Outcome(state, value if finite else None))
                    own[names[arm]].append((one, value))
    return found


def best_of(tried: Tried) -> tuple[Regularizer, float]:
    """The winner of what an arm has tried, and its validation loss."""
    won = winner((i, value) for i, (_, value) in enumerate(tried))
    assert won is not None
    return tried[won]


def worth_of_winners(
    losses: Losses, arms: Sequence[Arm], seeds: Sequence[int], settings: Settings
) -> list[Worth]:
    """The mean test loss of each arm's winner and its validation loss, by the number of trials."""
    all_best = [
        {
            str(trials): {name: best_of(tried[:trials]) for name, tried in found.items()}
            for trials in settings.trials
        }
        for found in search_all(losses, arms, seeds, settings)
    ]
    confirm = range(CONFIRM_OFFSET, CONFIRM_OFFSET + settings.confirm_seeds)
    fresh = [[seed + one for one in confirm] for seed in seeds]
    losses.train(
        (one, seed)
        for by_trials, own in zip(all_best, fresh, strict=True)
        for best in by_trials.values()
        for one, _ in best.values()
        for seed in own
    )
    return [
        {
            trials: {
                name: [*losses.means("test_loss", [one], own), value]
                for name, (one, value) in best.items()
            }
            for trials, best in by_trials.items()
        }
        for by_trials, own in zip(all_best, fresh, strict=True)
    ]


def rows_of(data: str, found: Sequence[Worth]) -> list[Row]:
    """How often, and by how much, the cocktail is better in the searches ``found`` on ``data``."""
    rows = []
    for trials in found[0]:
        for rival, place in (("chosen", 1), ("best", 0)):
            pairs = []
            for one in found:
                arms = dict(one[trials])
                mine, _ = arms.pop(COCKTAIL)
                theirs, _ = min(arms.values(), key=itemgetter(place))
                pairs.append((mine, theirs))
            what = (
                f"{data}, {trials} trials, {len(found)} searches: cocktail over the {rival} rival"
            )
            rows.append(share_row(f"{what}: better", [mine < theirs for mine, theirs in pairs]))
            gains = [100 * (theirs - mine) / theirs for mine, theirs in pairs]
            rows.append(mean_row(what, gains))
    return rows


@cache
def _made(mode: Literal["compiled", "eager"], *overrides: str) -> tuple[Losses, tuple[Arm, ...]]:
    return Losses(mode, *overrides), compose_arms(*overrides)


def some_searches(settings: Settings, data: str, numbers: Sequence[int]) -> list[Worth]:
    """The worth of the winners of the searches of these numbers."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    overrides = (*DATA[data], "trainer.device=cpu", *settings.overrides)
    losses, arms = _made(settings.mode, *overrides)
    return worth_of_winners(losses, arms, [number * SEED_STEP for number in numbers], settings)


def main() -> None:
    """Make all searches, and write what is known after each."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    cases = {
        data: {"data": data, "overrides": [*DATA[data], *settings.overrides]}
        for data in settings.data
    }
    make = partial(some_searches, settings)
    measure_searches("cocktail", asdict(settings), cases, make, rows_of, folder, TOGETHER)


if __name__ == "__main__":
    main()
