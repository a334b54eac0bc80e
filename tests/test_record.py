import json
import math
from dataclasses import replace

import pytest

from regsweep.record import FILE_NAME, Record, RecordError, publish, read

RECORD = Record(
    run="3",
    stage="search",
    arm={"regularizer": "l1"},
    trial=3,
    seed=0,
    status="completed",
    overrides=("regularizer=l1",),
    params={"regularizer.weight": 1e-5},
    config={"model.hidden": [64, 32]},
    metrics={"val_loss": 0.1 + 0.2},
    epochs=10,
    seconds=1.5,
    environment={"device": "cpu"},
)


def test_reads_back_what_was_published(tmp_path):
    assert read(publish(RECORD, tmp_path)) == RECORD


def test_keys_are_those_of_the_contract(tmp_path):
    content = json.loads(publish(RECORD, tmp_path).read_text())

    assert list(content) == [
        "schema", "run", "stage", "arm", "trial", "seed", "status", "overrides", "params",
        "config", "metrics", "epochs", "seconds", "environment", "error",
    ]  # fmt: skip


def test_a_published_record_is_never_written_over(tmp_path):
    path = publish(RECORD, tmp_path)

    with pytest.raises(FileExistsError, match="already holds a record"):
        publish(replace(RECORD, seed=1), tmp_path)

    assert read(path) == RECORD
    assert [p.name for p in tmp_path.iterdir()] == [FILE_NAME]


def test_a_record_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        publish(replace(RECORD, config={"key": object()}), tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_numbers_that_json_does_not_know_become_null(tmp_path):
    path = publish(replace(RECORD, config={"a": math.inf}, metrics={"b": math.nan}), tmp_path)

    content = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert (content["config"], content["metrics"]) == ({"a": None}, {"b": None})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "unreadable"),
        ("[]", r"not a record \(a JSON list\)"),
        ('{"schema": 2}', "schema 2, this version reads 1"),
        ('{"schema": 1, "run": "0"}', "fields missing or unknown: arm, config"),
    ],
)
def test_what_is_no_record_is_named(tmp_path, text, reason):
    path = tmp_path / FILE_NAME
    path.write_text(text)

    with pytest.raises(RecordError, match=reason) as caught:
        read(path)

    assert str(path) in str(caught.value)


def test_a_stage_that_does_not_exist_is_refused(tmp_path):
    path = publish(RECORD, tmp_path)
    path.write_text(path.read_text().replace('"search"', '"serch"'))

    with pytest.raises(RecordError, match="stage 'serch'"):
        read(path)
