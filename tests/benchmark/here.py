"""Jobs in this process, for tests of what the jobs do: starting a worker takes longer than a job at micro size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from radarode.benchmark.engines.crew import Crew
from radarode.benchmark.engines.job import End, Task, do_task


class HereCrew(Crew):
    """One worker, which is this process; a job is done when it is started."""

    size = threads = 1

    def __init__(self) -> None:
        self._ended: list[tuple[str, End]] = []

    def start(self, task: Task) -> None:
        self._ended.append((task.job.name, do_task(task)))

    def collect(self) -> list[tuple[str, End]]:
        ended, self._ended = self._ended, []
        return ended

    def stop(self) -> None:
        self._ended.clear()


@contextmanager
def jobs_here() -> Iterator[None]:
    """Do all jobs of the block in this process, whatever the engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("radarode.benchmark.jobs.make_crew", lambda *_: HereCrew())
        yield
