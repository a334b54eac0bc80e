import subprocess
import sys
import traceback

import pytest

from regsweep.report.tables.raised import exception_line

ADVICE = """Traceback (most recent call last):
  File "/x/regsweep/jobs/job.py", line 82, in complete_job
    result = train(run, role, settled)
             ^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/x/torch/_inductor/compile_fx.py", line 781, in _compile_fx_inner
    raise InductorError(e, currentframe()).with_traceback(
torch._inductor.exc.InductorError: InvalidCxxCompiler: No working C++ compiler found in config

Set TORCHDYNAMO_VERBOSE=1 for the internal stack trace (please do this especially if you're \
reporting a bug to PyTorch). For even more developer context, set TORCH_LOGS="+dynamo"

"""
OLDER_ADVICE = """Traceback (most recent call last):
  File "x.py", line 1, in f
    g()
torch._dynamo.exc.BackendCompilerFailed: backend='inductor' raised:
RuntimeError: no space left on the device

You can suppress this exception and fall back to eager by setting:
    import torch._dynamo
    torch._dynamo.config.suppress_errors = True
"""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            ADVICE,
            "torch._inductor.exc.InductorError: InvalidCxxCompiler: No working C++ compiler found "
            "in config",
        ),
        (
            OLDER_ADVICE,
            "torch._dynamo.exc.BackendCompilerFailed: backend='inductor' raised: "
            "RuntimeError: no space left on the device",
        ),
        ("no traceback\nat all\n", "at all"),
        ("Traceback (most recent call last):\n", "Traceback (most recent call last):"),
        ("Traceback (most recent call last):\n  cut off", "cut off"),
        (None, None),
        ("", None),
        (" \n ", None),
    ],
)
def test_the_exceptions_own_line(error, expected):
    assert exception_line(error) == expected


def traceback_of(raising):
    try:
        raising()
    except Exception:
        return traceback.format_exc()


def plain():
    raise ValueError("first line\nmore of it\n\nadvice")


def from_another():
    try:
        plain()
    except ValueError as error:
        raise KeyError("second") from error


def while_handling():
    try:
        from_another()
    except KeyError:
        raise RuntimeError("third\nmore") from None


def quoting():
    raise RuntimeError(f"a process failed\n{traceback_of(from_another)}\nadvice")


def wrong_syntax():
    compile("a b", "x.py", "exec")


def without_words():
    raise ValueError


def begins_below():
    raise ValueError("\n\nthe reason\nmore")


@pytest.mark.parametrize(
    ("raising", "expected"),
    [
        (plain, "ValueError: first line"),
        (from_another, "KeyError: 'second'"),
        (while_handling, "RuntimeError: third"),
        (wrong_syntax, "SyntaxError: invalid syntax"),
        (without_words, "ValueError"),
        (begins_below, "ValueError: the reason"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_of_real_tracebacks(raising, expected):
    assert exception_line(traceback_of(raising)) == expected


def test_of_a_worker_that_passes_its_traceback_on():
    code = (
        "import traceback\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "if __name__ == '__main__':\n"
        "    with ProcessPoolExecutor(1) as pool:\n"
        "        try:\n"
        "            pool.submit(int, 'x').result()\n"
        "        except ValueError:\n"
        "            print(traceback.format_exc())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.count("Traceback (most recent call last):") == 2
    assert exception_line(done.stdout) == "ValueError: invalid literal for int() with base 10: 'x'"
