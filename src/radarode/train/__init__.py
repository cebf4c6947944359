"""Fit a network: feed, loop, validation, checkpoints."""

from radarode.train.loop import Training
from radarode.train.settings import TrainSettings

__all__ = ["TrainSettings", "Training"]
