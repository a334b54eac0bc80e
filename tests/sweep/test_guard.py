"""What no config gets past, composed as the command line does it."""

import json
import pickle

import pytest
from hydra._internal.utils import create_config_search_path_from_sources
from hydra.core.utils import setup_globals
from hydra.types import RunMode
from omegaconf import OmegaConf

from regsweep.cli.app import CONF, DEFAULT_ARMS, of_a_sweep
from regsweep.cli.nodes import register_nodes
from regsweep.errors import InputError
from regsweep.sweep.guard import GuardedLoader
from regsweep.sweep.trust import EXECUTION_WHITELIST


@pytest.fixture(scope="module")
def loader(tmp_path_factory):
    setup_globals()
    register_nodes()
    here = tmp_path_factory.mktemp("hostile")
    (here / "experiment").mkdir()
    for name, node in HOSTILE.items():
        text = f"# @package _global_\nhydra: {json.dumps(node)}\n"
        (here / "experiment" / f"{name}.yaml").write_text(text)
    (here / "own.yaml").write_text(OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GuardedLoader, "trusted", (*EXECUTION_WHITELIST, "mine.*"))
        loader = GuardedLoader(create_config_search_path_from_sources([str(CONF), str(here)]))
    loader.of_a_sweep = of_a_sweep
    return loader


@pytest.fixture
def composed(loader):
    """The config of a command and, of a sweep, that of its first job, if that is asked for."""

    def compose(*overrides, job=None, name="config", mode=RunMode.RUN):
        config = loader._load_configuration(
            config_name=name,
            overrides=list(overrides),
            run_mode=mode if job is None else RunMode.MULTIRUN,
            from_shell=True,
            validate_sweep_overrides=False,
            skip_missing_defaults=False,
            activate_config_repository=True,
        )
        return config if job is None else loader.load_sweep_config(config, job)

    return compose


# Experiments of somebody else's: what the command line could not spell.
HOSTILE = {
    "filter": {"job_logging": {"filters": {"x": {"()": "logging.FileHandler", "filename": "/x"}}}},
    "attribute": {"job_logging": {"handlers": {"file": {".": {"baseFilename": "/x"}}}}},
    "environment": {"job": {"env_set": {"CXX": "x"}}},
    "pretence": {"job": {"env_set": {"CXX": "x"}}, "overrides": {"hydra": ["hydra.job.env_set=x"]}},
}
# A primary config that says what is compared.
OWN = "defaults: [config, _self_]\nhydra: {sweeper: {params: {regularizer: 'l1,l2'}}}\n"
LOG = "hydra.job_logging.handlers.file.filename"
SAMPLER = "hydra.sweeper.sampler"
UNPICKLE = "optuna.samplers.CmaEsSampler._restore_optimizer"
REFUSED = {
    "hydra.job.name=../../x": "hydra.job.name=../../x: expected a file name, ",
    "hydra.job.name=/x": "hydra.job.name=/x: expected a file name, ",
    "hydra.output_subdir=../x": "hydra.output_subdir=../x: expected null, or a folder below ",
    "hydra.output_subdir=/x": "hydra.output_subdir=/x: expected null, or a folder below ",
    f"{LOG}=/x.log": f"{LOG}=/x.log: expected a file in ",
    f"{LOG}=x.log": f"{LOG}=x.log: expected a file in ",
    LOG + "='${hydra.runtime.output_dir}/../x.log'": f"{LOG}=",
    "experiment=filter": "hydra.job_logging.filters.x.filename=/x: expected a file in ",
    "experiment=attribute": "hydra.job_logging.handlers.file..: sets attributes; leave it out",
    "experiment=environment": "hydra.job.env_set.CXX: a config may not set the environment, ",
    "experiment=pretence": "hydra.overrides: what Hydra writes of the command line; leave it out",
    "hydra.job_logging.handlers.file.class=os.system": (
        "hydra.job_logging.handlers.file.class=os.system: a config may not run it."
    ),
    "hydra.job_logging.handlers.console.stream='ext://os.environ'": (
        "hydra.job_logging.handlers.console.stream=os.environ: a config may not run it."
    ),
    "+hydra.hydra_logging.handlers.x={class: logging.FileHandler, filename: /x}": (
        "hydra.hydra_logging.handlers.x.filename=/x: expected a file in "
    ),
    "+hydra.callbacks.x={_target_: os.system}": (
        "hydra.callbacks.x._target_=os.system: a config may not run it."
    ),
    "~hydra.callbacks.regsweep": "hydra.callbacks.regsweep: expected ",
    "+hydra.callbacks.regsweep._partial_=true": "hydra.callbacks.regsweep: expected ",
    "hydra.callbacks.regsweep._target_=mine.Own": "hydra.callbacks.regsweep: expected ",
}
OF_A_RUN = {
    "hydra.run.dir=": "hydra.run.dir=: expected the name of a folder",
    "hydra.run.dir='~nobody-at-all/x'": "hydra.run.dir=~nobody-at-all/x: expected a folder (",
}
OF_A_SWEEP = {
    "hydra.sweep.dir=": "hydra.sweep.dir=: expected the name of a folder",
    "hydra.sweep.dir=' '": "hydra.sweep.dir= : expected the name of a folder",
    "hydra.sweep.subdir=../x": "hydra.sweep.subdir=../x: expected a folder below hydra.sweep.dir",
    "hydra.sweep.subdir=a/../../x": "hydra.sweep.subdir=a/../../x: expected a folder below ",
    "hydra.sweep.subdir=/x": "hydra.sweep.subdir=/x: expected a folder below hydra.sweep.dir",
    "hydra.sweep.subdir=.": "hydra.sweep.subdir=.: expected a folder below hydra.sweep.dir",
    f"{SAMPLER}._target_={UNPICKLE}": f"{SAMPLER}._target_={UNPICKLE}: a config may not run it.",
    f"{SAMPLER}.constraints_func=[{{a: {{_target_: {UNPICKLE}}}}}]": (
        f"{SAMPLER}.constraints_func[0].a._target_={UNPICKLE}: a config may not run it."
    ),
    SAMPLER + """.constraints_func="${oc.decode:'{_target_: os.system}'}\"""": (
        f"{SAMPLER}.constraints_func._target_=os.system: a config may not run it."
    ),
}


@pytest.mark.parametrize("override", [*REFUSED, *OF_A_RUN])
def test_a_run_keeps_to_what_is_trusted_and_to_its_folder(composed, override):
    with pytest.raises(InputError) as caught:
        composed(override)
    assert str(caught.value).startswith((REFUSED | OF_A_RUN)[override])


@pytest.mark.parametrize("override", [*REFUSED, *OF_A_SWEEP])
def test_so_does_a_sweep(composed, override):
    with pytest.raises(InputError) as caught:
        # An experiment is of each job too, as all that is no setting of Hydra's.
        composed(override, job=[override] if override.startswith("experiment") else [])
    assert str(caught.value).startswith((REFUSED | OF_A_SWEEP)[override])


@pytest.mark.parametrize("given", ["+hydra.job.env_set.CXX=x", "+hydra.job.env_set={CXX: x}"])
def test_the_command_line_may_set_the_environment(composed, given):
    assert composed(given).hydra.job.env_set == {"CXX": "x"}


def test_what_is_trusted_passes(composed):
    handler = "+hydra.job_logging.handlers.x={class: mine.Handler, level: INFO}"
    config = composed("+hydra.callbacks.x={_target_: mine.here.Own}", handler)

    assert config.hydra.callbacks.x._target_ == "mine.here.Own"
    assert config.hydra.job_logging.handlers.x["class"] == "mine.Handler"


def test_what_is_in_the_folder_passes(composed):
    within = LOG + "='${hydra.runtime.output_dir}/logs/${hydra.job.num}.log'"
    subdir = "hydra.sweep.subdir='${seed}/..${hydra.job.num}'"

    assert composed("hydra.output_subdir=a/b", subdir, within, job=["seed=3"]).seed == 3


def test_a_link_in_the_folder_does_not_count_as_in_it(composed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "logs").symlink_to(tmp_path)
    log = LOG + "='${hydra.runtime.output_dir}/logs/x.log'"

    with pytest.raises(InputError, match=r"logs/x\.log: expected a file in here$"):
        composed("hydra.run.dir=here", log)


def test_looking_leaves_a_config_as_it_was(composed):
    config = composed(job=["seed=3"])

    assert OmegaConf.is_missing(config.hydra.runtime, "output_dir")
    assert all(OmegaConf.is_missing(config.hydra.job, key) for key in ("num", "id"))


def test_a_sweep_has_one_folder_whatever_its_jobs_choose(composed):
    folder = "hydra.sweep.dir='x/${regularizer.name}-${now:%f}'"
    first, second = (composed(folder, job=[f"regularizer={name}"]) for name in ("l1", "l2"))

    assert first.hydra.sweep.dir.startswith("x/none-")
    assert second.hydra.sweep.dir.startswith("x/none-")


def test_home_is_expanded(composed, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")

    assert composed("hydra.run.dir='~/x'").hydra.run.dir == "/home/me/x"
    assert composed("hydra.sweep.dir='~/x'", job=[]).hydra.sweep.dir == "/home/me/x"


def test_a_loader_keeps_in_a_worker_what_is_trusted(loader):
    assert GuardedLoader.trusted == ()
    assert pickle.loads(pickle.dumps(loader)).trusted == (*EXECUTION_WHITELIST, "mine.*")


def test_what_is_only_shown_is_not_refused(loader):
    config = loader.load_configuration("config", ["hydra.run.dir="], RunMode.RUN)

    assert config.hydra.run.dir == ""


WEIGHT = "regularizer.weight=1"


@pytest.mark.parametrize(
    ("name", "given", "settled"),
    [
        ("config", [], [DEFAULT_ARMS]),
        ("config", [WEIGHT], ["regularizer.weight=choice(1)", DEFAULT_ARMS]),
        ("own", [], []),
        ("own", [WEIGHT], ["regularizer.weight=choice(1)"]),
        ("own", ["regularizer=none,l1"], ["regularizer=none,l1"]),
        ("own", [DEFAULT_ARMS], [DEFAULT_ARMS]),
    ],
)
def test_a_sweep_compares_all_five_unless_its_config_says_otherwise(composed, name, given, settled):
    config = composed(*given, name=name, mode=RunMode.MULTIRUN)

    assert config.hydra.overrides.task == settled


def test_a_run_is_of_what_it_names(composed):
    assert composed("seed=1", name="own").hydra.overrides.task == ["seed=1"]
