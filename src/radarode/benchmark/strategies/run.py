"""The whole benchmark: data, trainings, table, figures; a second call does what is missing."""

from __future__ import annotations

import csv
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from radarode.benchmark.data import prepare_data
from radarode.benchmark.jobs import Job, as_json, check_engine, check_processes, claimed_folder, do_jobs
from radarode.benchmark.methods import BASELINE, METHODS, Method, with_baseline
from radarode.benchmark.strategies.settings import StrategiesSettings
from radarode.benchmark.strategies.summary import (
    MAIN,
    PERCENT,
    TABLE,
    Runs,
    as_rows,
    finished_runs,
    job_name,
    published,
    summarise,
    undefined_notes,
)
from radarode.benchmark.strategies.work import RUN, train_and_score
from radarode.benchmark.tables import uneven_notes, write_tables
from radarode.core.config import to_plain
from radarode.core.files import atomic_path
from radarode.core.notice import NOTICE
from radarode.core.types import COLUMNS
from radarode.metrics.labels import COLUMN_MEANING
from radarode.tasks.targets import TASKS

BENCHMARK, DATA_LABEL = "strategies", "simulated"

Watcher = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """Hold what the benchmark gives.

    Attributes:
        methods: the rows, the baseline first.
        runs: method label -> seed -> result.
        failures: one line per run that failed.
        title: of the main table.
        notes: sentences under every table.
    """

    methods: tuple[Method, ...]
    runs: Runs
    failures: Mapping[str, str]
    title: str
    notes: tuple[str, ...]

    def rows(self, column: str = MAIN) -> list[dict[str, Any]]:
        """Return the rows of the table of one column."""
        return summarise(self.methods, self.runs, column)


def run_strategies(
    settings: StrategiesSettings,
    folder: Path | str,
    *,
    methods: Sequence[Method] = METHODS,
    processes: int = 2,
    engine: str = "local",
    command: str = "",
    watchers: Sequence[Watcher] = (),
) -> Results:
    """Train every method with every seed, score it on the test persons and write table and figures.

    Table and figures show every run that is done in the folder, also those of earlier calls with other rows or seeds.

    Args:
        settings: cohort, seeds and training.
        folder: result folder; runs that are done in it are kept.
        methods: rows to run; the baseline is added, since Δm needs it.
        processes: trainings at a time.
        engine: where they run, one of `radarode.benchmark.engines.ENGINES`.
        command: what was typed, for the record.
        watchers: called with records of kind "store" and "jobs".

    Returns:
        The results; a run that failed is missing in them and named in `failures`.

    Raises:
        InputError: the folder holds results of another configuration.
        WorkInterruptedError: Ctrl-C; the same call goes on.
    """
    place = Path(folder)
    check_processes(processes)
    check_engine(engine)
    with claimed_folder(place, settings.recipe(), BENCHMARK):
        data_sha256 = prepare_data(place, settings.cohort, settings.experiment, watchers=watchers)
        chosen = with_baseline(methods)
        jobs = [_job(settings, method, seed) for seed in settings.seeds for method in chosen]
        outcome = do_jobs(jobs, place, processes, watchers, engine=engine)
        shown, seeds, runs = finished_runs(place, chosen, settings.seeds)
        settings = replace(settings, seeds=seeds)
        results = collect(settings, shown, runs, outcome.failures)
        write_results(place, settings, results, {"command": command, "data_sha256": data_sha256})
    return results


def _job(settings: StrategiesSettings, method: Method, seed: int) -> Job:
    if method == BASELINE:
        experiments = {
            name: settings.experiment_of(method, seed, "data", task=index) for index, name in enumerate(TASKS)
        }
    else:
        experiments = {RUN: settings.experiment_of(method, seed, "data")}
    return Job(job_name(method, seed), train_and_score, {"experiments": to_plain(experiments)})


def collect(
    settings: StrategiesSettings, methods: tuple[Method, ...], runs: Runs, failures: Mapping[str, str]
) -> Results:
    """Word what stands around the table of these runs."""
    cohort, data = settings.cohort.cohort(), settings.experiment.data
    tested = next((len(result["recordings"]) for runs_ in runs.values() for result in runs_.values()), 0)
    title = (
        f"Balancing strategies on a SIMULATED MMECG-like cohort ({cohort.n_subjects} persons, {cohort.n_recordings} "
        f"recordings of {cohort.duration_s:g} s), {MAIN} figures"
    )
    notes = (
        f"Fold {data.fold + 1} of {data.folds} by person: {tested} test recordings of persons that neither train nor "
        "validate; other persons choose the epoch. Figures are medians over the test recordings, MDR and F1 means.",
        f"{_seeds(settings.seeds)} Seeds vary start values and batches; persons and split stay the same. ± is the "
        "standard deviation over seeds. Δm of each seed is taken against the baseline's mean over seeds. "
        "Bold: best; underlined: second best.",
        *uneven_notes({method.label: len(runs[method.label]) for method in methods}, len(settings.seeds)),
        "The baseline is one training per task; their three heads are scored as one network.",
        NOTICE,
    )
    return Results(methods, runs, failures, title, notes)


def title_of(column: str, results: Results) -> str:
    """Return the title of the table of a column."""
    return results.title.replace(f"{MAIN} figures", f"{column} figures")


def column_notes(column: str, results: Results) -> list[str]:
    """Return the sentences under the table of a column."""
    own = f"Simulated data. {column}: {COLUMN_MEANING[column]}; Δm is computed from the same figures."
    return [own, *results.notes[:-1], *undefined_notes(results.methods, results.runs, column), results.notes[-1]]


def _seeds(seeds: Sequence[int]) -> str:
    return f"Seeds {', '.join(map(str, seeds))}." if len(seeds) > 1 else f"One seed ({seeds[0]})."


PUBLISHED_NOTE = (
    "Small figures: as published (arXiv 2410.08656, Table II), on real MMECG recordings and with the delay of "
    "the whole recording removed; another data set, so only the order of the methods can be compared, not the figures."
)


def write_results(folder: Path, settings: StrategiesSettings, results: Results, facts: Mapping[str, Any]) -> None:
    """Write tables of all three columns, `results.json`, `epochs.csv` and the figures."""
    from radarode.benchmark.strategies.figures import write_figures

    rows = {column: results.rows(column) for column in COLUMNS}
    main = [*column_notes(MAIN, results), PUBLISHED_NOTE]
    write_tables(folder, results.title, TABLE, as_rows(rows[MAIN]), main, published=published(), data=DATA_LABEL)
    for column in COLUMNS:
        if column != MAIN:
            (folder / column).mkdir(exist_ok=True)
            notes = column_notes(column, results)
            write_tables(
                folder / column, title_of(column, results), TABLE, as_rows(rows[column]), notes, data=DATA_LABEL
            )
    names = ("radarode", "torch", "numpy", "scipy", "sleepecg")
    plain = {
        "title": results.title,
        "simulated": True,
        "notice": NOTICE,
        **facts,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {name: version(name) for name in names},
        "seeds": list(settings.seeds),
        "config": to_plain(settings),
        "failures": sorted(results.failures),
        "units": dict.fromkeys(PERCENT, "percent in `rows`, share in `runs`"),
        "rows": rows,
        "runs": {label: {seed: _slim(one) for seed, one in of.items()} for label, of in results.runs.items()},
    }
    with atomic_path(folder / "results.json") as path:
        path.write_text(json.dumps(as_json(plain), indent=1) + "\n")
    with atomic_path(folder / "epochs.csv") as path, path.open("w", newline="") as file:
        csv.writer(file).writerows(_epoch_lines(results.runs))
    trained = [method for method in results.methods if results.runs[method.label]]
    if trained:
        write_figures(folder, trained, results.runs)


def _slim(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's figures without its epochs, which are in `epochs.csv`, and without single recordings."""
    trainings = {
        name: {key: value for key, value in one.items() if key != "epochs"} for name, one in result["trainings"].items()
    }
    return {key: value for key, value in result.items() if key != "recordings"} | {"trainings": trainings}


def _epoch_lines(runs: Runs) -> list[list[Any]]:
    """Return one line per method, seed, training and epoch, with every logged quantity as a column."""
    flat = [
        ({"method": label, "data": DATA_LABEL, "seed": seed, "training": name}, _flat(record))
        for label, of in runs.items()
        for seed, result in of.items()
        for name, training in result["trainings"].items()
        for record in training["epochs"]
    ]
    keys = list(dict.fromkeys(key for _, record in flat for key in record))
    head = ["method", "data", "seed", "training", *keys]
    return [head, *([*who.values(), *(_short(record.get(key)) for key in keys)] for who, record in flat)]


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if key == "kind":
            continue
        flat |= {f"{key}/{name}": one for name, one in value.items()} if isinstance(value, Mapping) else {key: value}
    return flat


def _short(value: Any) -> Any:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else value
