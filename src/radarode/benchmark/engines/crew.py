"""What all engines share: jobs are handed out, collected, tried again once if their worker was lost, and stopped."""

from __future__ import annotations

import os
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from radarode.benchmark.engines.job import LOG, RESULT, End, Job, Task
from radarode.core.errors import InputError, WorkInterruptedError

Watcher = Callable[[dict[str, Any]], None]

POLL_S = 0.5
"""Longest wait of `Crew.collect`, and so the time that a Ctrl-C may take to be noticed."""

STOP_S = 60.0
"""Time that a job told to stop has for its checkpoint."""

_MARK = ".shared-"
_VISIBLE_S = 90.0


class Crew(ABC):
    """Workers of one engine.

    Attributes:
        size: jobs at a time.
        threads: torch threads of each job.
    """

    size: int
    threads: int

    @abstractmethod
    def start(self, task: Task) -> None:
        """Hand a task to a worker; called while fewer than `size` are under way."""

    @abstractmethod
    def collect(self) -> list[tuple[str, End]]:
        """Wait up to `POLL_S`; return the names of jobs that ended, each with how."""

    @abstractmethod
    def stop(self) -> None:
        """Tell the jobs under way to stop, wait for their checkpoints and release the workers."""


@dataclass(slots=True)
class Work:
    """The jobs of one call, from the first to the last.

    Attributes:
        crew: who does them; it is stopped at the end.
        runs: folder of the jobs' folders.
        total: number of jobs, those that were done before included.
        watchers: called with a record whenever something changes.
        waiting: jobs to hand out.
        running: jobs that a worker is at, by name.
        failures: job name -> one line.
        done: jobs with a result.
    """

    crew: Crew
    runs: Path
    total: int
    watchers: Sequence[Watcher]
    waiting: list[Job]
    running: dict[str, Job] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    done: int = 0
    _lost: set[str] = field(default_factory=set)

    def run(self) -> dict[str, str]:
        """Run the jobs; return, for each that failed, one line.

        Raises:
            InputError: a worker does not see the result folder.
            WorkInterruptedError: Ctrl-C.
        """
        from radarode.train.interrupt import interrupt_flag

        self.done = self.total - len(self.waiting)
        try:
            with _mark(self.runs) as mark, interrupt_flag() as flag:
                while self.waiting or self.running:
                    self._hand_out(mark)
                    self._tell()
                    ended: list[tuple[str, End]] = []
                    while not ended and not flag.raised:
                        ended = self.crew.collect()
                    for name, end in ended:
                        self._take(self.running.pop(name), end)
                    if flag.raised:
                        raise WorkInterruptedError(
                            f"stopped with {self.done} of {self.total} runs done; the same command goes on."
                        )
            self._tell()
        finally:
            self.crew.stop()
        return self.failures

    def _hand_out(self, mark: str) -> None:
        while self.waiting and len(self.running) < self.crew.size:
            job = self.waiting.pop(0)
            folder = (self.runs / job.name).absolute()
            folder.mkdir(parents=True, exist_ok=True)
            self.crew.start(Task(job, str(folder), mark, self.crew.threads))
            self.running[job.name] = job

    def _take(self, job: Job, end: End) -> None:
        """Count a job that ended; one whose worker was lost goes to the end of the queue, the first time."""
        if end.kind == "unseen":
            raise InputError(f"{end.text} Choose one on a file system that this machine and all workers share.")
        log = self.runs / job.name / LOG
        text = end.text
        if end.kind == "lost":
            if job.name not in self._lost:
                self._lost.add(job.name)
                with log.open("a") as file:
                    file.write(f"-- {text}; the job is tried again --\n")
                self.waiting.append(job)
                return
            text = f"{text}, twice"
        elif end.kind == "done":
            if _appears(self.runs / job.name / RESULT):
                self.done += 1
                return
            text = f"its result did not appear within {_VISIBLE_S:g} s"
        self.failures[job.name] = f"run {job.name} failed: {text} (log: {log})"

    def _tell(self) -> None:
        record = {"done": self.done, "of": self.total, "failed": len(self.failures), "running": list(self.running)}
        for watcher in self.watchers:
            watcher({"kind": "jobs", **record})


@contextmanager
def _mark(runs: Path) -> Iterator[str]:
    """Put a file beside the job folders while the block lasts, under a name that no machine has looked for before."""
    runs.mkdir(parents=True, exist_ok=True)
    for old in runs.glob(f"{_MARK}*"):  # of a driver that was killed
        old.unlink(missing_ok=True)
    path = runs / f"{_MARK}{secrets.token_hex(8)}"
    path.touch()
    try:
        yield path.name
    finally:
        path.unlink(missing_ok=True)


def _appears(path: Path) -> bool:
    """Return whether a file that another machine wrote is there; network file systems show it a little late."""
    end = time.monotonic() + _VISIBLE_S
    while not path.is_file():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
        os.listdir(path.parent)  # makes them look again
    return True
