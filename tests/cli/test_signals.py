"""A second signal does not wait for what the first one has begun."""

import signal
import subprocess
import sys

import pytest

# Stopping in order takes a minute here.
STOPS_SLOWLY = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from regsweep.cli.app import _heed_signals
_heed_signals()
try:
    print("works", flush=True)
    time.sleep(60)
except BaseException:
    print("stops", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (signal.SIGINT, signal.SIGINT, 130),
        (signal.SIGTERM, signal.SIGINT, 130),
        (signal.SIGINT, signal.SIGTERM, 143),
    ],
)
def test_a_second_signal_ends_it_at_once(first, second, code):
    with subprocess.Popen(
        [sys.executable, "-c", STOPS_SLOWLY],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "works\n"
        process.send_signal(first)
        assert process.stdout.readline() == "stops\n"

        process.send_signal(second)

        _, errors = process.communicate(timeout=30)
    said = {signal.SIGINT: "regsweep: interrupted\n", signal.SIGTERM: "regsweep: terminated\n"}
    assert (process.returncode, errors) == (code, said[first])
