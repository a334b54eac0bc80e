import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from yaml import MarkedYAMLError

from regsweep.cli.app import CONF
from regsweep.cli.nodes import register_nodes
from regsweep.jobs.messages import explain

MESSAGES = {
    "regularizer=l3": "regularizer=l3: no such choice; known: cocktail, elastic, "
    "group_lasso, l1, l2, none, weight_decay",
    "hydra/sweeper=compar": "hydra/sweeper=compar: no such choice; did you mean compare? "
    "known: basic, compare, optuna",
    "experiment=artcle_l1": "experiment=artcle_l1: no such choice; did you mean article_l1? "
    "known: all_regularizers, article_elastic, article_l1, article_l2, article_weight_decay, "
    "small_data",
    "optimizer=adamw": "optimizer=adamw: no such choice; "
    "write optimizer=adam regularizer=weight_decay, which is AdamW",
    "optimizer=lion": "optimizer=lion: no such choice; known: adam, rmsprop, sgd",
    "model=mine": "model=mine: no such choice; did you mean linear? known: cnn, linear, logistic, "
    "mlp; one of your own is a function decorated by regsweep.model in a study file; "
    "regsweep --example prints one",
    "model._target_=mine.Net": "model._target_: one of your own is a function decorated by "
    "regsweep.model in a study file; regsweep --example prints one",
    "regularizer.weight=1": "regularizer.weight: no such key of regularizer=none; known: scope",
    "optimizer.lrr=1": "optimizer.lrr: no such key of optimizer=adam; did you mean lr? known: lr",
    "regularizr=l1": "regularizr: no such key; did you mean regularizer? known: data, "
    "experiment, loss, loss_weight, model, objective, optimizer, regularizer, score, seed, trainer",
    "lr=1": "lr: no such key; did you mean optimizer.lr?",
    "n_trials=5": "n_trials: no such key; did you mean hydra.sweeper.n_trials?",
    "search=5": "search: no such key; known: data, experiment, loss, loss_weight, model, "
    "objective, optimizer, regularizer, score, seed, trainer",
    "hydra.job.chdr=1": "hydra.job.chdr: no such key; did you mean chdir? known: chdir, config, "
    "config_name, env_copy, env_set, id, num, override_dirname",
    "hydra.job.chdir=x": "hydra.job.chdir=x: expected true or false",
    "hydra.sweeper.n_jobs=2.5": "hydra.sweeper.n_jobs=2.5: expected a whole number",
    "hydra.sweeper.max_failure_rate=x": "hydra.sweeper.max_failure_rate=x: expected a number",
    "regularizer=l1,l2": "regularizer=l1,l2: several values make a sweep: add -m "
    "(a list is [...], a text quoted)",
    "optimizer.lr=interval(0,1)": "optimizer.lr=interval(0,1): several values make a sweep: add -m "
    "(a list is [...], a text quoted)",
    "regularizer.weight=[1": "regularizer.weight=[1: expected key=value, as Hydra reads it "
    "(no viable alternative at input '[1')",
}


@pytest.mark.parametrize("override", MESSAGES)
def test_says_what_to_change(override):
    register_nodes()
    with (
        initialize_config_dir(str(CONF)),
        pytest.raises(HydraException) as caught,
    ):
        compose("config", [override])

    assert explain(caught.value) == MESSAGES[override]


def test_an_argument_that_is_no_override_is_shown():
    register_nodes()
    with initialize_config_dir(str(CONF)), pytest.raises(HydraException) as caught:
        compose("config", ["lr:3"])

    assert explain(caught.value).startswith("lr:3: expected key=value, as Hydra reads it (")


def test_a_broken_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("trainer:\n  epochs: [1\nseed: 3\n")
    with initialize_config_dir(str(tmp_path)), pytest.raises(MarkedYAMLError) as caught:
        compose("broken")

    assert explain(caught.value).startswith(f"{path}:3:5: not YAML: ")
