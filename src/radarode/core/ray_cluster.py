"""A Ray cluster to work on: one that runs already, or one of this machine alone, which nobody else can reach."""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from radarode.core.errors import InputError

_OBJECTS_BYTES = 80_000_000  # nothing but small answers goes through Ray's object store

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_NICENESS = "RAY_worker_niceness"
"""Ray gives its workers the least share of the processor (15); on a busy machine a stream would stand still."""

LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Ray's switch for a cluster that listens on 127.0.0.1 alone."""


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set environment variables for processes that are started in the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = old


def last_line(text: str) -> str:
    """Return the last line of a traceback, which says what happened."""
    return (text.strip().splitlines() or ["unknown error"])[-1].strip()


def connect_ray(size: int) -> Callable[[], None]:
    """Make a Ray cluster ready; return what takes leave of it."""
    import ray
    from ray.exceptions import RayError

    if ray.is_initialized():  # the caller's, who also ends it
        return lambda: None
    address = os.environ.get("RAY_ADDRESS") or _started_here() or "local"
    if address == "local":
        return own_cluster(size)
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


def own_cluster(size: int) -> Callable[[], None]:
    """Start a cluster on this machine that only this machine can reach."""
    import ray
    from ray._private import ray_constants

    threads = max(1, (os.cpu_count() or 1) // size)
    folder = tempfile.mkdtemp(prefix="rr-", dir="/tmp")  # Ray's sockets lie in it; their paths must be short
    reachable = ray_constants.ENABLE_RAY_CLUSTER  # what became of LOOPBACK's variable when Ray was imported

    def release() -> None:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)

    try:
        ray_constants.ENABLE_RAY_CLUSTER = False
        share = {_NICENESS: os.environ.get(_NICENESS, "0")}
        with environment(**_QUIET, **LOOPBACK, **share), _handlers_kept():
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
