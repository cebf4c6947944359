"""Simulate chest micro-motion with its ECG: heart, breathing, chest wall, sensor noise, body movement.

Everything that comes out of this package is simulated and says so (`Recording.source == "simulated"`).
"""

from radarode.simulate.cohort import PRESETS, Cohort, iter_recordings, person_of
from radarode.simulate.ecg import RealBeats, cut_beats
from radarode.simulate.empty import simulate_empty
from radarode.simulate.person import Person, sample_person
from radarode.simulate.recording import Conditions, simulate_recording

__all__ = [
    "PRESETS",
    "Cohort",
    "Conditions",
    "Person",
    "RealBeats",
    "cut_beats",
    "iter_recordings",
    "person_of",
    "sample_person",
    "simulate_empty",
    "simulate_recording",
]
