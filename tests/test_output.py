import os
import subprocess
import sys

import pytest

LOGS = """
import logging, sys
from regsweep.output import end_with_the_reader
end_with_the_reader()
logging.basicConfig(stream=sys.stdout, level=logging.INFO)
logging.info("nobody reads this")
sys.exit(3)
"""
PRINTS = """
from regsweep.output import end_with_the_reader
end_with_the_reader()
print("nobody reads this", flush=True)
"""


@pytest.mark.parametrize("code", [LOGS, PRINTS])
def test_a_command_whose_reader_left_ends_quietly(code):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (141, "")
