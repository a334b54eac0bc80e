"""What an arm is called and looks like, the same in every plot and table."""

from collections.abc import Iterable
from dataclasses import dataclass

from regsweep.report.plots.figure import escaped
from regsweep.report.words.view import short_names

# Okabe and Ito's palette, which colour-blind readers can tell apart (Color Universal Design,
# 2008), without black, which a dark page swallows, and with its yellow darkened for a white one.
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#A69A00")
_BASELINE_COLOR = "#808080"
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "hexagon")
_LONGEST = 28


@dataclass(frozen=True)
class Look:
    """How an arm is drawn; ``name`` is short and safe within plotly's markup.

    ``key`` is what a legend has: the name, or where there are many arms the choice of their first
    group, whose arms share a color.
    """

    name: str
    key: str
    color: str
    symbol: str


def looks(arms: Iterable[str], baselines: Iterable[str] = ()) -> dict[str, Look]:
    """Each arm's look: grey for baselines, colours in the given order for the others.

    More arms than there are colours share those of their first groups.
    """
    arms = list(dict.fromkeys(arms))
    grey = set(baselines)
    names = short_names(arms)
    keys = names
    if len([arm for arm in arms if arm not in grey]) > len(_COLORS):
        keys = {arm: first_choice(arm) for arm in arms}
    colored = list(dict.fromkeys(keys[arm] for arm in arms if arm not in grey))
    colors = {key: _COLORS[i % len(_COLORS)] for i, key in enumerate(colored)}
    within = {key: [arm for arm in arms if keys[arm] == key] for key in keys.values()}
    alone = len(within) == len(arms)
    return {
        arm: Look(
            name=escaped(names[arm], _LONGEST),
            key=escaped(keys[arm], _LONGEST),
            color=_BASELINE_COLOR if arm in grey else colors[keys[arm]],
            symbol=_SYMBOLS[(i if alone else within[keys[arm]].index(arm)) % len(_SYMBOLS)],
        )
        for i, arm in enumerate(arms)
    }


def first_choice(arm: str) -> str:
    """``l1`` of ``regularizer=l1 model=mlp``."""
    word = arm.partition(" ")[0]
    return word.partition("=")[2] or word


def legend_keys(looks: Iterable[Look]) -> list[str]:
    """The legend's entries, each once."""
    return list(dict.fromkeys(look.key for look in looks))
