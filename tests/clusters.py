"""Real schedulers on loopback, each started here and ended at the end, and engines on them."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from regsweep.packs.engines.dask import Dask
from regsweep.packs.engines.ray import Ray
from regsweep.packs.engines.slurm import Slurm
from regsweep.sweep.cluster import DaskCluster, RayCluster, SlurmCluster


@contextmanager
def started(*words, **environment):
    """A process that ends with the context."""
    process = subprocess.Popen(
        words,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def used(engine):
    try:
        yield engine
    finally:
        engine.kill()


def dask_of_this_process():
    pytest.importorskip("distributed", reason="needs Dask")
    return used(Dask(DaskCluster(None)))


@contextmanager
def dask_scheduler():
    """A Dask scheduler without workers: its address."""
    pytest.importorskip("distributed", reason="needs Dask")
    address = f"tcp://127.0.0.1:{free_port()}"
    words = ["--host", address, "--dashboard-address", "127.0.0.1:0"]
    with started(sys.executable, "-m", "distributed.cli.dask_scheduler", *words):
        yield address


def dask_worker(address, threads=1, within=()):
    """A worker of that scheduler, started by the command ``within``."""
    words = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0", "--no-nanny"]
    words += ["--nthreads", str(threads), "--memory-limit", "0", "--local-directory", "/tmp"]
    return started(*within, sys.executable, "-m", "distributed.cli.dask_worker", address, *words)


@contextmanager
def dask_at_an_address():
    with (
        dask_scheduler() as address,
        dask_worker(address),
        dask_worker(address),
        used(Dask(DaskCluster(address))) as engine,
    ):
        yield engine


def without(folder):
    """The command by which another sees an empty folder in the place of ``folder``, if it can."""
    mounts = f'mount -t tmpfs none {folder} && exec "$@"'
    within = ["unshare", "--mount", "sh", "-c", mounts, "sh"]
    failed = subprocess.run([*within, "true"], capture_output=True, check=False).returncode
    return [] if failed else within


# Ray has loopback for what is no cluster: its own switch allows no second node.
LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
ON_LOOPBACK = """
from ray._private import services
services.get_node_ip_address = lambda address=None: "127.0.0.1"
from ray.scripts.scripts import main
main()
"""


@contextmanager
def ray_node(environment, *words):
    """A node of a CPU and a GPU, on loopback; ends with all its processes, by SIGKILL."""
    asked = [sys.executable, "-c", ON_LOOPBACK, "start", "--block"]
    asked += ["--node-ip-address=127.0.0.1", "--num-cpus=1", "--object-store-memory=100000000"]
    asked += ["--num-gpus=1", "--disable-usage-stats", *words]  # it is believed
    with subprocess.Popen(
        asked,
        env={**os.environ, **environment, LOOPBACK: "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as node:
        try:
            assert node.stdout is not None
            assert any("Ray runtime started" in line for line in node.stdout)
            yield node
        finally:
            os.killpg(node.pid, signal.SIGKILL)


@contextmanager
def ray_head(auth="token"):
    """The first node of a cluster: itself, the address, and the environment that lets one in."""
    pytest.importorskip("ray", reason="needs Ray")
    environment = {
        "RAY_AUTH_MODE": auth,
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        LOOPBACK: "0",  # of who leads a sweep there
    }
    port = free_port()
    # A socket's path has few letters.
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as short:
        asked = ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={short}"]
        with ray_node(environment, *asked) as head:
            yield head, f"127.0.0.1:{port}", environment


@contextmanager
def ray_at_an_address():
    # Ray reads the environment when it is imported, which this process may have done.
    with ray_head("disabled") as (_, address, _), pytest.MonkeyPatch.context() as patched:
        patched.setattr("ray._private.ray_constants.ENABLE_RAY_CLUSTER", False)
        with used(Ray(RayCluster(address))) as engine:
            yield engine


SLURM_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
MailProg=/bin/true
MaxArraySize=4
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=64000 Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def slurm(hidden):
    """Slurm without accounting, on this machine: a controller, a node of two CPUs and a GPU.

    There need not be one: to Slurm it is a file.

    The node sees nothing of the folder ``hidden``, where this machine can have that. Gives the
    environment by which its commands find it.
    """
    if not all(map(shutil.which, ("munged", "slurmctld", "slurmd", "sbatch"))):
        pytest.skip("needs Slurm: Debian's slurm-wlm and munge")
    with tempfile.TemporaryDirectory(prefix="slurm") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # munged refuses a socket that not all can reach
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        conf = folder / "slurm.conf"
        conf.write_text(
            SLURM_CONF.format(
                host=socket.gethostname().partition(".")[0],
                folder=folder,
                controller=free_port(),
                node=free_port(),
            )
        )
        (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
        places = [f"--{part}={folder}/munge.{end}" for part, end in MUNGE.items()]
        words = ["--foreground", f"--key-file={key}", *places]
        stack.enter_context(started("munged", *words))
        deadline = time.monotonic() + 60
        while not (folder / "munge.sock").exists():
            assert time.monotonic() < deadline, "munged does not start"
            time.sleep(0.1)
        environment = {"SLURM_CONF": str(conf)}
        stack.enter_context(started("slurmctld", "-D", "-f", str(conf)))
        stack.enter_context(started(*without(hidden), "slurmd", "-D", "-f", str(conf)))
        while said_by("sinfo", "-h", "-o", "%T", **environment) != "idle":
            assert time.monotonic() < deadline, (folder / "slurmctld.log").read_text()
            time.sleep(0.2)
        yield environment
        said_by("scancel", "-u", "root", **environment)


MUNGE = {"socket": "sock", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}


def said_by(*words, **environment):
    """What a command prints."""
    done = subprocess.run(
        words, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


@contextmanager
def slurm_at_hand(gpu=False):
    """An engine on the Slurm that its commands find."""
    with (
        tempfile.TemporaryDirectory() as folder,
        used(Slurm(slurm_cluster(folder, gpu))) as engine,
        pytest.MonkeyPatch.context() as patched,
    ):
        # A folder of this machine shows at once what a task has left.
        patched.setattr("regsweep.packs.engines.slurm.POLL_SECONDS", 0.1)
        patched.setattr("regsweep.packs.engines.slurm.GRACE_SECONDS", 0.5)
        yield engine


def slurm_cluster(folder, gpu=False, partition=None):
    return SlurmCluster(str(folder), 60, "1G", partition, None, None, None, gpu)
