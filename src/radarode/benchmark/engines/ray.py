"""Jobs spread over a Ray cluster: one that runs already, or one of this machine alone that ends with the benchmark."""

from __future__ import annotations

import logging
import math
import os
import re
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from radarode.benchmark.engines.crew import POLL_S, STOP_S, Crew, environment
from radarode.benchmark.engines.job import End, Task, do_task, one_line
from radarode.core.errors import InputError

_OBJECTS_BYTES = 80_000_000  # nothing but small answers goes through Ray's object store

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # Ray's switch for a cluster that listens on 127.0.0.1 alone


class RayCrew(Crew):
    """Ray tasks, one per job.

    A job gets the same number of threads as on one machine: its share of the cores of the cluster, and of its GPUs.
    """

    def __init__(self, size: int) -> None:
        import ray

        self._release = _connect(size)
        cores = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
        if sum(cores) < 1:
            self._release()
            raise InputError("the Ray cluster has no node with a CPU. Add one with `ray start --address=...`.")
        self.size = min(size, sum(cores))
        self.threads = threads_of(self.size, cores)
        gpus = ray.cluster_resources().get("GPU", 0.0)
        self._remote = ray.remote(do_task).options(
            name="radarode",
            num_cpus=self.threads,
            num_gpus=1 / math.ceil(self.size / gpus) if gpus >= 1 else 0,
            max_retries=0,
            runtime_env={"env_vars": {"OMP_NUM_THREADS": str(self.threads)}},
        )
        self._jobs: dict[Any, str] = {}

    def start(self, task: Task) -> None:
        """Submit the task; it waits in Ray's queue where other users of the cluster leave no room."""
        self._jobs[self._remote.remote(task)] = task.job.name

    def collect(self) -> list[tuple[str, End]]:
        """Wait for answers."""
        import ray

        ready, _ = ray.wait(list(self._jobs), num_returns=1, timeout=POLL_S)
        return [(self._jobs.pop(reference), _end_of(reference)) for reference in ready]

    def stop(self) -> None:
        """Interrupt the jobs under way, as Ctrl-C would; after `STOP_S` kill them."""
        import ray
        from ray.exceptions import RayError

        try:
            for force, seconds in ((False, STOP_S), (True, POLL_S)):
                left = list(self._jobs)
                for reference in left:
                    with suppress(RayError, ValueError):
                        ray.cancel(reference, force=force)
                if left:
                    done, _ = ray.wait(left, num_returns=len(left), timeout=seconds)
                    self._jobs = {one: name for one, name in self._jobs.items() if one not in done}
        finally:
            self._jobs.clear()
            self._release()


def _end_of(reference: Any) -> End:
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        return ray.get(reference)
    except RayTaskError as error:
        return End("failed", one_line(error.cause) if isinstance(error.cause, Exception) else last_line(str(error)))
    except (RayError, KeyboardInterrupt) as error:
        return End("lost", f"its worker ended: {type(error).__name__}")


def last_line(text: str) -> str:
    """Return the last line of a traceback, which says what happened."""
    return (text.strip().splitlines() or ["unknown error"])[-1].strip()


def threads_of(size: int, cores: Sequence[int]) -> int:
    """Return the largest number of threads with which so many jobs run at a time.

    Args:
        size: jobs at a time, at most as many as there are cores.
        cores: of each machine.

    Example:
        >>> threads_of(2, [16, 4]), threads_of(4, [16, 4]), threads_of(1, [2]), threads_of(3, [2, 1])
        (8, 4, 2, 1)
    """
    return max((n for n in range(1, max(cores) + 1) if sum(core // n for core in cores) >= size), default=1)


def _connect(size: int) -> Callable[[], None]:
    """Make a Ray cluster ready; return what takes leave of it."""
    import ray
    from ray.exceptions import RayError

    if ray.is_initialized():  # the caller's, who also ends it
        return lambda: None
    address = os.environ.get("RAY_ADDRESS") or _started_here() or "local"
    if address == "local":
        return _own_cluster(size)
    try:
        if re.fullmatch(r"[^/]+:\d+", address):
            _call(address)
        with environment(**_QUIET), _handlers_kept():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, OSError, RayError) as error:
        raise InputError(f"engine ray cannot reach the Ray cluster at {address}: {last_line(str(error))}") from error
    return ray.shutdown


def _started_here() -> str | None:
    """Return the address of the cluster that this user's `ray start` made this machine a part of, if it answers.

    Unlike Ray's own search, this never finds the passing cluster of another benchmark on the machine.
    """
    file = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()) / "ray" / "ray_current_cluster"
    with suppress(OSError, ValueError):
        address = file.read_text().strip()
        if file.stat().st_uid == os.getuid():
            _call(address)
            return address
    return None


def _call(address: str) -> None:
    """Raise `OSError` at once where nobody answers; Ray itself would try for minutes."""
    host, port = address.rsplit(":", 1)
    socket.create_connection((host.strip("[]"), int(port)), timeout=5.0).close()


def _own_cluster(size: int) -> Callable[[], None]:
    """Start a cluster on this machine that only this machine can reach."""
    import ray
    from ray._private import ray_constants

    threads = max(1, (os.cpu_count() or 1) // size)
    folder = tempfile.mkdtemp(prefix="rr-", dir="/tmp")  # Ray's sockets lie in it; their paths must be short
    reachable = ray_constants.ENABLE_RAY_CLUSTER  # what became of _LOOPBACK's variable when Ray was imported

    def release() -> None:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)

    try:
        ray_constants.ENABLE_RAY_CLUSTER = False
        with environment(**_QUIET, **_LOOPBACK), _handlers_kept():
            ray.init(
                address="local",
                num_cpus=size * threads,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                object_store_memory=_OBJECTS_BYTES,
                _temp_dir=folder,
            )
    except BaseException:
        release()
        raise
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = reachable
    return release


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Put back the SIGTERM handler that Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
