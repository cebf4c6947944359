"""Worker processes on this machine that take one job after the other; one that dies is replaced."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from radarode.benchmark.engines.crew import POLL_S, STOP_S, Crew
from radarode.benchmark.engines.job import End, Task, do_task
from radarode.core.ray_cluster import environment


@dataclass(slots=True)
class _Worker:
    """A process with a line to it, and the name of the job that it is at."""

    process: Any
    line: Connection
    job: str | None = None


class LocalCrew(Crew):
    """Worker processes; together they use the cores of this machine once."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.threads = max(1, (os.cpu_count() or 1) // size)
        self._workers: list[_Worker] = []

    def start(self, task: Task) -> None:
        """Give the task to an idle process, or to a new one."""
        self._workers = [worker for worker in self._workers if worker.job or worker.process.is_alive()]
        for worker in [worker for worker in self._workers if worker.job is None]:
            with suppress(BrokenPipeError, ConnectionResetError):  # it died while idle
                worker.line.send(task)
                worker.job = task.job.name
                return
            self._workers.remove(worker)
        worker = self._spawn()
        worker.job = task.job.name
        with suppress(BrokenPipeError, ConnectionResetError):  # it died at once; `collect` says so
            worker.line.send(task)

    def _spawn(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with environment(OMP_NUM_THREADS=str(self.threads)), _deaf():
            process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def collect(self) -> list[tuple[str, End]]:
        """Wait for an answer, or for the end of a process."""
        busy = [worker for worker in self._workers if worker.job]
        ready = wait([end for worker in busy for end in (worker.line, worker.process.sentinel)], POLL_S)
        ended = []
        for worker in busy:
            if worker.line not in ready and worker.process.sentinel not in ready:
                continue
            assert worker.job is not None
            try:
                end = worker.line.recv()
            except (EOFError, ConnectionResetError):
                worker.process.join()
                end = End("lost", f"its process ended with code {worker.process.exitcode}")
                worker.line.close()
                self._workers.remove(worker)
            ended.append((worker.job, end))
            worker.job = None
        return ended

    def stop(self) -> None:
        """Tell the processes to end: idle ones at once, busy ones after the checkpoint that SIGTERM asks for."""
        for worker in self._workers:
            with suppress(BrokenPipeError):  # it is gone already
                worker.line.send(None)
            if worker.job is not None:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join(STOP_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.line.close()
        self._workers.clear()


@contextmanager
def _deaf() -> Iterator[None]:
    """Let a child that is started in the block ignore Ctrl-C: that is for the parent to tell it."""
    main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGINT, handler)


def _serve(line: Connection) -> None:
    """Do jobs until told to end; this is the life of a worker."""
    os.setpgid(0, 0)  # out of the terminal's group: a job in progress is stopped by its parent alone
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            task = line.recv()
        except EOFError:  # the parent was killed
            return
        if task is None:
            return
        end = do_task(task)
        with suppress(BrokenPipeError):  # the parent was killed; the next call finds the result
            line.send(end)


def _end_with_parent() -> None:
    """Wait until the parent has ended; then stop the job in progress as the parent would have."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
