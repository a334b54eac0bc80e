"""The live view as a user has it: in a terminal of 80 columns and 24 lines."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

ASKED = (
    *("-m", "regularizer=none,elastic", "trainer.epochs=1", "hydra.launcher.workers=1"),
    *("data.train_size=200", "data.validation_size=100", "hydra.sweep.dir=here"),
    *(
        "hydra.sweeper.n_trials=3",
        "hydra.sweeper.n_jobs=2",
        "hydra.sweeper.confirm_seeds=2",
        "hydra.sweeper.max_confirm_seeds=2",
    ),
)
COLUMNS, LINES = 80, 24
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """All that a sweep wrote to its terminal, in pieces that each move the cursor back up."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "regsweep", *ASKED],
        cwd=tmp_path_factory.mktemp("terminal"),
        env={**os.environ, "TERM": "xterm-256color"},
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    said = b""
    while piece := _read(ours):
        said += piece
    os.close(ours)
    assert process.wait(timeout=60) == 0, said.decode()
    return said.decode().replace("\r", "").split("\x1b[1A\x1b[2K\n")


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # the last process has closed it
        return b""


def plain(frame):
    return [line.rstrip() for line in CONTROL.sub("", frame).splitlines() if line.strip()]


def test_it_says_what_it_does_and_how_far_it_is(frames):
    view = [plain(frame) for frame in frames if "runs in" in frame]
    states = [
        line for lines in view for line in lines if re.match(r"(start|search|confirm)\b.*: ", line)
    ]
    bars = [line for lines in view for line in lines if " runs in 0:" in line]

    assert "start: reading records, asking for trials" in states
    assert "search: loading and training 2 runs" in states
    assert states[-1] == "confirm: done"
    assert re.fullmatch(r"━+  0/8 runs in 0:\d\d", bars[0])
    assert re.fullmatch(r"━+  8/8 runs in 0:\d\d", bars[-1])
    ended = [int(re.search(r"(\d+)/8 runs", bar)[1]) for bar in bars]
    assert ended == sorted(ended)


def test_it_fits_the_terminal_and_leaves_it_as_it_was(frames):
    view = [plain(frame) for frame in frames if "runs in" in frame]

    for lines in view[1:-1]:
        assert len(lines) < LINES
        assert max(map(len, lines)) <= COLUMNS
    said = "".join(frames)
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")  # the cursor is shown again
