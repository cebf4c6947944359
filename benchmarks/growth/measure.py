"""Measure one kind at one size in a process of its own: time and peak memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from growth.plan import FULL, QUICK
from growth.points import Point

THREADS = int(os.environ.get("RADARODE_BENCH_THREADS", "2"))
SHORT_S, LONG_S = 2.0, 20.0
REPEATS, REPEATS_LONG, MOST_REPEATS = 5, 3, 50
ENOUGH_S = 1.0


class Stage(NamedTuple):
    """Hold what is timed for a series: a call, and by what its time is divided."""

    series: str
    call: Callable[[], object]
    per: float = 1.0


def in_own_process(script: Path, kind: str, size: float, *, quick: bool) -> list[Point]:
    """Return the points of one kind at one size; none if the process failed, which then told why."""
    command = [sys.executable, str(script), "--one", kind, f"{size:g}", *(["--quick"] if quick else [])]
    environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment)
    if done.returncode:
        return []
    return [Point(**json.loads(line)) for line in done.stdout.splitlines()]


def one(kind: str, size: float, *, quick: bool) -> None:
    """Measure one kind at one size in this process and print its points, a line of JSON each."""
    import torch

    from radarode.core.allocator import keep_freed_memory

    keep_freed_memory()
    torch.set_num_threads(THREADS)
    from growth.work import KINDS

    base_mb = resident_mb("VmRSS")
    stages = KINDS[kind](size, QUICK if quick else FULL)
    forget_peak()
    for series, call, per in stages:
        seconds = repeated(call)
        point = Point(series, size, statistics.median(seconds) / per, len(seconds), resident_mb("VmHWM"), base_mb)
        print(json.dumps(asdict(point)))


def repeated(call: Callable[[], object]) -> Sequence[float]:
    """Return the seconds of several calls: five or a second's worth behind a warm-up of less than 2 s, three, or one.

    Three where a call takes up to 20 s, one above. A first call that takes seconds counts: what it prepares is small
    beside it.
    """
    first = seconds_of(call)
    if first >= SHORT_S:
        return [first, *(seconds_of(call) for _ in range(REPEATS_LONG - 1 if first < LONG_S else 0))]
    times: list[float] = []
    while len(times) < REPEATS or (sum(times) < ENOUGH_S and len(times) < MOST_REPEATS):
        times.append(seconds_of(call))
    return times


def seconds_of(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def resident_mb(name: str) -> float:
    """Return VmRSS or VmHWM of this process in MB (2^20 bytes)."""
    # Not `getrusage`: its peak starts at that of the process that started this one.
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)]
    return int(line.split()[1]) / 1024


def forget_peak() -> None:
    """Let the peak begin at what is held now, so that preparing the input does not count; older kernels refuse."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError as error:
        print(f"the peak memory includes that of making the input: {error}", file=sys.stderr)
