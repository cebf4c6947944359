"""Runs: configuration, data and training put together."""

from radarode.configuration import Experiment, read_experiment
from radarode.experiment.data import find_recordings, held_out_recordings
from radarode.experiment.run import run_experiment

__all__ = ["Experiment", "find_recordings", "held_out_recordings", "read_experiment", "run_experiment"]
