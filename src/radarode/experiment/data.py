"""Where the recordings of a run come from, and the spectrogram store made of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from radarode.core.config import suggestion
from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.augment import AugmentSettings, augment_recording
from radarode.data.load import load
from radarode.data.store import write_store
from radarode.experiment.config import DataSettings, Experiment, read_experiment
from radarode.experiment.layout import CONFIG, SPLIT
from radarode.simulate import PRESETS, iter_recordings


def find_recordings(source: str) -> list[Path]:
    """List the files of a data source: one file, or everything in a folder that is not hidden."""
    path = Path(source)
    if path.is_dir():
        hidden = (".json", ".md", ".txt", ".dat", ".atr", ".hea", ".yaml")
        files = sorted(p for p in path.iterdir() if p.is_file() and p.suffix not in hidden and p.name[0] != ".")
        if not files:
            raise InputError(f"{path} holds no recordings.")
        return files
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; name a recording, a folder, or simulate:PRESET.")
    return [path]


def iterate_recordings(settings: DataSettings, seed: int) -> Iterator[Recording]:
    """Yield the recordings of a data source, one at a time."""
    if settings.source.startswith("simulate:"):
        name = settings.source.removeprefix("simulate:")
        if name not in PRESETS:
            raise InputError(f"unknown simulated cohort `{name}`. {suggestion(name, PRESETS)}")
        yield from iter_recordings(PRESETS[name](seed))
        return

    for path in find_recordings(settings.source):
        yield load(path, fs_hz=settings.fs_hz)


def build_store(experiment: Experiment, path: Path) -> None:
    """Transform the data source into a spectrogram store, with augmented copies where asked for."""
    rng = np.random.default_rng([experiment.seed, 10])

    def recordings() -> Iterator[Recording]:
        for recording in iterate_recordings(experiment.data, experiment.seed):
            yield recording
            for _ in range(experiment.data.copies):
                yield augment_recording(recording, experiment.augment or AugmentSettings(), rng)

    write_store(
        path,
        recordings(),
        experiment.transform,
        max_channels=experiment.data.store_channels,
        rng=np.random.default_rng([experiment.seed, 11]),
    )


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
