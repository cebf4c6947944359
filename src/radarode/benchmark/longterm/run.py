"""The whole benchmark of long-term recovery: recordings, trainings, scores, one example, tables, figures."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radarode.benchmark.data import Watcher
from radarode.benchmark.frameworks.folds import incomplete_note, joined_folds
from radarode.benchmark.frameworks.recordings import GivenData
from radarode.benchmark.frameworks.run import Bench, RunOptions, opened_bench
from radarode.benchmark.jobs import Job, read_result
from radarode.benchmark.longterm.settings import LongtermSettings
from radarode.benchmark.longterm.summary import Cases, median_recording
from radarode.benchmark.longterm.work import score_recordings, show_example
from radarode.benchmark.longterm.write import Words, write_results

BENCHMARK = "longterm"
CHOOSING = "radarode-mtl"
"""Framework whose clean scores choose the example; without it the first one's do."""


@dataclass(frozen=True, slots=True, eq=False)
class LongtermResults:
    """Hold what the benchmark gives.

    Attributes:
        cases: what was scored.
        failures: job name -> one line.
        words: what stands around the tables.
    """

    cases: Cases
    failures: dict[str, str]
    words: Words


def run_longterm(
    settings: LongtermSettings,
    folder: Path | str,
    *,
    data: GivenData | Path | str | None = None,
    frameworks: Sequence[str] | None = None,
    trained: Path | str | None = None,
    processes: int = 2,
    engine: str = "local",
    command: str = "",
    watchers: Sequence[Watcher] = (),
) -> LongtermResults:
    """Train the frameworks, reconstruct whole recordings of other persons, write tables and figures.

    Tables show every framework that is done in the folder, also by earlier calls.

    Args:
        settings: recordings, seeds and trainings.
        folder: result folder; what is done in it is kept.
        data: folder of recordings to use instead of the simulated cohort.
        frameworks: some of the configured ones; None runs all.
        trained: result folder whose networks are taken, where they were trained by the same recipe.
        processes: jobs at a time.
        engine: where the jobs run.
        command: what was typed, for the record.
        watchers: called with records of kind "store" and "jobs".

    Raises:
        InputError: recordings or settings that cannot be used, or a folder that belongs to something else.
        WorkInterruptedError: Ctrl-C; the same call goes on.
    """
    options = RunOptions(settings.chosen(frameworks), data, trained, processes, engine, command, watchers)
    with opened_bench(BENCHMARK, settings, folder, options) as bench:
        bench.do([bench.job(job_name(*one), score_recordings, one) for one in bench.trainings()])
        cases, uneven = finished_cases(bench)
        examples = _examples(bench, settings, cases)
        words = Words.of(bench, settings, cases, uneven)
        write_results(bench, cases, examples, words)
    return LongtermResults(cases, bench.failures, words)


def job_name(framework: str, seed: int, fold: int) -> str:
    """Return the name of a scoring job."""
    return f"score-{framework}-seed-{seed}-fold-{fold}"


def finished_cases(bench: Bench) -> tuple[Cases, list[str]]:
    """Return what is scored in a folder, the folds put together, and a sentence about what lacks a fold."""
    settings = bench.settings
    jobs = {
        (framework, seed): [job_name(framework, seed, fold) for fold in settings.folds]
        for framework in settings.frameworks
        for seed in settings.seeds_of(framework)
    }
    complete, partial = joined_folds(bench.folder, jobs)
    return complete, incomplete_note([f"{framework}, seed {seed}" for framework, seed in partial])


def _examples(bench: Bench, settings: LongtermSettings, cases: Cases) -> Mapping[str, Mapping[str, Any]]:
    """Return what every framework's first training makes of the example, by framework."""
    first = {framework: settings.seeds_of(framework)[0] for framework in settings.frameworks}
    there = [framework for framework in first if (framework, first[framework]) in cases]
    if not there:
        return {}
    choosing = CHOOSING if CHOOSING in there else there[0]
    recording = median_recording(cases, choosing, first[choosing])
    if recording is None:
        return {}
    jobs = {}
    for framework in there:
        fold = next(
            fold
            for fold in settings.folds
            if recording in read_result(bench.folder, job_name(framework, first[framework], fold))["recordings"]
        )
        jobs[framework] = _example(bench, settings, (framework, first[framework], fold), recording)
    results = bench.do(list(jobs.values()))
    return {framework: results[job.name] for framework, job in jobs.items() if job.name in results}


def _example(bench: Bench, settings: LongtermSettings, training: tuple[str, int, int], recording: str) -> Job:
    digest = hashlib.sha256(recording.encode()).hexdigest()[:8]
    framework, seed, fold = training
    name = f"example-{framework}-seed-{seed}-fold-{fold}-{digest}"
    more = {"recording": recording, "noise_seed": settings.noise_seed, "stretch_s": settings.stretch_s}
    return bench.job(name, show_example, training, **more)
