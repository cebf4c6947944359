"""One job, and how a worker does it; the same on every engine."""

from __future__ import annotations

import json
import math
import os
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from radarode.benchmark.lock import locked
from radarode.core.errors import WorkInterruptedError
from radarode.core.files import atomic_path

RESULT, LOG = "result.json", "log.txt"

JobFunction = Callable[[dict[str, Any], Path], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Job:
    """Describe one job.

    Attributes:
        name: of its folder, unique.
        function: importable by name; takes the payload and the job's folder, returns a JSON object. Called again after
            an interruption, it goes on from what it left in the folder, if it can.
        payload: plain values.
        leftovers: files in its folder that nobody needs once its result is there; they are deleted then.
    """

    name: str
    function: JobFunction
    payload: dict[str, Any]
    leftovers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """Describe what a worker is to do.

    Attributes:
        job: the job.
        folder: its folder, absolute; it exists.
        mark: name of a file beside the job folders that a worker sees only where the folder is shared with it.
        threads: torch threads.
    """

    job: Job
    folder: str
    mark: str
    threads: int


@dataclass(frozen=True, slots=True)
class End:
    """Say how a try at a job ended.

    Attributes:
        kind: done; failed: the job raised an error; lost: its worker died or was told to stop by somebody else than
            the driver; unseen: the worker does not see the job's folder.
        text: one line about what happened, empty for done.
    """

    kind: Literal["done", "failed", "lost", "unseen"]
    text: str = ""


def do_task(task: Task) -> End:
    """Do one job, everything it prints going to its log."""
    folder = Path(task.folder)
    if not (folder.parent / task.mark).is_file():
        return End("unseen", f"a worker on {socket.gethostname()} cannot see the result folder {folder.parent.parent}.")
    try:
        # Locked, for a worker whose driver was killed may still be writing its checkpoint there.
        with locked(folder, wait=True), _output_to(folder / LOG):
            return _do(task.job, folder, task.threads)
    except OSError as error:  # the folder may not be written, or its file system has no locks
        return End("failed", one_line(error))


def _do(job: Job, folder: Path, threads: int) -> End:
    if (folder / RESULT).is_file():
        return End("done")
    try:
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(threads)
        result = job.function(job.payload, folder)
        with atomic_path(folder / RESULT) as path:
            path.write_text(json.dumps(as_json(result), indent=1) + "\n")
        for name in job.leftovers:
            (folder / name).unlink(missing_ok=True)
    except WorkInterruptedError as error:
        return End("lost", one_line(error))
    except Exception as error:
        traceback.print_exc()
        return End("failed", one_line(error))
    return End("done")


def one_line(error: BaseException) -> str:
    r"""Return the type and message of an error in one line.

    Example:
        >>> one_line(ValueError("two\nlines"))
        'ValueError: two lines'
    """
    return " ".join(f"{type(error).__name__}: {error}".split())


def as_json(value: Any) -> Any:
    """Return plain values with NaN and infinity as None, which JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """Send this process's output, that of C code included, to a file."""
    kept = [os.dup(1), os.dup(2)]
    with path.open("a") as log:
        try:
            for number in (1, 2):
                os.dup2(log.fileno(), number)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)
                os.close(old)
