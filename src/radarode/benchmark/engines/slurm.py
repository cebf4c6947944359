"""Jobs as batch jobs of a Slurm cluster, through submitit."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from radarode.benchmark.engines.crew import POLL_S, STOP_S, Crew
from radarode.benchmark.engines.job import End, Task, do_task
from radarode.core.errors import InputError
from radarode.core.ray_cluster import environment

CLUSTER = "slurm"
"""Executor of submitit; "local" does without Slurm, for tests."""

OPTIONS = "RADARODE_SBATCH"
"""Environment variable with options of sbatch: "partition=gpu time=12:00:00 cpus-per-task=8 gres=gpu:1"."""

_DEFAULTS = {"cpus-per-task": "4", "time": "24:00:00"}


class SlurmCrew(Crew):
    """Batch jobs, one per job; what submitit and Slurm write about them is in the folder `slurm` of the result folder.

    The driver stays up, submits and collects; a job has as many threads as `cpus-per-task`.
    """

    def __init__(self, size: int, folder: Path) -> None:
        import submitit

        if CLUSTER == "slurm" and shutil.which("srun") is None:
            raise InputError("engine slurm needs a machine that has Slurm: there is no `srun` here. Take engine ray.")
        options = read_options(os.environ.get(OPTIONS, ""))
        self.size, self.threads = size, int(options.pop("cpus-per-task"))
        self._executor = submitit.AutoExecutor(folder=(folder / "slurm").absolute(), cluster=CLUSTER)
        self._executor.update_parameters(name="radarode", cpus_per_task=self.threads, timeout_min=24 * 60)
        self._executor.update_parameters(slurm_additional_parameters=options)
        self._jobs: dict[str, Any] = {}

    def start(self, task: Task) -> None:
        """Submit a batch job."""
        with environment(OMP_NUM_THREADS=str(self.threads)):  # sbatch hands the environment on
            self._jobs[task.job.name] = self._executor.submit(_do_batch, task)

    def collect(self) -> list[tuple[str, End]]:
        """Look which batch jobs ended."""
        ended = [name for name, job in self._jobs.items() if job.done()]
        if not ended:
            time.sleep(POLL_S)
        return [(name, _end_of(self._jobs.pop(name))) for name in ended]

    def stop(self) -> None:
        """Cancel the batch jobs: Slurm sends SIGTERM first, which asks for a checkpoint."""
        for job in self._jobs.values():
            with suppress(OSError):
                job.cancel(check=False)
        end = time.monotonic() + STOP_S
        while self._jobs and time.monotonic() < end:
            self._jobs = {name: job for name, job in self._jobs.items() if not job.done(force_check=True)}
            time.sleep(POLL_S if self._jobs else 0.0)
        self._jobs.clear()


def read_options(text: str) -> dict[str, str]:
    """Read options of sbatch.

    Args:
        text: `name=value` pairs with spaces between them, as in `RADARODE_SBATCH`.

    Raises:
        InputError: no pair, or `cpus-per-task` is not a positive number.

    Example:
        >>> read_options("partition=gpu time=60")
        {'cpus-per-task': '4', 'time': '60', 'partition': 'gpu'}
    """
    options = dict(_DEFAULTS)
    for word in shlex.split(text):
        name, equals, value = word.lstrip("-").partition("=")
        if not (name and equals and value):
            raise InputError.of(OPTIONS, "NAME=VALUE pairs with spaces between them", repr(word))
        options[name.replace("_", "-")] = value
    if not options["cpus-per-task"].isdigit() or int(options["cpus-per-task"]) < 1:
        raise InputError.of(f"cpus-per-task in {OPTIONS}", "at least 1", options["cpus-per-task"])
    return options


def _do_batch(task: Task) -> End:
    """Do a task inside a batch job; the signal before its time limit stops it in order, as cancelling does."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # submitit ignores it
    signal.signal(signal.SIGUSR2, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    return do_task(task)


def _end_of(job: Any) -> End:
    from submitit.core.utils import FailedJobError, UncompletedJobError

    try:
        return job.result()
    except FailedJobError as error:
        lines = str(error).strip().splitlines()
        return End("failed", lines[-1] if lines else "unknown error")
    except UncompletedJobError:
        return End("lost", f"its batch job {job.job_id} ended as {job.state}")
