"""The rooms of the package: one way down, no circles, and no library where it has no business."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import regsweep

PACKAGE = Path(regsweep.__file__).parent
# From top to bottom: a room imports from those behind it alone.
ROOMS = (
    "cli",
    "compare",
    "packs",
    "jobs",
    "sweep",
    "training",
    "report",
    "settings",
    "data",
    "records",
)
# Of no room: the public face, which imports from all, and what all may import.
FACE = ("__init__", "__main__")
GROUND = ("errors", "output", "called")
# Where what is not public of Hydra and its plugins is taken.
INTERNALS = "sweep.internals"
# What a room may not import, not even within a function.
FORBIDDEN = {
    "packs": {"optuna"},
    "jobs": {"optuna"},
    "training": {"hydra", "optuna", "pandas"},
    "report": {"torch", "hydra"},
    "settings": {"torch", "hydra"},
    "data": {"hydra", "optuna"},
    "records": {"torch", "hydra"},
}
# What it may import within a function only.
FORBIDDEN_AT_THE_TOP = {"sweep": {"torch"}}


@dataclass(frozen=True)
class Import:
    """``file`` imports ``module``, ``lazily`` where that is within a function."""

    file: str
    module: str
    lazily: bool


def imports_of(package: Path) -> Iterator[Import]:
    """Every import of every file, but for those that only a type checker follows."""
    for path in sorted(package.rglob("*.py")):
        file = ".".join(path.relative_to(package).with_suffix("").parts)
        yield from _imports(file, ast.parse(path.read_text()), False)


def _imports(file: str, node: ast.AST, lazily: bool) -> Iterator[Import]:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        for child in node.orelse:
            yield from _imports(file, child, lazily)
        return
    if isinstance(node, ast.Import):
        for name in node.names:
            yield Import(file, name.name, lazily)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{file}: imports by its full name only"
        for name in node.names:
            yield Import(file, f"{node.module}.{name.name}", lazily)
    lazily = lazily or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield from _imports(file, child, lazily)


def files_of(package: Path) -> dict[str, set[str]]:
    """Of each file of the package, those that it imports."""
    names = {".".join(p.relative_to(package).with_suffix("").parts) for p in package.rglob("*.py")}
    found: dict[str, set[str]] = {name: set() for name in names}
    for one in imports_of(package):
        if target := _file(one.module, names):
            found[one.file].add(target)
    return found


def _file(module: str, names: set[str]) -> str | None:
    """The file of the package that an import reads: of ``regsweep.a.b.c`` ``a.b`` or ``a.b.c``."""
    package, *parts = module.split(".")
    if package != "regsweep":
        return None
    for end in (len(parts), len(parts) - 1):
        dotted = ".".join(parts[:end])
        for name in (dotted, f"{dotted}.__init__".lstrip(".")):
            if name in names:
                return name
    return "__init__"


def wrong_ways(package: Path) -> list[str]:
    """Imports that go up, or sideways into a room from below."""
    wrong = []
    for file, targets in files_of(package).items():
        room = file.partition(".")[0]
        if room in FACE:
            continue
        for target in sorted(targets):
            other = target.partition(".")[0]
            allowed = () if room in GROUND else (*ROOMS[ROOMS.index(room) :], *GROUND)
            if other not in allowed and other != room:
                wrong.append(f"{file} imports {target}")
    return wrong


def forbidden(package: Path) -> list[str]:
    """Imports of libraries that their room must do without."""
    wrong = []
    for one in imports_of(package):
        room, library = one.file.partition(".")[0], one.module.partition(".")[0]
        at_the_top = set() if one.lazily else FORBIDDEN_AT_THE_TOP.get(room, set())
        if library in FORBIDDEN.get(room, set()) | at_the_top:
            wrong.append(f"{one.file} imports {one.module}")
    return wrong


def private(package: Path) -> list[str]:
    """Imports of what a library does not call public, but in the module that holds them."""
    return [
        f"{one.file} imports {one.module}"
        for one in imports_of(package)
        if one.file != INTERNALS
        and one.module.startswith(("hydra", "omegaconf", "optuna"))
        and any(part.startswith("_") for part in one.module.split("."))
    ]


def circle(package: Path) -> list[str]:
    """A circle of files, each of which imports the next; empty where there is none."""
    try:
        TopologicalSorter(files_of(package)).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def with_logic(package: Path) -> list[str]:
    """Contents pages that hold more than a docstring."""
    return [
        str(path.relative_to(package))
        for path in package.rglob("__init__.py")
        if path.parent != package and len(ast.parse(path.read_text()).body) != 1
    ]


def unlisted(package: Path) -> list[str]:
    """What stands in a folder and not on its contents page, and what stands on it alone."""
    wrong = []
    for page in package.rglob("__init__.py"):
        listed = set(re.findall(r"^- `([\w/]+)`", page.read_text(), re.MULTILINE))
        modules = {path.stem for path in page.parent.glob("*.py")} - {"__init__"}
        rooms = {f"{path.parent.name}/" for path in page.parent.glob("*/__init__.py")}
        if page.parent == package:
            modules -= {"__main__"}
        wrong += [f"{page.relative_to(package)}: {n}" for n in sorted(listed ^ (modules | rooms))]
    return wrong


def test_every_file_has_a_room():
    rooms = {path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")}

    assert rooms == {*ROOMS, *(f"{name}.py" for name in (*FACE, *GROUND))}


@pytest.mark.parametrize("rule", [wrong_ways, forbidden, private, circle, with_logic, unlisted])
def test_the_house_stands(rule):
    assert rule(PACKAGE) == []


def test_a_worker_loads_no_more_than_it_trains_with():
    slow = "{'optuna', 'pandas', 'plotly', 'sklearn'}"
    code = f"import sys, regsweep.packs.publishing; print({slow} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


def house(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / "regsweep" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "regsweep"


def test_an_import_upwards_is_found_wherever_it_stands(tmp_path):
    package = house(
        tmp_path,
        {
            "data/a.py": "def f():\n    from regsweep.settings.b import c\n",
            "settings/b.py": "import regsweep.data.a\nfrom regsweep.records import d\n",
            "records/d.py": "from regsweep import errors\n",
            "errors.py": "import regsweep.records.d\n",
        },
    )

    assert sorted(wrong_ways(package)) == [
        "data.a imports settings.b",
        "errors imports records.d",
    ]


def test_a_circle_through_a_function_is_found(tmp_path):
    package = house(
        tmp_path,
        {
            "jobs/a.py": "from regsweep.jobs import b\n",
            "jobs/b.py": "class K:\n    def f(self):\n        from regsweep.jobs.c import g\n",
            "jobs/c.py": "if True:\n    from regsweep.jobs.a import h\n",
        },
    )

    assert set(circle(package)) == {"jobs.a", "jobs.b", "jobs.c"}


def test_what_only_a_type_checker_reads_is_no_import(tmp_path):
    lines = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch\n"

    assert forbidden(house(tmp_path, {"sweep/a.py": lines})) == []


@pytest.mark.parametrize(
    ("file", "line", "found"),
    [
        (
            "report/tables/a.py",
            "def f():\n    import torch.nn\n",
            ["report.tables.a imports torch.nn"],
        ),
        ("sweep/a.py", "from torch import nn\n", ["sweep.a imports torch.nn"]),
        ("sweep/a.py", "def f():\n    from torch import nn\n", []),
        ("packs/a.py", "def f():\n    import optuna\n", ["packs.a imports optuna"]),
    ],
)
def test_a_library_where_it_has_no_business_is_found(tmp_path, file, line, found):
    assert forbidden(house(tmp_path, {file: line})) == found


def test_a_private_import_is_found(tmp_path):
    line = "def f():\n    from hydra._internal import utils\n"
    package = house(tmp_path, {"jobs/a.py": line, "sweep/internals.py": line})

    assert private(package) == ["jobs.a imports hydra._internal.utils"]


def test_a_contents_page_with_logic_is_found(tmp_path):
    package = house(
        tmp_path, {"jobs/__init__.py": '"""Jobs."""\n\nX = 1\n', "__init__.py": "X = 1"}
    )

    assert with_logic(package) == ["jobs/__init__.py"]


def test_a_contents_page_that_lies_is_found(tmp_path):
    package = house(
        tmp_path,
        {"jobs/__init__.py": '"""Jobs.\n\n- `gone`: no more\n"""\n', "jobs/new.py": ""},
    )

    assert unlisted(package) == ["jobs/__init__.py: gone", "jobs/__init__.py: new"]
