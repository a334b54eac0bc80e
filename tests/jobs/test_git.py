import os
import shutil
import subprocess

import pytest

from regsweep.jobs.git import commit_of

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def repository(tmp_path):
    """A repository with two commits on its branch ``main``."""
    commit_of.cache_clear()
    folder = tmp_path / "one"
    folder.mkdir()
    git(folder, "-c", "init.defaultRefFormat=files", "init", "-q", "-b", "main")
    for message in ("first", "second"):
        git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return folder


def git(folder, *words):
    """What git says there, whatever the environment of the tests says of another repository."""
    who = ("-c", "user.name=someone", "-c", "user.email=someone@example.org")
    command = ["git", "-C", folder, *who, *words]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return done.stdout.strip()


def head(folder):
    return git(folder, "rev-parse", "HEAD")


def test_a_branch(repository):
    assert commit_of(repository) == head(repository)
    assert len(commit_of(repository)) == 40


def test_from_a_folder_below(repository):
    below = repository / "a" / "b"
    below.mkdir(parents=True)
    assert commit_of(below) == head(repository)


def test_packed_references(repository):
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git/refs/heads/main").exists()
    assert commit_of(repository) == head(repository)


def test_a_detached_head(repository):
    git(repository, "checkout", "-q", "HEAD~1")
    assert commit_of(repository) == head(repository) != git(repository, "rev-parse", "main")


@pytest.mark.parametrize("packed", [False, True])
def test_a_worktree_has_a_head_of_its_own(repository, packed):
    other = repository.parent / "other"
    git(repository, "worktree", "add", "-q", "-b", "side", other, "HEAD~1")
    if packed:
        git(repository, "pack-refs", "--all")
    assert commit_of(other) == head(other) != commit_of(repository)


@pytest.mark.parametrize("detached", [False, True])
def test_a_bare_repository_and_its_worktree(repository, detached):
    bare, tree = repository.parent / "bare.git", repository.parent / "tree"
    git(repository.parent, "clone", "-q", "--bare", repository, bare)
    git(bare, "worktree", "add", "-q", *(["--detach"] if detached else ["-b", "x"]), tree, "main~1")
    assert commit_of(bare) == head(repository)
    assert commit_of(tree) == head(tree) != commit_of(bare)


def test_a_submodule(repository):
    outer = repository.parent / "outer"
    outer.mkdir()
    git(outer, "-c", "init.defaultRefFormat=files", "init", "-q")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", repository, "part")
    assert commit_of(outer / "part") == head(repository)
    assert commit_of(outer) is None


def test_no_repository_and_none_with_a_commit(tmp_path):
    commit_of.cache_clear()
    assert commit_of(tmp_path) is None
    (tmp_path / ".git").mkdir()
    assert commit_of(tmp_path / "below") is None


@pytest.mark.parametrize("content", ["", "ref: HEAD", "\0", "ref: ../../secret", "gitdir: x"])
def test_a_head_that_makes_no_sense_is_no_commit(tmp_path, content):
    commit_of.cache_clear()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(content)
    (tmp_path / "secret").write_text("password\n")
    assert commit_of(tmp_path) is None


def test_it_is_read_once_a_process(repository):
    first = commit_of(repository)
    git(repository, "commit", "-q", "--allow-empty", "-m", "third")
    assert commit_of(repository) == first != head(repository)
