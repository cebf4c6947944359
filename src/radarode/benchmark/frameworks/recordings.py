"""The recordings of a benchmark of frameworks: a simulated cohort, or a folder that was given; one face for both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radarode.benchmark.data import (
    STORE,
    Watcher,
    fill_store,
    prepare_data,
    saved_recordings,
    store_sha256,
    watched,
)
from radarode.benchmark.frameworks.settings import FrameworksSettings
from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.load import load
from radarode.data.splits import split_subjects
from radarode.data.store import INDEX
from radarode.experiment.data import find_recordings

BLOCK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class GivenData:
    """Name a folder of recordings to use instead of the simulated cohort.

    Attributes:
        folder: where they lie; they stay there.
        fs_hz: sampling rate of files that do not carry one.
    """

    folder: Path
    fs_hz: float | None = None

    def files(self) -> list[Path]:
        """List the recordings, one a file."""
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{self.folder} is not a folder; give one that holds recordings.")
        return find_recordings(str(self.folder))

    def fingerprint(self) -> dict[str, str]:
        """Return the SHA-256 of every file by name: other contents are other data, wherever they lie."""
        found = {}
        for path in self.files():
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while block := file.read(BLOCK_BYTES):
                    digest.update(block)
            found[path.name] = digest.hexdigest()
        return found

    def load(self, path: Path) -> Recording:
        """Read one file.

        Raises:
            InputError: it is no recording, is too short or has no reference ECG; the file is named.
        """
        recording = load(path, fs_hz=self.fs_hz)
        if recording.ecg_mv is None:
            raise InputError(
                f"{path} has no reference ECG to train on and to score against. Take it out of the folder."
            )
        return recording


def survey(settings: FrameworksSettings, data: GivenData | None) -> None:
    """Refuse recordings that cannot be split, trained on or scored, before anything is written.

    Raises:
        InputError: naming the file or the fold.
    """
    names: dict[str, Path] = {}
    subjects = []
    if data is None:
        cohort = settings.cohort.cohort()
        subjects = [str(number) for number in range(cohort.n_subjects)]
    else:
        for path in data.files():
            recording = data.load(path)
            if recording.name in names:
                raise InputError(
                    f"{path} and {names[recording.name].name} are both recording {recording.name}; "
                    "give each its own subject or trial."
                )
            names[recording.name] = path
            subjects.append(recording.subject)
    for fold in settings.folds:
        split_subjects(
            subjects,
            folds=settings.data.folds,
            fold=fold,
            validation=settings.data.validation,
            seed=settings.data.split_seed or 0,
        )


def prepare_recordings(
    folder: Path,
    settings: FrameworksSettings,
    data: GivenData | None,
    frameworks: Sequence[str],
    watchers: Sequence[Watcher] = (),
) -> str:
    """Simulate or read the recordings and transform them, unless that was done before.

    Args:
        folder: the result folder.
        settings: the benchmark's.
        data: recordings that were given; None simulates the cohort.
        frameworks: that are trained; any of them gives the transform.
        watchers: called with the number of recordings done.

    Returns:
        SHA-256 of the store's index, which holds a hash of every recording.
    """
    experiment = settings.experiment_of(frameworks[0], 0, settings.folds[0])
    if data is None:
        return prepare_data(folder, settings.cohort, experiment, motion=True, watchers=watchers)
    if not (folder / STORE).is_dir():
        files = data.files()
        shown = watched(map(data.load, files), len(files), watchers)
        names = {"files": [path.name for path in files]}
        fill_store(folder, shown, experiment, names, seed=settings.data.split_seed or 0, motion=True)
    return store_sha256(folder)


def recordings_of(
    folder: Path, data: str | None, subjects: Sequence[str], fs_hz: float | None = None
) -> Iterator[Recording]:
    """Yield the recordings of some persons, in a fixed order.

    Args:
        folder: the result folder.
        data: folder of given recordings; None for simulated ones.
        subjects: whose.
        fs_hz: sampling rate of files that do not carry one.
    """
    if data is None:
        yield from saved_recordings(folder, subjects)
        return
    given = GivenData(Path(data), fs_hz)
    index: dict[str, Any] = json.loads((folder / STORE / INDEX).read_text())
    for name, entry in zip(index["made_from"]["files"], index["recordings"], strict=True):
        if entry["subject"] in subjects:
            yield given.load(given.folder / name)


def recording_facts(folder: Path) -> list[dict[str, Any]]:
    """Return subject, trial, status and source of every recording of a result folder, from its store."""
    return json.loads((folder / STORE / INDEX).read_text())["recordings"]
