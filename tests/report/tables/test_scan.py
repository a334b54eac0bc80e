from regsweep.report.tables import scan
from regsweep.report.tables.scan import RunFolder, run_folders


def test_finds_runs_at_any_depth_with_their_nearest_sweep(folder):
    sweep = folder.sweep("day/sweep")
    folder.run("a/b", "day/sweep")
    folder.run("alone")
    folder.unfinished("day/sweep/a/c")
    assert sorted(run_folders(str(folder.root)), key=lambda f: f.path) == [
        RunFolder(str(folder.root / "alone"), None, True),
        RunFolder(str(sweep / "a/b"), str(sweep), True),
        RunFolder(str(sweep / "a/c"), str(sweep), False),
    ]


def test_a_sweep_is_no_run_even_with_a_hydra_folder(folder):
    (folder.sweep() / ".hydra").mkdir()
    assert list(run_folders(str(folder.root))) == []


def test_neither_hidden_folders_nor_links_are_entered(folder):
    folder.run("run", ".hidden")
    (folder.root / "loop").symlink_to(folder.root)
    assert list(run_folders(str(folder.root))) == []


def test_each_folder_is_listed_once(folder, monkeypatch):
    for number in range(5):
        folder.run(str(number), "sweep")
    listed = []
    listing = scan._listing
    monkeypatch.setattr(scan, "_listing", lambda path: listed.append(path) or listing(path))
    assert len(list(run_folders(str(folder.root)))) == 5
    assert len(listed) == len(set(listed)) == 7


def test_a_folder_that_cannot_be_listed_is_yielded_with_the_reason(monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(scan.os, "scandir", refused)
    assert list(run_folders("x")) == [RunFolder("x", None, False, "Permission denied")]
