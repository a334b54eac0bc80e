"""How often a cocktail is better than the best of its rivals: no regularizer, and each ingredient.

On breast_cancer, on digits and on 5,000 images of MNIST, by Adam at a learning rate of 3e-3, at
which they overfit in few epochs: searches with a sweep seed of their own, by the suggestions and
the search spaces of a sweep of ``regularizer=none,l1,...,cocktail`` with 16 trials a round, 200
trials an arm. What a search of 20 or 50 trials finds are the first so many of these. So the rivals
together have several times the cocktail's trials, as in a sweep. Elastic net and group lasso, which
are no ingredients, are left out.

An arm's winner is its trial of the least validation loss, and a winner's worth is its mean test
loss over 10 seeds that no search has seen. The cocktail's is compared with that of

- the chosen rival: of all rivals' winners that of the least validation loss, which a user takes;
- the best rival: that of the least test loss, which nobody knows before; a bar that is too high.

Rows give the share of searches in which the cocktail's worth is the lower, with its exact interval,
and by how much it is lower in the mean, in % of the rival's, with its t interval.

The result is written after every search; stopped and started again, it goes on from there.
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
from benchmarks.measure import Row, publish, quick_folder
from benchmarks.null import share_row
from benchmarks.searches import all_searches
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
    "breast_cancer": (*_SMALL, "trainer.epochs=40"),
    "digits": (*_SMALL, "data.dataset=digits", "trainer.epochs=20"),
    "mnist, 5000 images": ("data.train_size=5000", "trainer.epochs=20"),
}
LR = "optimizer.lr=3e-3"
"""The worth and the validation loss of each arm's winner, by the number of trials, as text."""
Worth = Mapping[str, Mapping[str, Sequence[float]]]


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


def search(
    losses: Losses, arms: Sequence[Arm], seed: int, settings: Settings
) -> dict[str, list[tuple[Regularizer, float]]]:
    """What each arm tries, and its validation loss."""
    names = [arm.choices["regularizer"] for arm in arms]
    found: dict[str, list[tuple[Regularizer, float]]] = {name: [] for name in names}
    spaces = [search_space_of(arm) for arm in arms]
    every = product(range(max(settings.trials)), range(len(arms)))
    # What has nothing to search is tried once.
    dealt = [(number, arm) for number, arm in every if number == 0 or spaces[arm]]
    with TemporaryDirectory() as folder:
        index = Index(open_storage(None, Path(folder)), names)
        studies = Studies([arm.name for arm in arms], spaces, SAMPLER, seed, index)
        for start in range(0, len(dealt), settings.round_size):
            places = dealt[start : start + settings.round_size]
            tried = [
                regularizer_of(arms[arm], studies.params(arm, number, None))
                for number, arm in places
            ]
            values = losses.means("val_loss", tried, [seed])
            for (number, arm), one, value in zip(places, tried, values, strict=True):
                finite = math.isfinite(value)
                state = TrialState.COMPLETE if finite else TrialState.PRUNED
                studies.tell(arm, number, Outcome(state, value if finite else None))
                found[names[arm]].append((one, value))
    return found


def worth_of_winners(losses: Losses, arms: Sequence[Arm], seed: int, settings: Settings) -> Worth:
    """The mean test loss of each arm's winner and its validation loss, by the number of trials."""
    found = search(losses, arms, seed, settings)
    first = seed + CONFIRM_OFFSET
    worth: dict[str, dict[str, list[float]]] = {}
    for trials in settings.trials:
        best = {}
        for name, tried in found.items():
            won = winner((i, value) for i, (_, value) in enumerate(tried[:trials]))
            assert won is not None
            best[name] = tried[won]
        seeds = range(first, first + settings.confirm_seeds)
        means = losses.means("test_loss", [one for one, _ in best.values()], seeds)
        pairs = zip(best.items(), means, strict=True)
        worth[str(trials)] = {name: [mean, value] for (name, (_, value)), mean in pairs}
    return worth


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


def one_search(settings: Settings, data: str, number: int) -> Worth:
    """The worth of the winners of the search of that number."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    overrides = (*DATA[data], LR, "trainer.device=cpu", *settings.overrides)
    losses, arms = _made(settings.mode, *overrides)
    return worth_of_winners(losses, arms, number * SEED_STEP, settings)


def main() -> None:
    """Make all searches, and write what is known after each."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    rows: list[Row] = []
    for data in settings.data:
        case = asdict(settings) | {
            "data": data,
            "overrides": [*DATA[data], LR, *settings.overrides],
        }
        case.pop("searches")
        make = partial(one_search, settings, data)
        now: list[Row] = []
        for found in all_searches("cocktail", case, settings.searches, make, folder):
            if len(found) > 1:
                now = rows_of(data, found)
                publish("cocktail", asdict(settings), [*rows, *now], folder)
        rows += now


if __name__ == "__main__":
    main()
