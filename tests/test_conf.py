"""Every YAML in conf/ composes and is a run that can be trained."""

from dataclasses import replace

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from regsweep.cli.app import CONF, DEFAULT_ARMS
from regsweep.cli.nodes import register_nodes
from regsweep.settings.config import GROUPS, read_run
from regsweep.settings.regularizer import INGREDIENTS
from regsweep.sweep.search_space import search_space

OWN_GROUPS = ("data", "model", "regularizer", "optimizer", "trainer", "experiment")
CHOICES = [(group, path.stem) for group in OWN_GROUPS for path in (CONF / group).glob("*.yaml")]


@pytest.fixture(autouse=True)
def _hydra():
    register_nodes()
    with initialize_config_dir(str(CONF)):
        yield


def composed(*overrides):
    return OmegaConf.to_container(compose("config", list(overrides)), resolve=True)


@pytest.mark.parametrize(("group", "choice"), CHOICES)
def test_every_choice_is_a_run(group, choice):
    config = composed(f"{group}={choice}")

    read_run(config)
    if group in GROUPS:
        assert config[group]["name"] == choice


def test_every_choice_of_the_code_has_its_yaml():
    for group, known in GROUPS.items():
        assert {name for owner, name in CHOICES if owner == group} == set(known)


def test_all_regularizers_compares_every_one():
    text = OmegaConf.load(CONF / "experiment" / "all_regularizers.yaml")

    arms = text.hydra.sweeper.params.regularizer.split(",")
    assert sorted(arms) == sorted(GROUPS["regularizer"])


def test_every_ingredient_of_the_cocktail_may_be_left_out():
    config = composed("regularizer=cocktail")

    assert all("or_null" in sweep for sweep in search_space(config).values())
    assert all(config["regularizer"][one.name] is None for one in INGREDIENTS)


def test_defaults_are_those_of_the_contract():
    run = read_run(composed())

    assert (run.seed, run.objective) == (0, "val_loss")
    data = run.data
    assert (data.name, data.train_size, data.validation_size, data.split_seed) == (
        "mnist", None, 10000, 0,
    )  # fmt: skip
    assert composed()["model"] == {
        "name": "mlp", "hidden": [64, 32], "activation": "relu", "norm": "none",
    }  # fmt: skip
    assert composed()["regularizer"]["name"] == "none"
    assert composed()["optimizer"] == {"name": "adam", "lr": 1e-3}
    assert (run.trainer.epochs, run.trainer.batch_size) == (10, 128)
    assert (run.trainer.device, run.trainer.matmul_precision) == ("auto", "highest")
    assert (run.trainer.schedule, run.trainer.warmup) == ("constant", 0.0)
    assert composed("regularizer=weight_decay")["regularizer"]["decoupled"] is True


def test_logistic_is_the_older_name_of_linear():
    older, linear = composed("model=logistic"), composed("model=linear")

    assert read_run(older) == read_run(linear)
    # A record says what was asked for.
    assert (older["model"], linear["model"]) == ({"name": "logistic"}, {"name": "linear"})


def test_the_data_folder_follows_the_environment(monkeypatch):
    monkeypatch.delenv("REGSWEEP_DATA", raising=False)
    assert composed()["data"]["root"] == "~/.cache/regsweep"
    monkeypatch.setenv("REGSWEEP_DATA", "/some/where")
    assert composed()["data"]["root"] == "/some/where"


@pytest.mark.parametrize("choice", sorted(GROUPS["regularizer"]))
def test_every_regularizer_searches_its_own_keys(choice):
    config = composed(f"regularizer={choice}")["regularizer"]

    searched = {key.removeprefix("regularizer.") for key in search_space({"regularizer": config})}

    ingredients = [one.name for one in INGREDIENTS]
    strengths = ("weight", "l1_ratio", "bound", "patience", "amount", "alpha", "p", *ingredients)
    numbers = {key for key in config if key in strengths}
    assert searched == numbers


@pytest.mark.parametrize("choice", ["l1", "l2", "weight_decay", "elastic"])
def test_experiments_are_the_articles(choice):
    config = composed(f"experiment=article_{choice}")
    run = read_run(config)

    expected = {
        "l1": {"l1": 1.0},
        "l2": {"l2": 1.0},
        "weight_decay": {"weight_decay": 1.0},
        "elastic": {"l1": 0.3, "l2": 0.7},
    }[choice]
    coefficients = run.regularizer.coefficients()
    assert {k: v for k, v in vars(coefficients).items() if v} == pytest.approx(expected)
    assert run.regularizer.scope == "all"
    assert (run.seed, run.optimizer.lr, run.data.facts.train) == (42, 1e-4, 60000)
    assert (run.trainer.epochs, run.trainer.batch_size, run.trainer.log_every) == (5, 10, 500)
    assert search_space(config) == {}


def test_small_data_compares_the_default_arms_on_few_images():
    config = compose("config", ["experiment=small_data"], return_hydra_config=True)
    run, default = read_run(composed("experiment=small_data")), read_run(composed())

    assert f"regularizer={config.hydra.sweeper.params.regularizer}" == DEFAULT_ARMS
    assert run == replace(
        default,
        data=replace(default.data, train_size=5000),
        trainer=replace(default.trainer, epochs=60),
    )


@pytest.mark.parametrize(
    ("group", "choice"), [("hydra/sweeper", "optuna"), ("hydra/launcher", "basic")]
)
def test_an_experiment_may_choose_sweeper_and_launcher(tmp_path, group, choice):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "own.yaml").write_text(
        f"# @package _global_\ndefaults:\n  - override /{group}: {choice}\n"
    )
    overrides = [f"hydra.searchpath=[{tmp_path}]", "experiment=own"]

    config = compose("config", overrides, return_hydra_config=True)

    assert config.hydra.runtime.choices[group] == choice
