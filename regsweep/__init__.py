"""Compare regularizers fairly, fast, and with evidence.

From top to bottom; a room imports from those below it alone.

- `cli/`: what a user meets: the command line, its checks, its reports
- `compare/`: the compare sweeper: equal budgets for every arm, evidence on fresh seeds, resume
- `packs/`: the pack launcher: the jobs of a round, trained many at once, published one by one
- `jobs/`: one Hydra job: composed, trained, published
- `sweep/`: what a sweep is: its arms, what is checked of it, what is settled for it
- `training/`: the training core: run specs in, results out, a pack of runs as one batched model
- `report/`: records gathered into tables, a verdict and a page
- `settings/`: what a run is asked to do, as plain checked values
- `data/`: the data sets: where they come from, that they are the right ones, how they are split
- `records/`: what is published and read back: records, sweep files, folders

Of no room, for all of them:

- `errors`: what stands in a user's way: bad input, or the machine; how it is worded; a hidden
  interrupt
- `called`: how this command was called, for the commands that it prints: to go on, to train again
- `output`: standard output whose reader may leave before the end, as ``head`` does
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING


def main(*, trust: Sequence[str] = ()) -> None:
    """The command line, for a Python file of your own: ``python study.py -m ...`` is then regsweep.

    ``trust`` names the callbacks, log handlers and the like that configs may run, each in full or
    all of a module: ``regsweep.main(trust=["mine.*"])``. Anything else in a config is refused.
    """
    from regsweep.cli.app import main as run

    run(trust)


if TYPE_CHECKING:  # to a type checker, __getattr__ would make every name right
    __version__: str
else:

    def __getattr__(name: str) -> str:
        if name == "__version__":
            from importlib.metadata import version

            return version("regsweep")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
