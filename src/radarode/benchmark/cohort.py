"""The simulated cohort that benchmarks share."""

from __future__ import annotations

from dataclasses import dataclass, replace

from radarode.simulate import Cohort
from radarode.simulate.cohort import mmecg_cohort
from radarode.simulate.recording import Conditions


@dataclass(frozen=True, slots=True)
class CohortSettings:
    """Describe the simulated cohort: the 11 persons of MMECG with their trials.

    Attributes:
        seed: everything simulated follows from it.
        trials_per_person: most trials of a person; null keeps all of MMECG's 91.
        persons: most persons; null keeps all 11.
        duration_s: length of each recording.
        channels: observed points of the chest.
        snr_db: level of the constant noise; null draws around each person's own level.
    """

    seed: int = 1
    trials_per_person: int | None = None
    persons: int | None = None
    duration_s: float = 180.0
    channels: int = 50
    snr_db: float | None = None

    def cohort(self) -> Cohort:
        """Return the cohort as the simulator takes it."""
        full = mmecg_cohort(self.seed)
        trials = tuple(names[: self.trials_per_person] for names in full.trials[: self.persons])
        conditions = Conditions(snr_db=self.snr_db, n_channels=self.channels)
        return replace(full, trials=trials, duration_s=self.duration_s, conditions=conditions)
