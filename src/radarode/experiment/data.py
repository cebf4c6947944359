"""Where the recordings of a run come from, and the spectrogram store made of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from radarode.configuration import DataSettings, Experiment, read_experiment
from radarode.core.config import suggestion
from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.augment import AugmentSettings, augment_recording
from radarode.data.load import load
from radarode.data.store import open_store
from radarode.data.store_writer import write_store
from radarode.experiment.layout import CONFIG, SPLIT
from radarode.signal.timefrequency import resolve_settings
from radarode.simulate import PRESETS, Cohort, iter_recordings

COMPANIONS = (".json", ".md", ".txt", ".yaml", ".dat", ".atr", ".qrs", ".xyz")
"""Endings of files that stand beside recordings; a WFDB record is named by its header."""

Watcher = Callable[[dict[str, Any]], None]


def find_recordings(source: str) -> list[Path]:
    """List the files of a data source: one file, or everything in a folder that is not hidden."""
    path = Path(source)
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.is_file() and p.suffix not in COMPANIONS and p.name[0] != ".")
        if not files:
            raise InputError(f"{path} holds no recordings.")
        return files
    return [path]


def iterate_recordings(settings: DataSettings, seed: int) -> Iterator[Recording]:
    """Yield the recordings of a data source, one at a time."""
    if settings.source.startswith("simulate:"):
        yield from iter_recordings(_cohort(settings.source, seed))
        return
    for path in find_recordings(settings.source):
        yield load(path, fs_hz=settings.fs_hz)


def count_recordings(settings: DataSettings, seed: int) -> int:
    """Return how many recordings a data source has, copies not counted."""
    if settings.source.startswith("simulate:"):
        return _cohort(settings.source, seed).n_recordings
    return len(find_recordings(settings.source))


def build_store(experiment: Experiment, path: Path, watchers: Sequence[Watcher] = (), *, motion: bool = False) -> None:
    """Transform the data source into a spectrogram store, with augmented copies where asked for.

    Args:
        experiment: names the source, the transform and the copies.
        path: the store to create.
        watchers: called with the number of recordings done.
        motion: also keep the motion.
    """
    total = count_recordings(experiment.data, experiment.seed)
    rng = np.random.default_rng([experiment.seed, 10])

    def recordings() -> Iterator[Recording]:
        for number, recording in enumerate(iterate_recordings(experiment.data, experiment.seed)):
            for watcher in watchers:
                watcher({"kind": "store", "done": number, "of": total})
            yield recording
            for _ in range(experiment.data.copies):
                yield augment_recording(recording, experiment.augment or AugmentSettings(), rng)

    write_store(
        path,
        recordings(),
        experiment.transform,
        max_channels=experiment.data.store_channels,
        rng=np.random.default_rng([experiment.seed, 11]),
        made_from=_made_from(experiment),
        motion=motion,
    )


def _made_from(experiment: Experiment) -> dict[str, Any]:
    data = experiment.data
    return {
        "source": data.source,
        "seed": experiment.seed,
        "store_channels": data.store_channels,
        "copies": data.copies,
        "transform": resolve_settings(**experiment.transform),
    }


def check_store(experiment: Experiment, path: Path) -> None:
    """Refuse a store that was made from other data or with other settings than the experiment's.

    Raises:
        InputError: naming the first difference.
    """
    made_from = open_store(path).index.get("made_from", {})
    for key, wanted in _made_from(experiment).items():
        if key in made_from and made_from[key] != wanted:
            raise InputError(
                f"the store {path} was made with {key} = {made_from[key]!r}, not {wanted!r}. Name another."
            )


def _cohort(source: str, seed: int) -> Cohort:
    name = source.removeprefix("simulate:")
    if name not in PRESETS:
        raise InputError(f"unknown simulated cohort `{name}`. {suggestion(name, PRESETS)}")
    return PRESETS[name](seed)


def held_out_recordings(folder: Path | str) -> Iterator[Recording]:
    """Yield the recordings of a run's test subjects, read or simulated anew.

    Raises:
        FileNotFoundError: the folder is not a run.
        InputError: the run has no test side.
    """
    run = Path(folder)
    if not (run / SPLIT).is_file():
        raise FileNotFoundError(f"{run} is not a run folder: it has no {SPLIT}.")
    wanted = set(json.loads((run / SPLIT).read_text())["test"])
    if not wanted:
        raise InputError(f"{run} has no test subjects; train it with data.folds of 2 or more.")
    experiment = read_experiment(run / CONFIG)
    for recording in iterate_recordings(experiment.data, experiment.seed):
        if recording.subject in wanted:
            yield recording
