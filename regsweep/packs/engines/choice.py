"""Which engine runs the packs of a sweep."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from omegaconf import DictConfig

from regsweep.packs.engines.dask import Dask
from regsweep.packs.engines.delivery import Delivering, needs_of
from regsweep.packs.engines.engine import Engine
from regsweep.packs.engines.in_process import InProcess
from regsweep.packs.engines.local import Local
from regsweep.packs.engines.ray import Ray
from regsweep.packs.engines.slurm import Slurm
from regsweep.settings.run import Run
from regsweep.sweep.cluster import Cluster, DaskCluster, RayCluster, SlurmCluster
from regsweep.sweep.packing import Packing, read_packing
from regsweep.sweep.tryout import RunAll, in_turn

# One of each a process: loky's workers are shared by all that ask for them.
IN_PROCESS, LOCAL = InProcess(), Local()
_OF_CLUSTERS: dict[Cluster, Delivering] = {}


def engine_of(packing: Packing) -> Engine:
    """``hydra.launcher.workers=0`` keeps all in this process."""
    if packing.workers == 0:
        return IN_PROCESS
    return LOCAL if packing.cluster is None else _engine_on(packing.cluster)


def reached(launcher: DictConfig, runs: Sequence[Run] = ()) -> Packing | None:
    """As ``read_packing``, with the workers that the cluster has, which answers then.

    Workers that lack what ``runs`` read get it.

    Raises:
        InputError: a value is wrong, the cluster cannot be reached, or its workers' packages are
            not those that are here.
    """
    packing = read_packing(launcher)
    if packing is None or packing.cluster is None or packing.workers == 0:
        return packing
    engine = _engine_on(packing.cluster)
    workers = engine.reach(packing.workers)
    if runs:
        engine.equip(needs_of(runs, Path.cwd()))
    return replace(packing, workers=workers, processors=tuple(sorted(engine.processors)))


def _engine_on(cluster: Cluster) -> Delivering:
    if cluster not in _OF_CLUSTERS:
        match cluster:
            case DaskCluster():
                _OF_CLUSTERS[cluster] = Delivering(Dask(cluster))
            case RayCluster():
                _OF_CLUSTERS[cluster] = Delivering(Ray(cluster))
            case SlurmCluster():
                _OF_CLUSTERS[cluster] = Delivering(Slurm(cluster))
    return _OF_CLUSTERS[cluster]


def dismiss_all() -> None:
    """Dismiss what the engines of this process have started."""
    engines: list[Engine] = [IN_PROCESS, LOCAL, *_OF_CLUSTERS.values()]
    for engine in engines:
        engine.dismiss()


def runner_of(packing: Packing | None) -> RunAll:
    """What runs calls where a sweep trains: its engine, or this process where it packs nothing."""
    return in_turn if packing is None else partial(run_all, engine_of(packing))


def run_all(engine: Engine, calls: Sequence[Callable[[], None]], at_once: int) -> None:
    """Run ``calls`` on ``engine``; the first error ends them all.

    Raises:
        BrokenExecutor: a call has ended its process.
    """
    finished = False
    try:
        for future in [engine.submit(call, at_once) for call in calls]:
            future.result()
        finished = True
    finally:
        if not finished:  # what is at work is not waited for
            engine.kill()
