"""What the test rows can tell, in words."""

from collections.abc import Iterable, Sequence

from regsweep.report.tables.judge import plain
from regsweep.report.tables.looks import BETTER, WORSE
from regsweep.report.tables.request import Request
from regsweep.report.tables.rows import OverRows
from regsweep.report.words.numbers import short


def rows_remarks(found: Sequence[OverRows]) -> tuple[str, ...]:
    """Of each difference that was found over seeds and that other test rows might not show."""
    several = len({one.sweep for one in found}) > 1
    return tuple(
        f"{one.sweep + ': ' if several else ''}{one.arm} is {one.verdict} over seeds, but perhaps "
        f"not on other test rows: {cannot_tell([one])}; this one is {short(abs(one.improvement))}."
        for one in found
        if plain(one.verdict) in (BETTER, WORSE) and abs(one.improvement) < one.over_rows
    )


def rows_sentences(found: Sequence[OverRows]) -> tuple[str, ...]:
    """What these test rows can tell, and what limits it, the seeds or the rows; sweep by sweep."""
    several = len({one.sweep for one in found}) > 1
    sentences = []
    for sweep in dict.fromkeys(one.sweep for one in found):
        own = [one for one in found if one.sweep == sweep]
        wider = sum(one.over_rows > one.over_seeds for one in own)
        said = cannot_tell(own)
        prefix = f"{sweep}: w" if several else "W"
        which = "the test rows'" if wider else "the seeds'"
        if 0 < wider < len(own):
            which = f"the test rows' for {wider} of {len(own)} arms, the seeds' for the others"
        sentences.append(f"{prefix}{said[1:]}. The larger of the two intervals is {which}.")
    return tuple(sentences)


def cannot_tell(found: Sequence[OverRows]) -> str:
    """``with these 114 test rows, differences in test loss below 0.03 cannot be told from chance``.

    ``found`` are of one test part.
    """
    low, high = (short(end(one.over_rows for one in found)) for end in (min, max))
    below = low if low == high else f"{low} to {high}, depending on the arm,"
    return (
        f"with these {found[0].rows:,} test rows, differences in test loss below {below} cannot "
        "be told from chance"
    )


def resampled_words(asked: Iterable[Request]) -> str:
    """What the intervals over seeds cover where each seed draws rows too; empty where none does."""
    drawing = [one for one in asked if one.resample == "rows"]
    if not drawing:
        return ""
    shares = {share for one in drawing if (share := _shared(one))}
    alike = f": any two draws share about {100 * min(shares):.0f} % of them" if shares else ""
    return (
        "Each seed also drew the rows that it trained and validated on, so a verdict holds for "
        "other draws from these rows, and not for one split alone. It does not hold as surely for "
        f"another sample of rows, of which the draws tell less than independent ones would{alike}. "
        "The test rows stayed the same."
    )


def _shared(asked: Request) -> float | None:
    """The share of its training rows that a draw has in common with another, where all are used."""
    if asked.common.get("data.train_size", 0) is not None or not asked.data:
        return None
    data = next(iter(asked.data.values()))
    return data["train"] / (data["train"] + data["validation"]) if "train" in data else None
