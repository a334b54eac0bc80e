"""Missing files from the mirrors that torchvision knows."""

import gzip
import importlib
import queue
import shutil
import threading
import urllib.request
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from regsweep.data.progress import announce, read_with_bar
from regsweep.data.source import Source

ANSWER_SECONDS = 5.0
"""How long a mirror may take to answer at all, name look-up and all its addresses included."""
STALL_SECONDS = 30.0
"""How long a download may stand still."""


def mirrors(source: Source) -> list[str]:
    """torchvision's mirrors of the source, each a URL that ends with a slash.

    ImportError where torchvision cannot be imported, as beside a PyTorch that it was not built for.
    """
    # Imported here, as only a first download needs it, and it takes seconds.
    try:
        datasets = importlib.import_module("torchvision.datasets")
    except Exception as error:  # RuntimeError: operator torchvision::nms does not exist
        raise ImportError(f"cannot be imported: {error}") from error
    return list(getattr(datasets, source.torchvision).mirrors)


def fetch_from_mirror(mirror: str, source: Source, names: list[str], folder: Path) -> None:
    """Download and unpack the named files into the folder; their hashes are not checked here.

    TimeoutError where the mirror gives no first file soon; OSError, EOFError, zlib.error or
    HTTPException where it breaks off or gives something else.
    """
    if problem := _problem(f"{mirror}{names[0]}.gz"):
        raise TimeoutError(problem)
    announce(f"Downloading {source.name} from {mirror}")
    for name in names:
        packed = folder / f"{name}.gz"
        _download(f"{mirror}{name}.gz", packed)
        with gzip.open(packed) as raw, (folder / name).open("wb") as file:
            shutil.copyfileobj(raw, file)


def _problem(url: str) -> str | None:
    """Why that URL gives no file soon; None where it does.

    Request in a thread of its own: urlopen's timeout bounds neither the look-up of the name nor
    the sum over its addresses, which takes minutes where a firewall drops packets.
    """
    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            with urllib.request.urlopen(url, timeout=ANSWER_SECONDS):
                answers.put(None)
        except (OSError, HTTPException) as error:
            if isinstance(error, HTTPError):
                error.close()
            answers.put(str(error))

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        return f"no answer within {ANSWER_SECONDS:g} s"


def _download(url: str, path: Path) -> None:
    with urllib.request.urlopen(url, timeout=STALL_SECONDS) as response, path.open("wb") as file:
        size = int(response.headers.get("Content-Length") or 0)
        with read_with_bar(response, size, path.name) as reader:
            shutil.copyfileobj(reader, file)
