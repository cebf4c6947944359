"""The whole benchmark of noise: recordings, trainings, reconstructions under noise, tables, figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from radarode.benchmark.data import Watcher
from radarode.benchmark.frameworks.folds import incomplete_note, joined_folds
from radarode.benchmark.frameworks.recordings import GivenData
from radarode.benchmark.frameworks.run import Bench, RunOptions, opened_bench
from radarode.benchmark.jobs import Job
from radarode.benchmark.noise.conditions import KINDS, Condition, NoiseSettings
from radarode.benchmark.noise.summary import Cases
from radarode.benchmark.noise.work import score_condition
from radarode.benchmark.noise.write import Words, write_results
from radarode.core.config import to_plain
from radarode.core.errors import InputError

BENCHMARK = "noise"


@dataclass(frozen=True, slots=True, eq=False)
class NoiseResults:
    """Hold what the benchmark gives.

    Attributes:
        cases: what was scored.
        kinds: of noise that there are results of.
        failures: job name -> one line.
        words: what stands around the tables.
    """

    cases: Cases
    kinds: tuple[str, ...]
    failures: dict[str, str]
    words: Words


def run_noise(
    settings: NoiseSettings,
    folder: Path | str,
    *,
    data: GivenData | Path | str | None = None,
    frameworks: Sequence[str] | None = None,
    trained: Path | str | None = None,
    processes: int = 2,
    engine: str = "local",
    command: str = "",
    watchers: Sequence[Watcher] = (),
) -> NoiseResults:
    """Train the frameworks, add noise to the recordings of other persons, score them, write tables and figures.

    Tables show every framework and kind of noise that is done in the folder, also by earlier calls.

    Args:
        settings: recordings, seeds, trainings and conditions.
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
    chosen, left_out = suited(settings, settings.chosen(frameworks))
    options = RunOptions(chosen, data, trained, processes, engine, command, watchers)
    with opened_bench(BENCHMARK, settings, folder, options) as bench:
        bench.do([job for training in bench.trainings() for job in _jobs(bench, settings, training)])
        cases, uneven = finished_cases(bench, settings)
        kinds = tuple(kind for kind in KINDS if any(key.startswith(kind) for _, key, _, _ in cases))
        words = Words.of(bench, settings, cases, [*left_out, *uneven])
        write_results(bench, settings, cases, kinds, words)
    return NoiseResults(cases, kinds, bench.failures, words)


def suited(settings: NoiseSettings, frameworks: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the frameworks that the noise reaches, and sentences about how it does and which it does not.

    Raises:
        InputError: it reaches none of them.
    """
    from radarode.frameworks import framework_class

    kinds = {name: framework_class(name) for name in frameworks}
    if settings.domain == "signal":
        return tuple(frameworks), []
    deaf = [name for name, kind in kinds.items() if not kind.reads_spectrogram]
    left = tuple(name for name in frameworks if name not in deaf)
    if not left:
        raise InputError(f"{', '.join(deaf)} reads no spectrogram, so noise on it does nothing. Use the signal domain.")
    names = ", ".join(kinds[name].title for name in deaf)
    half = ", ".join(kinds[name].title for name in left if kinds[name].reads_motion)
    return left, [
        *[f"Also read the motion, which stays clean: {half}."] * bool(half),
        *[f"Left out, since noise on the spectrogram does not reach them: {names}."] * bool(deaf),
    ]


def job_name(training: tuple[str, int, int], condition: Condition, noise_seed: int) -> str:
    """Return the name of a scoring job."""
    framework, seed, fold = training
    return f"score-{framework}-seed-{seed}-fold-{fold}-{condition.key}-noise-{noise_seed}"


def _jobs(bench: Bench, settings: NoiseSettings, training: tuple[str, int, int]) -> list[Job]:
    return [
        bench.job(
            job_name(training, condition, noise_seed),
            score_condition,
            training,
            noise=to_plain(condition.noise(settings.domain, settings.share)),
            condition=condition.key,
            noise_seed=noise_seed,
        )
        for condition in settings.conditions()
        for noise_seed in settings.seeds_of_noise(condition)
    ]


def finished_cases(bench: Bench, settings: NoiseSettings) -> tuple[Cases, list[str]]:
    """Return what is scored in a folder, the folds put together, and a sentence about what lacks a fold."""
    jobs = {
        (framework, condition.key, seed, noise_seed): [
            job_name((framework, seed, fold), condition, noise_seed) for fold in settings.folds
        ]
        for framework in settings.frameworks
        for seed in settings.seeds_of(framework)
        for condition in replace(settings, kinds=KINDS).conditions()
        for noise_seed in settings.seeds_of_noise(condition)
    }
    complete, partial = joined_folds(bench.folder, jobs)
    return complete, incomplete_note(
        sorted({f"{framework}, seed {seed}, {key}" for framework, key, seed, _ in partial})
    )
