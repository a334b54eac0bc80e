"""Every benchmark runs and writes its result; no test looks at how long anything took."""

import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from command import command
from torch.nn.functional import cross_entropy

from benchmarks import gpu, scikit_loop, width
from benchmarks.cost import per_run, start_up
from benchmarks.effect import decided_by, effect_of
from benchmarks.looks import NOISES, judged, sweeps
from benchmarks.measure import RESULTS, alternate, ratios, row
from benchmarks.null import share_row
from benchmarks.parity import rows_of
from benchmarks.searches import all_searches
from benchmarks.tables import BEGIN, END, README, read_results, with_tables
from benchmarks.user_app import training

ROOT = Path(__file__).parent.parent
RUNS = {
    "cost": "batch 10: a run, user's app over regsweep",
    "width": "batch 10, precision highest, width 2: share of the peak",
    "own": "batch_norm, batch 32: plain loop over alone, eager",
    "framework": "a run more",
    "size": "a run more, from 1 to 3",
    "gather": "20 records, both tables: records a second",
    "parity": "test accuracy, pack minus article's loop: mean, 95 % interval",
    "plateau": "a parabola, noise 1.2 %, tpe: holds the best: share, 95 % interval",
    "looks": "looks at 10, a difference of 0.7 deviations: found: share, 95 % interval",
    "rows": "300 rows: resample=rows: covers: share, 95 % interval",
    "finalists": "200 images, 2 searches, both arms: finalists over 6 trials: mean gain, "
    "95 % interval",
    "cocktail": "breast_cancer, 2 trials, 2 searches: cocktail over the best rival: better: "
    "share, 95 % interval",
    "null": "of 3 comparisons, with a false verdict: share, 95 % interval",
    "effect": "of 3 comparisons, decided by 2 seeds: share, 95 % interval",
    "engines": "one process alone: records a second",
    "scale": "workers publish, runs of 1.6 s, 10 workers, 1000 runs: workers at work",
}


# They take ten seconds and more; `make bench` runs them.
LONG = (
    "own",
    "cost",
    "framework",
    "size",
    "engines",
    "scale",
    "gather",
    "parity",
    "plateau",
    "null",
    "effect",
    "rows",
    "finalists",
    "cocktail",
)


@pytest.mark.parametrize(
    ("name", "quantity"),
    [pytest.param(*one, marks=pytest.mark.full) if one[0] in LONG else one for one in RUNS.items()],
)
def test_it_runs_and_writes_its_result(name, quantity, tmp_path, mnist):
    done = command("--quick", str(tmp_path), module=f"benchmarks.{name}", cwd=ROOT)

    assert done.returncode == 0, done.stdout + done.stderr
    [result] = read_results(tmp_path)
    assert quantity in [one["what"] for one in result["rows"]]
    assert result["machine"]["torch"] == version("torch")
    assert quantity in with_tables(f"{BEGIN}{END}", [result])


def test_a_machine_without_a_gpu_is_told_so(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["gpu", "--quick", str(tmp_path)])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(SystemExit, match="needs a CUDA GPU"):
        gpu.main()


def test_the_tables_are_those_of_the_results():
    text = README.read_text()

    assert with_tables(text, read_results(RESULTS)) == text


def test_a_table_has_a_row_a_quantity_and_its_aim():
    result = {
        "name": "cost",
        "machine": {
            "processor": "P", "cores": "2", "memory": "4 GiB", "system": "Linux", "torch": "2",
        },
        "rows": [
            {"what": "a", "unit": "s", "value": 1.23456, "low": 1, "high": 2, "aim": None},
            {"what": "b", "unit": "x", "value": 41.0, "low": 40, "high": 42, "aim": 40.0},
        ],
    }  # fmt: skip

    text = with_tables(f"before {BEGIN}old{END} after", [result])

    assert text.startswith("before ")
    assert text.endswith(" after")
    assert "old" not in text
    assert "P, 2 cores, 4 GiB, Linux; torch 2." in text
    assert "| a | 1.235 | 1 | 2 | s |  |" in text
    assert "| b | 41 | 40 | 42 | x | at least 40 |" in text


def test_a_run_costs_what_more_runs_add_and_the_rest_is_start_up():
    # 5 s of start-up and 2 s a run, for n = 3 and 4n = 12 runs.
    costs = per_run([5 + 3 * 2], [5 + 12 * 2], n=3)

    assert costs == [2]
    assert start_up([5 + 3 * 2], costs, n=3) == [5]
    assert ratios([80, 90], [2, 3]) == [40, 30]


def test_a_row_is_median_least_and_greatest():
    one = row("what", "s", [3, 1, 2, 9, 4], aim=2)

    assert (one.value, one.low, one.high, one.aim) == (3, 1, 9, 2)


def test_cases_take_turns_and_every_second_turn_is_backwards():
    order = []
    cases = {name: lambda name=name: order.append(name) or 0.0 for name in "abc"}

    values = alternate(cases, repeats=3)

    assert "".join(order) == "abccbaabc"
    assert values == {name: [0.0] * 3 for name in "abc"}


def test_operations_are_those_of_the_layers_products():
    forward = 784 * 64 + 64 * 32 + 32 * 10
    into_inputs = 64 * 32 + 32 * 10

    assert width.operations(batch_size=128) == 2 * 128 * (2 * forward + into_inputs)


def test_the_interval_is_students():
    mean, largest = rows_of("x", [1.0, -2.0, 4.0, 1.0])

    # Mean 1, standard deviation sqrt(6), and t of 3 degrees of freedom at 97.5 %: 3.182.
    margin = 3.182446 * 6**0.5 / 2
    assert (mean.low, mean.value, mean.high) == pytest.approx((1 - margin, 1, 1 + margin))
    assert (largest.low, largest.value, largest.high) == (-2, 4, 4)


def test_the_interval_of_a_share_is_exact():
    none = share_row("x", [False] * 100)

    # No hit of 100 has a chance of 2.5 % where (1 - share)^100 = 0.025.
    assert (none.value, none.low, none.high) == pytest.approx((0, 0, 100 * (1 - 0.025**0.01)))


@pytest.mark.parametrize("noise", NOISES)
def test_simulated_pairs_have_the_size_and_spread_that_were_asked_for(noise):
    effects, spreads = [0.5, -1.0], [0.5, 3.0]
    values = sweeps(4_000, effects, spreads, NOISES[noise])

    pairs = values[..., :1] - values[..., 1:]

    of_pairs = np.sqrt(0.5 * (1 + np.square(spreads)))
    assert pairs.mean(axis=(0, 1)) / of_pairs == pytest.approx(effects, abs=0.02)
    assert pairs.std(axis=(0, 1)) == pytest.approx(of_pairs, rel=0.05)


def test_a_comparison_is_decided_by_the_look_that_found_it():
    found = judged(sweeps(50, [1.5]))

    assert decided_by(found, 10) == (found.seeds[:, 1] == 10).tolist()
    assert all(decided_by(found, 40))
    assert effect_of(np.array([1.0, 2.0, 3.0])) == 2


def test_scikit_learn_is_given_the_same_penalty():
    weight, batch = 1e-2, 20
    generator = np.random.default_rng(0)
    images, labels = generator.random((batch, 784)), np.arange(batch) % 10
    classifier = scikit_loop.build(weight, seed=0, batch_size=batch, epochs=1)
    classifier.set_params(learning_rate_init=1e-12)  # the loss is that of the weights at the end

    scikit_loop.train(classifier, images, labels, count=batch)

    likelihood = classifier.predict_proba(images)[np.arange(batch), labels]
    squares = sum((w**2).sum() for w in classifier.coefs_)
    assert classifier.loss_ == pytest.approx(-np.log(likelihood).mean() + weight * squares)


def test_the_users_adam_takes_the_step_of_the_same_penalty():
    weight = 1e-2
    images = torch.rand(20, 784, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(20) % 10
    mine, plain = training.build(seed=0), training.build(seed=0)
    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-3)

    training.train_epoch(mine, training.adam(mine, 1e-3, weight), images, labels, batch_size=20)
    squares = sum(w.square().sum() for w in plain.parameters() if w.dim() > 1)
    (cross_entropy(plain(images), labels) + weight * squares).backward()
    optimizer.step()

    for one, other in zip(mine.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_a_search_that_was_kept_is_not_made_again(tmp_path):
    def last(case, searches):
        return [*all_searches("some", case, searches, list, tmp_path, together=2)][-1]

    assert last({"images": 1}, 3) == [0, 1, 2]
    kept = tmp_path / "some-searches.jsonl"
    kept.write_text(kept.read_text().replace('"found": 2', '"found": 5'))
    assert last({"images": 1}, 3) == [0, 1, 5]
    assert last({"images": 1}, 4) == [0, 1, 5, 3]
    assert last({"images": 2}, 3) == [0, 1, 2]
