"""A second look at the records of a sweep: all arms against another one than was planned."""

from collections.abc import Mapping
from dataclasses import replace

from regsweep.errors import InputError, nearest
from regsweep.report.tables.request import Request


def against(arm: str, asked: Mapping[str, Request]) -> dict[str, Request]:
    """``asked`` with ``arm`` as the baseline of every sweep that compares arms.

    ``arm`` is its name, or its choices alone: ``l2``, or ``l2 cnn`` of
    ``regularizer=l2 model=cnn``. A sweep whose only baseline it is stays as it is.

    Each arm is judged at the looks that it and ``arm`` have both reached, on their common seeds,
    with the shares of the sweep's looks and Holm's correction over all arms but ``arm``. Each look
    spends its own share, so it does not matter what stopped the arms: where ``arm`` was named
    before anybody saw the results, anything that this look claims is false in no more than 5 % of
    sweeps. The sweep's own comparison spends another 5 %. Named for its results, for being the
    best of k arms say, the bound is k times 5 %, as it may be any of k such looks.

    Raises:
        InputError: no sweep compares arms, or one of those that do has no such arm.
    """
    compared = {sweep: one for sweep, one in asked.items() if one.compares and one.baselines}
    if not compared:
        raise InputError(f"--against={arm}: there is no sweep that compares arms")
    return dict(asked) | {sweep: _against(arm, sweep, one) for sweep, one in compared.items()}


def _against(arm: str, sweep: str, asked: Request) -> Request:
    names = {" ".join(word.partition("=")[2] for word in name.split()): name for name in asked.arms}
    name = arm if arm in asked.arms else names.get(arm)
    if name is None:
        raise InputError(f"--against={arm}: no such arm in {sweep}; {nearest(arm, names)}")
    if set(asked.baselines.values()) == {name}:
        return asked
    return replace(asked, against=name, baselines=dict.fromkeys(asked.arms, name))
