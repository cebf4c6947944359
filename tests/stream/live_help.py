"""Streams for the tests of the core: simulated motion, a tiny untrained network, and packets cut from both."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np

from radarode.core.types import Recording
from radarode.models.config import preset
from radarode.models.pretrained import Pretrained, load_model
from radarode.models.radarode_mtl import build_model
from radarode.simulate import Conditions, sample_person, simulate_recording
from radarode.stream.types import Packet, SourceFacts, Update
from radarode.tasks import TaskSettings

FACTS = SourceFacts("test", 3, 200.0, "acceleration", simulated=True)


@cache
def untrained() -> Pretrained:
    return Pretrained(build_model(preset("tiny"), 0).eval(), TaskSettings().to_dict(), "log_mean", {"name": "sst"})


@cache
def trained() -> Pretrained:
    return load_model("default")


@cache
def simulated(seconds: float = 40.0, channels: int = 3, seed: int = 0, snr_db: float = float("inf")) -> Recording:
    rng = np.random.default_rng(seed)
    conditions = Conditions(n_channels=channels, snr_db=snr_db, movement_per_min=0.0)
    return simulate_recording(sample_person(rng), seconds, "NB", rng, conditions)


def packets(
    motion: np.ndarray, size: int = 20, fs_hz: float = 200.0, *, start: int = 0, at_s: float = 0.0
) -> list[Packet]:
    """Cut motion into packets that count their samples and arrive on time."""
    return [
        Packet(motion[:, k : k + size].astype(np.float32), at_s + (k + size) / fs_hz, start + k)
        for k in range(0, motion.shape[1], size)
    ]


def joined(updates: Iterable[Update], name: str) -> np.ndarray:
    return np.concatenate([getattr(update, name) for update in updates], axis=-1)


def beats(updates: Iterable[Update], name: str) -> np.ndarray:
    return np.concatenate([getattr(update, name).r_s for update in updates])


def away(expected: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return how far each expected beat is from the nearest one found, in seconds."""
    return np.array([np.abs(found - one).min(initial=99.0) for one in expected])
