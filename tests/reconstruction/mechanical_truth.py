"""Simulated recordings with the true opening and closing of the aortic valve, which a `Recording` does not carry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radarode.core.types import Beats, Recording, Status
from radarode.simulate import Conditions, person_of, simulate_recording
from radarode.simulate.breathing import simulate_breathing
from radarode.simulate.chest import beat_timing
from radarode.simulate.heart import simulate_rhythm


@dataclass(frozen=True)
class Truth:
    """Hold a recording with its events, each (beat,) in seconds."""

    recording: Recording
    r_s: np.ndarray
    opening_s: np.ndarray
    closure_s: np.ndarray

    def beats(self, late_s: float = 0.0) -> Beats:
        """Return the beats as a reconstruction would give them, all late by a constant."""
        length_s = np.diff(self.r_s, append=2 * self.r_s[-1] - self.r_s[-2])
        return Beats(self.r_s + late_s, length_s, np.ones(len(self.r_s)))


def simulate_truth(
    index: int, *, seed: int = 5, status: Status = "NB", snr_db: float = 10.0, duration_s: float = 60.0
) -> Truth:
    """Simulate person `index`, and draw the events again from the heart's own stream of randomness."""
    person = person_of(seed, index)
    conditions = Conditions(snr_db=snr_db, n_channels=8, movement_per_min=0.0)
    recording = simulate_recording(person, duration_s, status, np.random.default_rng([seed, index]), conditions)
    heart_rng = np.random.default_rng([seed, index]).spawn(5)[0]
    breathing = simulate_breathing(person.breathing, duration_s, status, heart_rng)
    rhythm = simulate_rhythm(person.heart, breathing, status, heart_rng)
    timing = beat_timing(person.mechanics, rhythm, breathing, status, heart_rng)
    inside = np.isin(rhythm.r_s, recording.r_peaks_s)
    assert recording.r_peaks_s is not None
    assert inside.sum() == len(recording.r_peaks_s), "the heart's stream was not drawn the same way"
    return Truth(recording, rhythm.r_s[inside], timing.opening_s[inside], timing.closure_s[inside])
