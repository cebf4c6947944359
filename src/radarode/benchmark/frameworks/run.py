"""The order in which a benchmark of frameworks is done: recordings, trainings, then whatever is scored."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from radarode.benchmark.data import STORE, Watcher
from radarode.benchmark.frameworks.adopt import RECIPE, adopt_trained, check_recipe
from radarode.benchmark.frameworks.recordings import GivenData, prepare_recordings, recording_facts, survey
from radarode.benchmark.frameworks.settings import FrameworksSettings, own_settings
from radarode.benchmark.frameworks.work import train_framework, train_name
from radarode.benchmark.jobs import Job, JobFunction, check_engine, check_processes, claimed_folder, do_jobs
from radarode.core.config import to_plain
from radarode.core.notice import NOTICE


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Say what a benchmark runs on, and how.

    Attributes:
        frameworks: that are compared.
        data: folder of recordings to use instead of the simulated cohort.
        trained: result folder whose networks are taken, where they were trained by the same recipe.
        processes: jobs at a time.
        engine: where the jobs run.
        command: what was typed, for the record.
        watchers: called with records of kind "store" and "jobs".
    """

    frameworks: Sequence[str]
    data: GivenData | Path | str | None = None
    trained: Path | str | None = None
    processes: int = 2
    engine: str = "local"
    command: str = ""
    watchers: Sequence[Watcher] = ()


@dataclass(slots=True)
class Bench:
    """Hold a benchmark at work: the recordings are there, and the trainings that succeeded.

    Attributes:
        folder: the result folder.
        settings: the benchmark's.
        data: recordings that were given; None where they are simulated.
        options: how it is run.
        data_sha256: of the store's index.
        copied: trainings that were taken from another folder.
        failures: job name -> one line, of all jobs so far.
    """

    folder: Path
    settings: FrameworksSettings
    data: GivenData | None
    options: RunOptions
    data_sha256: str = ""
    copied: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def trainings(self) -> Iterator[tuple[str, int, int]]:
        """Yield framework, seed and fold of every training that did not fail."""
        for framework in self.options.frameworks:
            for seed in self.settings.seeds_of(framework):
                for fold in self.settings.folds:
                    if train_name(framework, seed, fold) not in self.failures:
                        yield framework, seed, fold

    def job(self, name: str, function: JobFunction, training: tuple[str, int, int], **more: Any) -> Job:
        """Return a job that scores a training.

        Args:
            name: of the job.
            function: what is done.
            training: framework, seed and fold.
            more: further values of the payload.
        """
        framework, seed, fold = training
        payload = {
            "framework": framework,
            "seed": seed,
            "fold": fold,
            "data": None if self.data is None else str(self.data.folder.resolve()),
            "fs_hz": None if self.data is None else self.data.fs_hz,
            "reconstruct": to_plain(self.settings.reconstruct),
        }
        return Job(name, function, payload | more)

    def do(self, jobs: Sequence[Job]) -> dict[str, dict[str, Any]]:
        """Run the jobs that are not done; return the results of all that are, and note the failures."""
        options = self.options
        outcome = do_jobs(jobs, self.folder, options.processes, options.watchers, engine=options.engine)
        self.failures |= outcome.failures
        return outcome.results

    @property
    def simulated(self) -> bool:
        """Whether any of the recordings is simulated, given or not."""
        return any(one["source"] == "simulated" for one in recording_facts(self.folder))


@contextmanager
def opened_bench(
    benchmark: str, settings: FrameworksSettings, folder: Path | str, options: RunOptions
) -> Iterator[Bench]:
    """Hold the result folder, make the recordings ready and train; what is done already is kept.

    Args:
        benchmark: its name.
        settings: the benchmark's.
        folder: of the results.
        options: what is run, and how.

    Yields:
        The benchmark at work.

    Raises:
        InputError: recordings or settings that cannot be used, or a folder that belongs to something else.
        WorkInterruptedError: Ctrl-C; the same call goes on.
    """
    place, data = Path(folder), options.data
    if data is not None and not isinstance(data, GivenData):
        data = GivenData(Path(data), settings.data.fs_hz)
    trained = None if options.trained is None else Path(options.trained)
    check_processes(options.processes)
    check_engine(options.engine)
    if not (place / STORE).is_dir():
        survey(settings, data)
    recipe = settings.recipe(None if data is None else data.fingerprint())
    if trained is not None:
        check_recipe(trained, recipe)
    with claimed_folder(place, {RECIPE: recipe, **scoring_recipe(settings)}, benchmark):
        bench = Bench(place, settings, data, options)
        bench.data_sha256 = prepare_recordings(place, settings, data, options.frameworks, options.watchers)
        names = [train_name(*training) for training in bench.trainings()]
        if trained is not None:
            bench.copied = adopt_trained(place, trained, names)
        bench.do([_training(bench, *training) for training in bench.trainings()])
        yield bench


NOT_IN_RECIPE = ("noise_seeds", "kinds", "constant_db", "abrupt_s", "abrupt_db")
"""Settings of which there may be more or fewer in a later call on the same folder."""


def scoring_recipe(settings: FrameworksSettings) -> dict[str, Any]:
    """Return what the scores depend on besides the trainings: the reconstruction, and the benchmark's own settings."""
    own = {key: value for key, value in own_settings(settings).items() if key not in NOT_IN_RECIPE}
    return {"reconstruct": to_plain(settings.reconstruct), **own}


def _training(bench: Bench, framework: str, seed: int, fold: int) -> Job:
    experiment = bench.settings.experiment_of(framework, seed, fold)
    source = None if bench.data is None else str(bench.data.folder.resolve())
    payload = {"experiment": to_plain(experiment), "data": source}
    return Job(train_name(framework, seed, fold), train_framework, payload)


def record(bench: Bench) -> dict[str, Any]:
    """Return what a result file says about how it came about."""
    names = ("radarode", "torch", "numpy", "scipy", "sleepecg")
    return {
        "simulated": bench.simulated,
        "notice": NOTICE,
        "command": bench.options.command,
        "data_sha256": bench.data_sha256,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {name: version(name) for name in names},
        "config": to_plain(bench.settings),
        "copied_trainings": bench.copied,
        "failures": sorted(bench.failures),
    }


def titles(frameworks: Sequence[str]) -> dict[str, str]:
    """Return the frameworks' names as in tables."""
    from radarode.frameworks import framework_class

    return {name: framework_class(name).title for name in frameworks}


def described(bench: Bench) -> str:
    """Return what the recordings are, for a title: number of persons and recordings, and SIMULATED where they are."""
    facts = recording_facts(bench.folder)
    kind = "SIMULATED " if bench.simulated else ""
    persons = len({one["subject"] for one in facts})
    return f"{kind}recordings ({persons} persons, {len(facts)} recordings)"


def split_note(bench: Bench) -> str:
    """Return the sentence about who is tested."""
    settings, total = bench.settings, bench.settings.data.folds
    folds = ", ".join(str(fold + 1) for fold in settings.folds)
    which = f"All {total} folds" if len(settings.folds) == total else f"Fold {folds} of {total}"
    return (
        f"{which} by person: nobody is tested by a network that was trained or whose epoch was chosen on that person. "
        "Figures are medians over the test recordings; MDR, precision and F1 are means."
    )
