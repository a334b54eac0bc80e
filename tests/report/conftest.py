import json

import pytest

from regsweep.record import Record, publish


class Folder:
    """Builds sweeps and runs of real record files under one folder."""

    def __init__(self, root):
        self.root = root

    def run(self, path, sweep="", **fields):
        """Publish a record in ``sweep/path``; a field not given has a plain default."""
        directory = self.root / sweep / path
        (directory / ".hydra").mkdir(parents=True)
        given = {"stage": "single", "arm": {"regularizer": "none"}, "trial": None, "seed": 0}
        record = Record(**({"run": path, "status": "completed"} | given | fields))
        publish(record, directory)
        return record

    def trial(self, number, weight, val_loss, sweep="sweep", arm="l1", seed=0, **fields):
        """A completed search run of ``regularizer=arm``, in a folder of its own."""
        metrics = {"val_loss": val_loss, "val_accuracy": 1 - val_loss} | fields.pop("more", {})
        given = {
            "stage": "search",
            "arm": {"regularizer": arm},
            "trial": number,
            "seed": seed,
            "params": {} if weight is None else {"regularizer.weight": weight},
            "metrics": metrics,
        }
        return self.run(f"{arm}-{number}-{seed}", sweep, **(given | fields))

    def sweep(self, name="sweep", **content):
        """The sweep file of the sweep ``name``."""
        (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / name / "sweep.json").write_text(json.dumps(content))
        return self.root / name

    def unfinished(self, path):
        (self.root / path / ".hydra").mkdir(parents=True)
        return self.root / path


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)
