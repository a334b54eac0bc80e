"""Compare regularizers fairly, fast, and with evidence.

=====================  ==========================================================
module                 what it holds
=====================  ==========================================================
``regsweep.cli.app``       the command line: Hydra in, exit codes out
``regsweep.sweep.trust``     what a config may run
``regsweep.sweep.guard``     what every config passes: it runs what is trusted, stays in its folder
``regsweep.records.folder``    the folder of a run or a sweep: named, held by one process
``regsweep.cli.arguments`` the options of the command line, in full
``regsweep.called``    how the command was called, for the commands that it prints
``regsweep.output``    standard output whose reader may leave
``regsweep.cli.callback``  checks before a run or stock sweep, the report after one
``regsweep.sweep.arms``      the arms of a sweep, composed and checked
``regsweep.sweep.preflight`` what can be known of a sweep before its first job
``regsweep.settings.config``    the composed config, checked and turned into plain values
``regsweep.settings``      those values: what a run is asked to do
``regsweep.compare.sweeper``   ``hydra/sweeper=compare``, as Hydra sees it
``regsweep.compare``   the comparison: search, confirm, resume
``regsweep.packs.launcher``  ``hydra/launcher=pack``, as Hydra sees it
``regsweep.packs.rounds``    the jobs of a round: composed, trained in packs, published
``regsweep.jobs.job``       one Hydra job: a config in, a trained run and its record out
``regsweep.data``      MNIST and Fashion-MNIST: fetched, verified, split
``regsweep.training``  the training core: a pack of runs trained as one model
``regsweep.records.record``    what a run publishes
``regsweep.report``    records gathered into tables, a verdict and ``report.html``
=====================  ==========================================================
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
