"""Run many independent jobs in workers; each leaves its result behind, so that a next call does the rest.

Layout of a folder of jobs:

    manifest.json               the benchmark and the configuration that everything in the folder was made with
    .lock                       held while a benchmark is running in the folder; likewise in a job's own folder
    runs/NAME/                  a job's own folder; what the job keeps there, it finds there again
    runs/NAME/result.json       its result; a job is done when this file exists
    runs/NAME/log.txt           everything it printed, and its traceback if it failed
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radarode.benchmark.claim import MANIFEST, claimed_folder, first_difference
from radarode.benchmark.engines import check_engine, make_crew
from radarode.benchmark.engines.crew import Watcher, Work
from radarode.benchmark.engines.job import LOG, RESULT, Job, JobFunction, as_json
from radarode.core.errors import InputError

__all__ = [
    "LOG", "MANIFEST", "RESULT", "RUNS", "Job", "JobFunction", "Outcome", "as_json", "check_engine", "check_processes",
    "claimed_folder", "do_jobs", "finished_results", "first_difference", "read_result", "run_jobs",
]  # fmt: skip

RUNS = "runs"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Hold what came of the jobs.

    Attributes:
        results: job name -> result, in the order of the jobs.
        failures: job name -> one line that says what happened and where the log lies.
    """

    results: dict[str, dict[str, Any]]
    failures: dict[str, str]


def run_jobs(
    jobs: Sequence[Job],
    folder: Path | str,
    *,
    processes: int = 1,
    config: Any = None,
    watchers: Sequence[Watcher] = (),
    engine: str = "local",
) -> Outcome:
    """Run the jobs that have no result yet; one that fails does not stop the others.

    Args:
        jobs: in the order in which they are started.
        folder: of the results; created if missing.
        processes: jobs at a time; each gets its share of the processor's cores as torch threads.
        config: what all jobs depend on (a dataclass or plain values); results made with another are refused.
        engine: where they run, `radarode.benchmark.engines.ENGINES`; the results are the same.
        watchers: called with `{"kind": "jobs", "done", "of", "failed", "running"}` whenever something changes.

    Raises:
        InputError: two jobs of one name, the folder holds results of another configuration, another process is at work
            in it, or the engine is unknown, not installed or does not see the folder.
        WorkInterruptedError: Ctrl-C; running jobs were told to stop and may have kept a checkpoint.
    """
    check_processes(processes)
    check_engine(engine)
    with claimed_folder(Path(folder), config):
        return do_jobs(jobs, Path(folder), processes, watchers, engine=engine)


def do_jobs(
    jobs: Sequence[Job], folder: Path, processes: int, watchers: Sequence[Watcher] = (), *, engine: str = "local"
) -> Outcome:
    """Run the jobs that have no result yet, as `run_jobs` does, in a folder that `claimed_folder` holds."""
    names = [job.name for job in jobs]
    if len(set(names)) != len(names) or not all(names):
        raise InputError.of("jobs", "of different names", sorted(names))
    check_processes(processes)
    check_engine(engine)
    missing = [job for job in jobs if not (folder / RUNS / job.name / RESULT).is_file()]
    failures: dict[str, str] = {}
    if missing:
        crew = make_crew(engine, folder, min(processes, len(missing)))
        failures = Work(crew, folder / RUNS, len(jobs), watchers, missing).run()
    results = {name: read_result(folder, name) for name in names if name not in failures}
    return Outcome(results, failures)


def check_processes(processes: int) -> None:
    """Raise `InputError` for less than one process; cheap, so call it before long work."""
    if processes < 1:
        raise InputError.of("processes", "at least 1", processes)


def read_result(folder: Path | str, name: str) -> dict[str, Any]:
    """Read the result of a finished job.

    Raises:
        InputError: the file is damaged.
    """
    path = Path(folder) / RUNS / name / RESULT
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path} is damaged. Delete it to do this run again.") from error


def finished_results(folder: Path | str) -> dict[str, dict[str, Any]]:
    """Read the results of all jobs that are done in a folder, whichever call they were done by, sorted by name."""
    names = sorted(path.parent.name for path in (Path(folder) / RUNS).glob(f"*/{RESULT}"))
    return {name: read_result(folder, name) for name in names}
