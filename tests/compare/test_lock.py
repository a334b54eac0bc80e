import os
import signal
import socket
import subprocess
import sys

import pytest

from regsweep.compare.lock import hold
from regsweep.errors import InputError

HOLD = """
import sys
from pathlib import Path
from regsweep.compare.lock import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    with process:
        yield process
        process.kill()


def test_a_second_sweep_is_told_who_holds_the_folder(tmp_path, holder):
    for _ in range(2):  # being refused changes nothing
        with pytest.raises(InputError) as caught, hold(tmp_path):
            pass
        assert str(caught.value) == (
            f"{tmp_path}: a sweep is running in this folder "
            f"(pid {holder.pid} on {socket.gethostname()}); "
            "wait for it, or take another hydra.sweep.dir"
        )


def test_a_killed_holder_holds_nothing(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    with hold(tmp_path):
        assert f"pid {os.getpid()} " in (tmp_path / ".lock-holder").read_text()


def test_a_folder_is_free_again_after_an_error(tmp_path):
    with pytest.raises(KeyError), hold(tmp_path):
        raise KeyError

    with hold(tmp_path):
        pass
