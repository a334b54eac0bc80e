"""Whether a compiled sweep is right at the lowest versions that pyproject.toml names.

``python tests/lowest_versions.py`` installs them in an environment of its own, trains a small sweep
compiled and once more eagerly, and exits with 1 where the two differ by more than rounding. It
takes minutes, and uv.
"""

import csv
import math
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
SWEEP = (
    "-m", "hydra/sweeper=basic", "regularizer=none,l1,l2,elastic,weight_decay",
    "optimizer=adam,sgd", "trainer.epochs=1", "trainer.batch_size=100", "data.train_size=5000",
)  # fmt: skip
# The losses of 50 steps; rounding alone makes 1e-5 of them.
TOLERANCE = 1e-3


def main() -> int:
    """Install, train both ways, compare; 1 where they differ."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        python = _installed(here / "lowest")
        losses = [_losses(python, here, compiled) for compiled in ("true", "false")]
    compiled, eager = losses
    worst = max(abs(one - other) / other for one, other in zip(compiled, eager, strict=True))
    print(f"{len(eager)} runs, compiled against eager: losses differ by at most {worst:.1e}")
    return 0 if worst <= TOLERANCE and all(map(math.isfinite, compiled)) else 1


def _installed(environment: Path) -> Path:
    """The Python of a new environment with the lowest versions."""
    python = environment / "bin" / "python"
    install = ["pip", "install", "--python", python, "--resolution", "lowest-direct", ROOT]
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    subprocess.run([sys.executable, "-m", "uv", *install, "--system-certs", "--quiet"], check=True)
    subprocess.run([python, "-m", "pip", "list"], check=True)
    return python


def _losses(python: Path, here: Path, compiled: str) -> list[float]:
    folder = here / compiled
    words = [python, "-m", "regsweep", *SWEEP]
    own = [f"trainer.compile={compiled}", f"hydra.sweep.dir={folder}"]
    subprocess.run([*words, *own], cwd=here, check=True)
    rows = csv.DictReader((folder / "runs.csv").read_text(encoding="utf-8").splitlines())
    return [float(row["train_loss"] or "nan") for row in rows]


if __name__ == "__main__":
    sys.exit(main())
