"""The recordings and spectrograms that all runs of a benchmark share, kept in the result folder.

data/       every simulated recording as a native file; recordings that were given stay where they are
store/      their spectrograms, which training reads
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from radarode.benchmark.cohort import CohortSettings
from radarode.configuration import Experiment
from radarode.core.config import to_plain
from radarode.core.files import new_folder
from radarode.core.types import Recording
from radarode.data.native import SUFFIX, load_recording, save_recording
from radarode.data.store import INDEX
from radarode.data.store_writer import write_store
from radarode.simulate import iter_recordings

DATA, STORE = "data", "store"

Watcher = Callable[[dict[str, Any]], None]


def prepare_data(
    folder: Path,
    cohort: CohortSettings,
    experiment: Experiment,
    *,
    motion: bool = False,
    watchers: Sequence[Watcher] = (),
) -> str:
    """Simulate the cohort and transform it, unless that was done before.

    Args:
        folder: the result folder.
        cohort: who is simulated.
        experiment: names the transform and how many channels are stored.
        motion: also store the motion itself.
        watchers: called with the number of recordings done.

    Returns:
        SHA-256 of the store's index, which holds a hash of every recording.
    """
    if not (folder / DATA).is_dir():
        with new_folder(folder / DATA) as preparing:
            for recording in iter_recordings(cohort.cohort()):
                save_recording(preparing / f"{recording.name}{SUFFIX}", recording)
    if not (folder / STORE).is_dir():
        shown = watched(saved_recordings(folder), cohort.cohort().n_recordings, watchers)
        fill_store(folder, shown, experiment, {"cohort": to_plain(cohort)}, seed=cohort.seed, motion=motion)
    return store_sha256(folder)


def fill_store(
    folder: Path,
    recordings: Iterable[Recording],
    experiment: Experiment,
    made_from: Mapping[str, Any],
    *,
    seed: int,
    motion: bool = False,
) -> None:
    """Write the store of a result folder.

    Args:
        folder: the result folder.
        recordings: at 200 Hz, with reference.
        experiment: names the transform and how many channels are stored.
        made_from: facts about the source to keep in the index.
        seed: of the choice of channels.
        motion: also store the motion itself.
    """
    write_store(
        folder / STORE,
        recordings,
        experiment.transform,
        max_channels=experiment.data.store_channels,
        rng=np.random.default_rng([seed, 11]),
        made_from=made_from,
        motion=motion,
    )


def store_sha256(folder: Path) -> str:
    """Return the SHA-256 of the index of a result folder's store."""
    return hashlib.sha256((folder / STORE / INDEX).read_bytes()).hexdigest()


def watched(recordings: Iterable[Recording], total: int, watchers: Sequence[Watcher]) -> Iterator[Recording]:
    """Yield recordings; the watchers are told how many are done."""
    for number, recording in enumerate(recordings):
        for watcher in watchers:
            watcher({"kind": "store", "done": number, "of": total})
        yield recording


def saved_recordings(folder: Path, subjects: Sequence[str] | None = None) -> Iterator[Recording]:
    """Yield the simulated recordings of a result folder, of everybody or of some persons, in a fixed order."""
    for path in sorted((folder / DATA).glob(f"*{SUFFIX}")):
        subject = path.stem.rsplit("-", 1)[0]
        if subjects is None or subject in subjects:
            yield load_recording(path)
