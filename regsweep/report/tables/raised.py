"""The line of a traceback that says what happened."""

import re

_HEADER = "Traceback (most recent call last):"
# What stands between the tracebacks of exceptions that followed from one another.
_CHAINED = re.compile(
    r"^(?:During handling of the above exception, another exception occurred"
    r"|The above exception was the direct cause of the following exception):$",
    re.MULTILINE,
)


def exception_line(error: str | None) -> str | None:
    """The last exception's own line, not what its message or a library's advice goes on with.

    Below its header a traceback is indented up to that line. Where it ends in a colon it says
    nothing yet, and its next line is taken with it. Of what is no traceback it is the last line.
    """
    if not error or not error.strip():
        return None
    lines = [line for line in _CHAINED.split(error)[-1].splitlines() if line.strip()]
    if _HEADER not in lines[:-1]:
        return error.strip().splitlines()[-1].strip()
    below = lines[lines.index(_HEADER) + 1 :]
    own = next((i for i, line in enumerate(below) if not line.startswith(" ")), len(below) - 1)
    said = [line.strip() for line in below[own : own + 2]]
    return " ".join(said if said[0].endswith(":") else said[:1])
