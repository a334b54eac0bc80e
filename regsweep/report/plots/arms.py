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
    """How an arm is drawn; ``name`` is short and safe within plotly's markup."""

    name: str
    color: str
    symbol: str


def looks(arms: Iterable[str], baselines: Iterable[str] = ()) -> dict[str, Look]:
    """Each arm's look: grey for baselines, colours in the given order for the others."""
    arms = list(dict.fromkeys(arms))
    grey = set(baselines)
    names = short_names(arms)
    colored = [arm for arm in arms if arm not in grey]
    colors = {arm: _COLORS[i % len(_COLORS)] for i, arm in enumerate(colored)}
    return {
        arm: Look(
            name=escaped(names[arm], _LONGEST),
            color=colors.get(arm, _BASELINE_COLOR),
            symbol=_SYMBOLS[i % len(_SYMBOLS)],
        )
        for i, arm in enumerate(arms)
    }
