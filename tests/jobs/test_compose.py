from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import setup_globals
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import II, Node, OmegaConf, open_dict

from regsweep.cli.app import CONF
from regsweep.cli.nodes import register_nodes
from regsweep.jobs.compose import ComposedOnce
from regsweep.settings.plain_config import plain_config


@pytest.fixture
def loader():
    register_nodes()
    setup_globals()
    with initialize_config_dir(str(CONF)):
        yield GlobalHydra.instance().config_loader()


@pytest.fixture
def master(loader):
    return loader.load_configuration("config", ["seed=7"], run_mode=RunMode.MULTIRUN)


class Counting:
    """Counts what is composed in earnest."""

    def __init__(self, loader):
        self.loader, self.composed = loader, 0

    def load_sweep_config(self, master, overrides):
        self.composed += 1
        return self.loader.load_sweep_config(master, overrides)


SAME = [
    ["regularizer=l1", "regularizer.weight=1e-3", "optimizer.lr=0.1", "seed=1"],
    ["regularizer=l1", "regularizer.weight=0.5", "optimizer.lr=3e-4", "seed=2"],
    ["regularizer=l1", "regularizer.weight=5.0", "optimizer.lr=1.0", "seed=3"],
]
COCKTAILS = [
    ["regularizer=cocktail", "regularizer.l1=null", "regularizer.l2=1e-3", "seed=1"],
    ["regularizer=cocktail", "regularizer.l1=0.5", "regularizer.l2=null", "seed=2"],
]
ODD = [
    ["data.train_size=null"],
    ["data.train_size=10"],
    ["regularizer=l1", "regularizer.search=null"],
    ["regularizer=l1", "regularizer.search.weight=null"],
    ["regularizer=l2", "regularizer.weight=1e-3"],
    ["regularizer=l2", "regularizer.weight=0.001", "regularizer.weight=0.002"],
    ["regularizer=l2", "regularizer.weight=0.003", "regularizer.weight=0.004"],
    ["experiment=article_l1", "trainer.epochs=2"],
    ["experiment=article_l1", "trainer.epochs=3"],
    ["model.hidden=[8]", "data.train_size=100"],
    ["model.hidden=[16]", "data.train_size=200"],
    ["model.hidden.0=8"],
    ["model.hidden.0=16"],
    ["seed='3'"],
    ["seed=true"],
    ["objective=val_error"],
    ["hydra.job.num=3"],
    ["optimizer.lr=1", "optimizer={lr: 3}"],
    ["optimizer.lr=2", "optimizer={lr: 3}"],
    ["optimizer={lr: 3}", "optimizer.lr=2"],
    ["optimizer={lr: 3}", "optimizer.lr=1"],
    ["~regularizer.search"],
    ["regularizer.weight=${optimizer.lr}", "regularizer=l1"],
]


def test_configs_are_those_of_hydra(loader, master):
    once = ComposedOnce(loader)

    for overrides in [*SAME, *SAME, *COCKTAILS, *COCKTAILS, *ODD, *ODD]:
        mine = once.load_sweep_config(master, overrides)
        hydras = loader.load_sweep_config(master, overrides)
        assert OmegaConf.to_yaml(mine) == OmegaConf.to_yaml(hydras)
        assert mine.hydra.job.override_dirname == hydras.hydra.job.override_dirname
        assert OmegaConf.is_struct(mine) == OmegaConf.is_struct(hydras)
        assert OmegaConf.is_readonly(mine.hydra) == OmegaConf.is_readonly(hydras.hydra)


# Of each, a value that is the same for all, and one that a number bears on.
@pytest.mark.parametrize(
    ("wish", "resolved"),
    [
        ("+run.x=1", True),
        ("+run.x=${oc.env:HOME,x}", True),
        ("+run.x=${optimizer.lr}", False),
        ("+run.x=[${seed}]", False),
        ("+run.x=???", False),
        ("model.hidden=[8,???]", False),
        ("+run.x=${oc.env:NOT_THERE,???}", False),
        ("+run.x=${hydra:job.num}", False),
        ("model.hidden.0=8", False),
    ],
)
def test_a_draft_is_resolved_where_a_number_bears_on_itself_alone(loader, master, wish, resolved):
    once = ComposedOnce(loader)

    for overrides in SAME:
        deferred = once.defer(master, [*overrides, wish])
        assert (deferred.plain is not None) == resolved
        if resolved:
            assert deferred.plain == plain_config(deferred.config(master))
            assert deferred.plain["optimizer"]["lr"] == float(overrides[2].partition("=")[2])


@dataclass
class Typed:
    name: str = "adam"
    lr: float = 0.1
    steps: int = 1


def test_what_a_schema_converts_is_composed_by_hydra(loader, master, monkeypatch):
    monkeypatch.setattr(ConfigStore.instance(), "repo", deepcopy(ConfigStore.instance().repo))
    ConfigStore.instance().store(group="optimizer", name="typed", node=Typed)
    once = ComposedOnce(loader)

    first, other = (once.defer(master, ["optimizer=typed", f"optimizer.lr={lr}"]) for lr in "12")

    assert [deferred.plain for deferred in (first, other)] == [None, None]
    assert type(other.config(master).optimizer.lr) is float
    assert once.defer(master, ["optimizer=typed", "optimizer.steps=2"])
    with pytest.raises(HydraException):
        once.defer(master, ["optimizer=typed", "optimizer.steps=2.5"])


def test_jobs_that_differ_in_numbers_are_composed_once(loader, master):
    counting = Counting(loader)
    once = ComposedOnce(counting)

    configs = [once.load_sweep_config(master, overrides) for overrides in SAME]
    configs[0].optimizer.lr = -1

    assert counting.composed == 1
    assert [config.seed for config in configs] == [1, 2, 3]
    assert once.load_sweep_config(master, SAME[0]).optimizer.lr == 0.1


def test_null_is_a_number_too(loader, master):
    counting = Counting(loader)
    once = ComposedOnce(counting)

    found = [once.defer(master, overrides).plain["regularizer"] for overrides in COCKTAILS]

    assert counting.composed == 1
    assert [(one["l1"], one["l2"]) for one in found] == [(None, 1e-3), (0.5, None)]


@pytest.mark.parametrize(
    ("part", "key"), [(lambda c: c, "seed"), (lambda c: c.hydra, "verbose")], ids=["all", "hydra"]
)
def test_a_copy_is_as_omegaconf_makes_it(loader, master, part, key):
    once = ComposedOnce(loader)
    once.load_sweep_config(master, SAME[1])
    fast, plain = (kind.load_sweep_config(master, SAME[0]) for kind in (once, loader))
    for config in (fast, plain):
        OmegaConf.set_readonly(config.hydra, True)

    mine, omegaconfs = deepcopy(part(fast)), deepcopy(part(plain))

    assert OmegaConf.to_yaml(mine) == OmegaConf.to_yaml(omegaconfs)
    assert OmegaConf.is_struct(mine) == OmegaConf.is_struct(omegaconfs)
    assert OmegaConf.is_readonly(mine) == OmegaConf.is_readonly(omegaconfs)
    assert OmegaConf.get_type(mine) == OmegaConf.get_type(omegaconfs)
    assert mine._get_parent() is part(fast)._get_parent()
    OmegaConf.set_readonly(mine, False)
    OmegaConf.update(mine, key, 99)
    assert mine[key] == 99
    assert part(fast)[key] == part(plain)[key] != 99


@dataclass
class Every:
    """A node of every kind that a config may hold."""

    one: int = 1
    either: int | str = "x"
    neither: int | str | None = None
    many: list[int] = field(default_factory=lambda: [1, 2])
    named: dict[str, float] = field(default_factory=lambda: {"a": 0.5})
    nothing: dict[str, float] | None = None
    where: Path = Path("here")
    must: str = "???"
    other: int = II("one")


def nodes(config):
    """All nodes under ``config``, itself included, by where they stand."""
    found, waiting = {}, [((), config)]
    while waiting:
        place, node = waiting.pop()
        found[place] = node
        content = node.__dict__.get("_content")
        if isinstance(content, dict):
            below = list(content.items())
        elif isinstance(content, list):
            below = list(enumerate(content))
        else:
            below = [("", content)] if isinstance(content, Node) else []  # of a union
        waiting += [((*place, key), child) for key, child in below]
    return found


def test_a_copy_has_all_that_omegaconfs_has_and_shares_nothing_that_can_change(loader, master):
    once = ComposedOnce(loader)
    once.load_sweep_config(master, SAME[1])
    config, plain = (kind.load_sweep_config(master, SAME[0]) for kind in (once, loader))
    for one in (config, plain):
        with open_dict(one):
            one.every = Every
        OmegaConf.set_readonly(one.every.many, True)
        one._metadata.resolver_cache["now"]["x"] = [1]

    before, mine, omegaconfs = map(nodes, (config, deepcopy(config), deepcopy(plain)))

    assert mine.keys() == omegaconfs.keys() == before.keys()
    assert ("every", "either", "") in mine
    for place, node in mine.items():
        its, first = omegaconfs[place], before[place]
        assert isinstance(node, type(its))
        assert node._metadata == its._metadata
        assert node.__dict__.keys() == its.__dict__.keys()
        assert node.__dict__.get("_val") == its.__dict__.get("_val")
        assert node is not first
        assert node._metadata is not first._metadata
        assert node._metadata.flags is not first._metadata.flags or not first._metadata.flags
        assert node._metadata.resolver_cache is not first._metadata.resolver_cache
        assert place == () or node._get_parent() is mine[place[:-1]]
    root = mine[()]._metadata
    assert root.resolver_cache["now"]["x"] is not config._metadata.resolver_cache["now"]["x"]


def test_times_in_paths_are_those_of_the_sweep(loader, master):
    once = ComposedOnce(loader)
    folder = master.hydra.sweep.dir

    folders = {once.load_sweep_config(master, overrides).hydra.sweep.dir for overrides in SAME}

    assert folders == {folder}


@pytest.mark.parametrize("wrong", ["nonsense=1", "regularizer.weigth=1", "trainer=none"])
def test_errors_are_those_of_hydra(loader, master, wrong):
    once = ComposedOnce(loader)
    once.load_sweep_config(master, SAME[0])

    with pytest.raises(HydraException) as hydras:
        loader.load_sweep_config(master, [*SAME[0], wrong])
    with pytest.raises(HydraException) as mine:
        once.load_sweep_config(master, [*SAME[0], wrong])

    assert (type(mine.value), str(mine.value)) == (type(hydras.value), str(hydras.value))
