"""Hold the results against the folds: every recording is tested exactly once, by networks that never saw its person."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from radarode.benchmark.frameworks.recordings import recording_facts
from radarode.benchmark.frameworks.settings import FrameworksSettings
from radarode.benchmark.frameworks.work import RUN, train_name
from radarode.benchmark.jobs import RUNS
from radarode.data.splits import Split
from radarode.experiment.layout import SPLIT


def tested_folds(folder: Path, settings: FrameworksSettings, frameworks: Sequence[str]) -> tuple[Split, ...]:
    """Return who trains, validates and is tested in every fold; the same for all frameworks and seeds.

    Args:
        folder: result folder of a part.
        settings: its settings.
        frameworks: that were trained.

    Raises:
        RuntimeError: the trainings of a fold were split in different ways, or a person is tested twice or never.
    """
    splits = []
    for fold in settings.folds:
        names = [train_name(one, seed, fold) for one in frameworks for seed in settings.seeds_of(one)]
        files = [folder / RUNS / name / RUN / SPLIT for name in names]
        found = {Split(**_sides(file)) for file in files if file.is_file()}
        if len(found) > 1:
            raise RuntimeError(f"fold {fold} in {folder} was split in {len(found)} ways")
        splits += found
    if len(splits) == len(settings.folds):
        everybody = {one["subject"] for one in recording_facts(folder)}
        if Counter(person for split in splits for person in split.test) != Counter(everybody):
            raise RuntimeError(f"not every person in {folder} is tested exactly once")
    return tuple(splits)


def check_tested_once(folder: Path, tested: Iterable[Iterable[str]]) -> None:
    """Raise `RuntimeError` unless each merged result holds every recording of a folder once.

    Args:
        folder: result folder of a part.
        tested: names of the recordings of each merged result, in all its folds.
    """
    wanted = Counter(f"{one['subject']}-{one['trial']}" for one in recording_facts(folder))
    for names in tested:
        if Counter(list(names)) != wanted:  # of a mapping: its keys
            raise RuntimeError(f"a result in {folder} does not hold every recording exactly once")


def _sides(file: Path) -> dict[str, tuple[str, ...]]:
    return {side: tuple(names) for side, names in json.loads(file.read_text()).items()}
