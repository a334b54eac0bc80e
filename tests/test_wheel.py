"""The built wheel, installed outside the checkout and run in an empty folder."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from regsweep.records.record import read

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of a new venv that holds the wheel, and borrows the packages it depends on."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(folder), str(ROOT)], check=True)
    [wheel] = folder.glob("regsweep-*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    [site] = (folder / "venv").glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "venv" / "bin" / "python"


def run(python, *arguments, cwd):
    return subprocess.run(
        [str(python), *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_it_finds_its_config_and_trains(python, tmp_path):
    where = run(python, "-c", "import regsweep.cli.app as a; print(a.CONF)", cwd=tmp_path)
    done = run(python, "-m", "regsweep", "trainer.epochs=1", "data.train_size=500", cwd=tmp_path)

    example = run(python, "-m", "regsweep", "--example", cwd=tmp_path)
    (tmp_path / "study.py").write_text(example.stdout)
    asked = run(python, "study.py", "--cfg", "job", cwd=tmp_path)

    assert "  name: residual\n" in asked.stdout, asked.stderr
    assert Path(where.stdout.strip()).parts[-3:] == ("site-packages", "regsweep", "conf")
    assert done.returncode == 0, done.stderr
    [record] = tmp_path.glob("outputs/*/*/record.json")
    assert read(record).status == "completed"
