"""All trainings of the benchmark, each in its own folder, and the one table that they end in.

Layout of a result folder:

    manifest.json               what every result depends on; other settings are refused
    scenes/                     the simulated scenes, where no data were given
    runs/METHOD-seedN/          config.json, log.jsonl, log.txt, result.json; checkpoint.pt while it is under way
    results.json, results.csv, table.html, table.tex
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from radarode.benchmark.jobs import Job, Outcome, check_engine, claimed_folder, do_jobs, finished_results
from radarode.benchmark.methods import METHODS, Method, select_methods, with_baseline
from radarode.benchmark.nyuv2.job import find_device, train_job, versions
from radarode.benchmark.nyuv2.layout import CHECKPOINT, SPLITS, TASKS
from radarode.benchmark.nyuv2.reader import open_scenes
from radarode.benchmark.nyuv2.scenes import make_scenes
from radarode.benchmark.nyuv2.settings import NyuSettings
from radarode.core.config import to_plain

BENCHMARK, SCENES = "nyuv2", "scenes"

Watcher = Callable[[dict[str, Any]], None]


def run_nyuv2(
    settings: NyuSettings,
    folder: Path | str,
    *,
    data: Path | str | None = None,
    engine: str = "local",
    watchers: Sequence[Watcher] = (),
) -> dict[str, Any]:
    """Train every method once per seed and write the table; what is done already is not done again.

    The table shows every run that is done in the folder, also those of earlier calls with other rows or seeds.
    The single-task baseline is three trainings, one per task. Every run starts from the same weights and sees the same
    batches as the other methods of its seed. The **last** epoch is evaluated, on `val`, which the literature calls the
    test set: NYUv2 has no third side to choose an epoch on.

    Args:
        settings: the recipe, the rows and the seeds; the baseline is added, since Δm needs it.
        folder: the result folder; created, or one that this function made with the same recipe and data.
        data: folder of NYUv2 (`open_scenes` says how it is laid out); None makes simulated scenes.
        engine: where the trainings run, one of `radarode.benchmark.engines.ENGINES`.
        watchers: called with progress records, `kind` "scenes" or "jobs".

    Returns:
        What `results.json` holds.

    Raises:
        InputError: bad data, or a folder with results of another recipe or other data.
        WorkInterruptedError: Ctrl-C; the same call goes on.
    """
    from radarode.benchmark.nyuv2.table import write_results

    place = Path(folder)
    check_engine(engine)
    _check(settings)
    with claimed_folder(place, _manifest(settings, data), BENCHMARK):
        source = _scenes(settings, place, data, watchers)
        jobs = _jobs(settings, source)
        outcome = do_jobs(jobs, place, settings.processes, watchers, engine=engine)
        facts = _facts(source, jobs, outcome, finished_results(place))
        return write_results(place, _shown(settings, facts["runs"]), facts)


def _check(settings: NyuSettings) -> None:
    """Find out before any long work whether the network can be built and the weights fit it."""
    import torch

    from radarode.benchmark.nyuv2.models import build_network, load_encoder_weights

    find_device(settings.device)
    if settings.encoder_weights is not None:
        network = build_network(settings.network, settings.network_size)
        load_encoder_weights(network, settings.encoder_weights)
    else:
        with torch.device("meta"):
            build_network(settings.network, settings.network_size)


def _manifest(settings: NyuSettings, data: Path | str | None) -> dict[str, Any]:
    """Return what all results of a folder share; encoder weights by their content, wherever the file lies."""
    recipe = settings.recipe()
    if settings.encoder_weights is not None:
        digest = hashlib.sha256(Path(settings.encoder_weights).read_bytes()).hexdigest()
        recipe["encoder_weights"] = f"sha256:{digest}"
    if data is None:
        return {"recipe": recipe, "data": {"simulated scenes": to_plain(settings.scenes)}}
    sides = {split: open_scenes(data, split).fingerprint() for split in SPLITS}
    return {"recipe": recipe, "data": sides}


def _scenes(settings: NyuSettings, place: Path, data: Path | str | None, watchers: Sequence[Watcher]) -> Path:
    """Return the data folder; simulate the scenes first where none is given."""
    if data is not None:
        return Path(data).absolute()

    def watch(done: int, total: int) -> None:
        for watcher in watchers:
            watcher({"kind": "scenes", "done": done, "of": total})

    return make_scenes(place / SCENES, settings.scenes, watch=watch).absolute()


def _jobs(settings: NyuSettings, data: Path) -> list[Job]:
    plain = to_plain(replace(settings, methods=(), seeds=(0,)))
    jobs = []
    for seed in settings.seeds:
        for method in with_baseline(select_methods(settings.methods)):
            for task in _trainings(method):
                payload = {"settings": plain, "data": str(data), "method": method.key, "seed": seed, "task": task}
                name = "-".join([method.key, *([task] if task else []), f"seed{seed}"])
                jobs.append(Job(name, train_job, payload, leftovers=(CHECKPOINT,)))
    return jobs


def _trainings(method: Method) -> tuple[str | None, ...]:
    return TASKS if method.strategy == "single" else (None,)


def _shown(settings: NyuSettings, runs: Mapping[str, Mapping[str, Any] | None]) -> NyuSettings:
    """Return the settings with all rows and seeds that were asked for, or are done in the folder from earlier calls."""
    done = [result for result in runs.values() if result]
    asked = [method.key for method in with_baseline(select_methods(settings.methods))]
    found = {*asked, *(result["method"] for result in done)}
    keys = tuple(method.key for method in METHODS if method.key in found)
    return replace(settings, methods=keys, seeds=tuple(sorted({*settings.seeds, *(one["seed"] for one in done)})))


def _facts(
    source: Path, jobs: Sequence[Job], outcome: Outcome, finished: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "simulated": open_scenes(source, "val").simulated,
        "scenes": {split: len(open_scenes(source, split)) for split in SPLITS},
        "runs": {**{job.name: outcome.results.get(job.name) for job in jobs}, **finished},
        "failures": outcome.failures,
        "versions": versions(),
    }
