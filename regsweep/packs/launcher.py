"""``hydra/launcher=pack`` and its like: the jobs of a sweep, trained many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from regsweep.jobs.compose import ComposedOnce
from regsweep.jobs.task import task
from regsweep.packs.engines.choice import reached
from regsweep.sweep.cluster import LOCAL
from regsweep.sweep.internals import BasicLauncher
from regsweep.sweep.packing import PACK_LAUNCHER, packing_of

if TYPE_CHECKING:
    from regsweep.packs.rounds import Rounds


@dataclass
class PackLauncherConf:
    """The launcher's config; ``auto`` leaves both to the machine, or to the cluster."""

    _target_: str = PACK_LAUNCHER
    engine: str = LOCAL  # where the packs run; the other keys are of that
    pack_size: Any = "auto"  # the most runs that train as one
    workers: Any = "auto"  # processes, one thread each; 0 keeps all in this one
    checkpoint_minutes: Any = 30  # how often a pack keeps its state as it trains; null: never


# What a pack is for: cuda has the cluster give each a GPU.
DEVICE = "${trainer.device}"


@dataclass
class DaskLauncherConf(PackLauncherConf):
    """``hydra/launcher=pack_dask``: ``workers=auto`` is all threads of the scheduler's workers."""

    engine: str = "dask"
    address: str | None = None  # of a scheduler, such as tcp://10.0.0.1:8786; null starts one here
    # Or a class that starts a cluster, such as dask_jobqueue's, with its keyword arguments:
    # {_target_: NAME, ...}. A file of yours has to call regsweep.main(trust=[NAME]) for it; of
    # Dask's workers it is asked for so many as workers says.
    cluster: Any = None


@dataclass
class RayLauncherConf(PackLauncherConf):
    """``hydra/launcher=pack_ray``: ``workers=auto`` is all CPUs of the cluster, or all GPUs."""

    engine: str = "ray"
    address: str | None = None  # host:port, or auto; null starts Ray on this machine
    device: str = DEVICE


@dataclass
class SlurmLauncherConf(PackLauncherConf):
    """``hydra/launcher=pack_slurm``: ``workers=auto`` is all CPUs of the partition, or all GPUs."""

    engine: str = "slurm"
    folder: str = "${hydra.sweep.dir}"  # one that the nodes share with this machine
    device: str = DEVICE
    minutes: int = 60  # the longest that a pack may take; less is asked for where it is known
    memory: str | None = "4G"  # likewise; null leaves it to Slurm, and so do the keys below
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None


for name, node in (
    ("pack", PackLauncherConf),
    ("pack_dask", DaskLauncherConf),
    ("pack_ray", RayLauncherConf),
    ("pack_slurm", SlurmLauncherConf),
):
    ConfigStore.instance().store(group="hydra/launcher", name=name, node=node, provider="regsweep")


class PackLauncher(BasicLauncher):
    """Composes the jobs of a round, trains them in packs, then runs each as a Hydra job.

    A job's start callbacks therefore fire when its training is over, on a CPU in the process that
    trained it. Any task function but regsweep's own runs as under the basic launcher.
    """

    def __init__(self, **config: Any) -> None:
        super().__init__()
        packing_of(config)  # raises what is wrong with it
        self.rounds: Rounds | None = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Share one composing of the configs with the sweeper, which composes them to check."""
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        if task_function is task:
            hydra_context.config_loader = ComposedOnce(hydra_context.config_loader)

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Train the jobs of one round; their returns, in the order of ``job_overrides``."""
        if self.task_function is not task:
            return super().launch(job_overrides, initial_job_idx)
        if self.rounds is None:
            from regsweep.packs.rounds import Rounds  # loads PyTorch

            assert self.config is not None
            assert self.hydra_context is not None
            packing = reached(self.config.hydra.launcher)
            assert packing is not None
            self.rounds = Rounds(self.config, self.hydra_context, packing)
        return self.rounds.launch(job_overrides, initial_job_idx)
