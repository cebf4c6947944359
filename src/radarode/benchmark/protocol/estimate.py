"""Estimate what the protocol costs on this machine: a few training steps and a reconstruction of every framework.

An estimate, not a promise. What is measured is processor time on one thread, which other work on the machine changes
little; so the hours are those of one idle core. Early stops shorten them. Settings without a fixed number of steps per
epoch are scaled by the length of the recordings.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from radarode.benchmark.noise.conditions import NoiseSettings
from radarode.benchmark.protocol.settings import ProtocolSettings
from radarode.configuration import Experiment
from radarode.core.constants import FS_HZ, WINDOW_S
from radarode.core.errors import InputError, WorkInterruptedError
from radarode.core.types import Recording
from radarode.data.mmecg_folder import ALL_TRIALS, MmecgFolder
from radarode.data.mmecg_write import SAMPLES

STEPS = 3
"""Training steps that are run of each stage; the first is not counted."""

SHORTEST_S = 20.0


@dataclass(frozen=True, slots=True)
class Workload:
    """Say how much there is to do.

    Attributes:
        minutes: length of all recordings together.
        folds: each recording is tested in one of them.
    """

    minutes: float
    folds: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Hold what was measured of one framework, in seconds of one core, and what follows from it.

    Attributes:
        framework: its name.
        preset: of its network.
        step_s: seconds of one training step, its stages added up; NaN where nothing is stepped.
        minute_s: seconds to reconstruct one minute.
        train_h: estimated hours to train for one fold, all seeds.
        score_h: estimated hours to reconstruct the recordings of one fold, clean and under noise, all seeds.
    """

    framework: str
    preset: str
    step_s: float
    minute_s: float
    train_h: float
    score_h: float

    @property
    def fold_h(self) -> float:
        """Estimated hours for one fold."""
        return self.train_h + self.score_h


def workload(folder: MmecgFolder | None, folds: int) -> Workload:
    """Return the work on a checked folder; None stands for the whole of MMECG."""
    if folder is None:
        return Workload(len(ALL_TRIALS) * SAMPLES / FS_HZ / 60.0, folds)
    return Workload(sum(trial.duration_s for trial in folder.trials) / 60.0, folds)


def estimate(settings: ProtocolSettings, work: Workload, frameworks: Sequence[str]) -> Iterator[Cost]:
    """Measure one framework after the other on short simulated recordings of 50 points.

    Args:
        settings: of the parts.
        work: how much there is to do.
        frameworks: which.

    Yields:
        The cost of each, in hours of one core.
    """
    from radarode.core.allocator import keep_freed_memory

    keep_freed_memory()
    for name in frameworks:
        experiment = _short(settings.noise.experiment_of(name, settings.noise.seeds_of(name)[0], 0))
        people = _people(experiment)
        with tempfile.TemporaryDirectory() as place, _one_thread():
            cost = _cost(settings, work, name, experiment, people, Path(place))
        yield cost


@contextmanager
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _cost(
    settings: ProtocolSettings, work: Workload, name: str, short: Experiment, people: list[Recording], place: Path
) -> Cost:
    from radarode.frameworks import load_framework

    noise = settings.noise
    ticks = _fit(short, people, place)
    steps, ends = _stages(ticks)
    train = noise.experiment_of(name, 0, 0)
    full = train.train
    minutes = work.minutes * (work.folds - 1) / work.folds * (1.0 - train.data.validation)
    windows = 60.0 * minutes / train.data.step_s
    per_epoch = full.steps_per_epoch or max(1.0, windows / full.batch)
    seen_min = people[0].duration_s / 60.0
    validation_min = work.minutes * (work.folds - 1) / work.folds * train.data.validation
    if steps:
        seconds = full.epochs * (per_epoch * sum(steps) + sum(ends) * validation_min / seen_min)
    else:
        seconds = ticks[-1][1] * minutes / seen_min
    loaded = load_framework(place / "run" / "weights")
    loaded.reconstruct(people[-1], noise.reconstruct)  # the first call also builds filters
    start = time.process_time()
    loaded.reconstruct(people[-1], noise.reconstruct)
    minute_s = (time.process_time() - start) / seen_min
    seeds = len(noise.seeds_of(name))
    score = seeds * minute_s * work.minutes / work.folds * (1 + reconstructions(noise))
    step_s = sum(steps) if steps else float("nan")
    return Cost(name, train.model.preset, step_s, minute_s, seeds * seconds / 3600.0, score / 3600.0)


def reconstructions(noise: NoiseSettings) -> int:
    """Return how often the benchmark of noise reconstructs each recording for one training."""
    return sum(len(noise.seeds_of_noise(condition)) for condition in noise.conditions())


def _short(experiment: Experiment) -> Experiment:
    """Return the experiment with one epoch of a few steps, on three persons."""
    train = replace(experiment.train, epochs=1, steps_per_epoch=STEPS, patience=None)
    return replace(experiment, data=replace(experiment.data, folds=1, fold=0), train=train)


def _people(experiment: Experiment) -> list[Recording]:
    """Simulate a person to train on, one to validate and one to reconstruct, long enough for whole batches."""
    from radarode.simulate.cohort import mmecg_cohort, simulate_member

    length_s = max(SHORTEST_S, WINDOW_S + 1.3 * experiment.train.batch * experiment.data.step_s)
    cohort = replace(mmecg_cohort(0), duration_s=length_s)
    return [simulate_member(cohort, person, 0) for person in range(3)]


def _fit(experiment: Experiment, people: Sequence[Recording], place: Path) -> list[tuple[str, float]]:
    """Train briefly; return what happened and when: "start", "step", "epoch", ..., "end" in seconds of one core."""
    import numpy as np

    from radarode.data.store import open_store
    from radarode.data.store_writer import write_store
    from radarode.frameworks import Fitting, framework_class

    rng = np.random.default_rng(0)
    most = experiment.data.store_channels
    write_store(place / "store", people[:2], experiment.transform, max_channels=most, rng=rng, motion=True)
    store, run = open_store(place / "store"), place / "run"
    run.mkdir()
    first, second = store.recordings
    fitting = Fitting(experiment, (first,), (second,), store.index, run, run / "weights")
    begin = time.process_time()
    ticks: list[tuple[str, float]] = [("start", 0.0)]

    def watch(record: dict[str, Any]) -> None:
        ticks.append((str(record.get("kind", "")), time.process_time() - begin))

    try:
        framework_class(experiment.framework).fit(fitting, watchers=[watch])
    except WorkInterruptedError as error:
        raise WorkInterruptedError("the estimate was interrupted; nothing was left behind.") from error
    if not (run / "weights").is_dir():
        raise InputError(f"{experiment.framework} gave no weights in its first epoch, so its cost cannot be measured.")
    return [*ticks, ("end", time.process_time() - begin)]


def _stages(ticks: Sequence[tuple[str, float]]) -> tuple[list[float], list[float]]:
    """Return the seconds of one step, and those of one validation, of every stage.

    Example:
        >>> _stages([("start", 0.0), ("step", 9.0), ("step", 10.0), ("step", 12.0), ("epoch", 15.0), ("end", 15.0)])
        ([1.5], [3.0])
    """
    steps: list[float] = []
    ends: list[float] = []
    taken: list[float] = []
    before, last = "start", 0.0
    for kind, at_s in ticks:
        if kind == "step" and before == "step":
            taken.append(at_s - last)
        if kind == "epoch" and before == "step":
            steps.append(sum(taken) / max(1, len(taken)))
            ends.append(at_s - last)
            taken = []
        if kind in ("step", "epoch"):
            before, last = kind, at_s
    return steps, ends
