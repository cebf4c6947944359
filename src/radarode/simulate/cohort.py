"""Cohorts: many persons, each the same whatever the size of the cohort."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from radarode.core.errors import InputError
from radarode.core.mmecg import TRIALS
from radarode.core.types import STATUSES, Recording, Status
from radarode.simulate.empty import simulate_empty
from radarode.simulate.person import Person, sample_person
from radarode.simulate.recording import CLEAN, LONGEST_S, Conditions, simulate_recording


@dataclass(frozen=True, slots=True)
class Cohort:
    """Describe a cohort; `iter_recordings` simulates it.

    Attributes:
        seed: everything follows from it.
        trials: trials[k] are the trial names of person k; its length is the number of persons.
        duration_s: length of each recording.
        statuses: statuses that the trials of a person go through, from a random start; one fixes it.
        conditions: settings of every recording.
        varied: also vary noise level, movement, ectopy and rhythm from recording to recording, for training.
        n_empty: recordings without any heart that follow the persons'.
    """

    seed: int
    trials: tuple[tuple[str, ...], ...]
    duration_s: float
    statuses: tuple[Status, ...] = ("NB", "IB", "PE", "SP")
    conditions: Conditions = field(default_factory=Conditions)
    varied: bool = False
    n_empty: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError.of("seed", "not negative", self.seed)
        if not 2.0 <= self.duration_s <= LONGEST_S:
            raise InputError.of("duration_s", "between 2 s and 24 h", self.duration_s)
        if not self.trials or not all(self.trials):
            raise InputError.of("trials", "at least one trial of at least one person", self.trials)
        if not self.statuses or not set(self.statuses) <= set(STATUSES):
            raise InputError.of("statuses", f"some of {', '.join(STATUSES)}", self.statuses)

    @property
    def n_subjects(self) -> int:
        """Number of persons."""
        return len(self.trials)

    @property
    def n_recordings(self) -> int:
        """Number of recordings."""
        return sum(len(names) for names in self.trials) + self.n_empty


def plain_cohort(seed: int, n_subjects: int, duration_s: float, n_trials: int = 1) -> Cohort:
    """Describe `n_subjects` persons with `n_trials` recordings each."""
    if n_subjects < 1 or n_trials < 1:
        raise InputError.of("n_subjects", "at least 1, as must `n_trials`", (n_subjects, n_trials))
    names = tuple(str(k + 1) for k in range(n_trials))
    return Cohort(seed, (names,) * n_subjects, duration_s)


def mmecg_cohort(seed: int = 0) -> Cohort:
    """Describe a simulated cohort shaped like MMECG: 11 persons, 91 trials of 3 minutes."""
    trials = tuple(tuple(str(t) for t in range(first, last + 1)) for first, last in TRIALS.values())
    return Cohort(seed, trials, 180.0)


def training_cohort(seed: int = 0, n_subjects: int = 240, n_empty: int = 40) -> Cohort:
    """Describe the cohort that default weights learn from: one or two varied trials of 60 s each, and empty ones."""
    trials = tuple(("1", "2") if k % 2 else ("1",) for k in range(n_subjects))
    return Cohort(seed, trials, 60.0, varied=True, n_empty=n_empty)


EMPTY_STREAM = 1
"""Keeps the random streams of recordings without a heart apart from the persons'."""

PRESETS = {"mmecg": mmecg_cohort, "training": training_cohort}
"""Cohorts by name; each takes a seed."""


def choose_cohort(
    preset: str | None,
    seed: int,
    n_subjects: int,
    duration_s: float | None = None,
    status: Status | None = None,
    conditions: Conditions | None = None,
) -> Cohort:
    """Return a preset or a plain cohort, with length, status and conditions replaced where given.

    Args:
        preset: a name of `PRESETS`, or None for `n_subjects` persons with one recording each.
        seed: seed of the cohort.
        n_subjects: number of persons; ignored by a preset.
        duration_s: length of each recording; None is the preset's own, or 2 minutes.
        status: one status for every recording; None goes through all four.
        conditions: settings; None for the defaults.

    Raises:
        InputError: unknown preset or a value out of range.
    """
    if preset is not None and preset not in PRESETS:
        raise InputError.of("preset", f"one of {', '.join(PRESETS)}", repr(preset))
    cohort = PRESETS[preset](seed) if preset else plain_cohort(seed, n_subjects, 120.0)
    return replace(
        cohort,
        duration_s=cohort.duration_s if duration_s is None else duration_s,
        statuses=cohort.statuses if status is None else (status,),
        conditions=conditions or cohort.conditions,
    )


def person_of(seed: int, index: int) -> Person:
    """Return person `index` of seed `seed`: the same whatever cohort it stands in.

    Example:
        >>> person_of(3, 7).subject
        'sim-0007'
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,)))
    return sample_person(rng, f"sim-{index:04d}")


def iter_recordings(cohort: Cohort) -> Iterator[Recording]:
    """Simulate a cohort, one recording at a time.

    Args:
        cohort: what to simulate.

    Yields:
        Recordings in order of person and trial; `notes` tells seed and settings.
    """
    for index, names in enumerate(cohort.trials):
        for order in range(len(names)):
            yield simulate_member(cohort, index, order)
    for index in range(cohort.n_empty):
        rng = np.random.default_rng(np.random.SeedSequence(cohort.seed, spawn_key=(index, 0, EMPTY_STREAM)))
        yield simulate_empty(cohort.duration_s, rng, cohort.conditions.n_channels, f"empty-{index:04d}")


def simulate_member(cohort: Cohort, index: int, order: int) -> Recording:
    """Simulate trial `order` of person `index`, alone: for work spread over processes."""
    person = person_of(cohort.seed, index)
    start = int(np.random.default_rng(np.random.SeedSequence(cohort.seed, spawn_key=(index, 0))).integers(4))
    rng = np.random.default_rng(np.random.SeedSequence(cohort.seed, spawn_key=(index, order + 1)))
    status = cohort.statuses[(start + order) % len(cohort.statuses)]
    conditions = _varied(cohort.conditions, rng.spawn(1)[0]) if cohort.varied else cohort.conditions
    name = cohort.trials[index][order]
    recording = simulate_recording(person, cohort.duration_s, status, rng, conditions, name)
    notes = {**recording.notes, "seed": str(cohort.seed), "person": str(index)}
    return replace(recording, notes=notes)


def _varied(base: Conditions, rng: np.random.Generator) -> Conditions:
    """Draw conditions for training: mostly 0-18 dB, some clean, some worse; movement; a few arrhythmias."""
    chance = rng.random(3)
    level_db = CLEAN if chance[0] < 0.1 else float(rng.uniform(-4.0, 18.0))
    return replace(
        base,
        snr_db=level_db if base.snr_db is None else base.snr_db,
        movement_per_min=float(rng.uniform(0, 1.5)) if chance[1] < 0.5 else base.movement_per_min,
        ectopic_per_min=float(rng.uniform(0.5, 4.0)) if chance[2] < 0.12 else base.ectopic_per_min,
        irregular=base.irregular or bool(0.12 <= chance[2] < 0.16),
    )
