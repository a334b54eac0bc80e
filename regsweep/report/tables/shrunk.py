"""What networks shrink to whose hidden units lost all their incoming weights."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from regsweep.records.record import UNITS, WEIGHTS
from regsweep.records.stored import Unreadable, read_bytes
from regsweep.report.tables.arm import ArmResult
from regsweep.report.tables.gather import GatheredRun, Problem, shown

Widths = tuple[int, ...]


@dataclass(frozen=True)
class Shrunk:
    """The network of one confirm run: its widths, inputs and outputs included, and those left.

    Of an arm's ``seeds`` it is the run of the median number of units left, the lower of two; its
    ``seed`` says which. A convolution is as wide as it has channels.
    """

    sweep: str
    arm: str
    widths: Widths
    left: Widths
    seed: int
    seeds: int


def shrunk_networks(
    results: Iterable[ArmResult], runs: Sequence[GatheredRun]
) -> tuple[list[Shrunk], list[Problem]]:
    """Of each arm, and its sparsest trial, that lost units, its network; and what is damaged.

    ``runs`` are those of the results' table, in its order. An arm is left out where a confirm run
    broke off or the weights are gone.
    """
    found: list[Shrunk] = []
    damaged: list[Problem] = []
    for result in (one for arm in results for one in (arm, arm.sparsest) if one):
        if not result.confirmed or result.tested.empty or UNITS not in result.final:
            continue
        ordered = result.final.sort_values([UNITS, "seed"], ascending=[False, True])
        median = ordered.index[(len(ordered) - 1) // 2]
        path = Path(runs[median].folder, WEIGHTS)
        if not ordered[UNITS].max() > 0 or not os.path.lexists(path):
            continue
        try:
            widths, left = widths_left(path)
        except Unreadable as error:
            damaged.append(Problem(shown(str(path)), error.reason))
            continue
        seed = runs[median].record.seed
        found.append(Shrunk(result.sweep, result.arm, widths, left, seed, len(ordered)))
    return found, damaged


def widths_left(path: Path) -> tuple[Widths, Widths]:
    """The widths of the built-in network whose weights lie at ``path``, and those left.

    Left out are hidden units whose incoming weights are all 0: each is a constant.

    Raises:
        Unreadable: the file holds no weights of layers one behind the other.
    """
    try:
        tensors = load(read_bytes(path))
        # By their layer's place, as in `0.weight`; those of norms have one dimension.
        layers = [
            tensors[name]
            for name in sorted(tensors, key=lambda name: int(name.partition(".")[0]))
            if tensors[name].ndim > 1
        ]
        first, *_ = layers
    except (SafetensorError, ValueError) as error:
        raise Unreadable(path, f"unreadable ({error})") from error
    used = [int(np.any(one.reshape(len(one), -1), axis=1).sum()) for one in layers[:-1]]
    widths = [len(one) for one in layers]
    return (first.shape[1], *widths), (first.shape[1], *used, widths[-1])
