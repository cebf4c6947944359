"""Recordings of any length in bounded memory."""

from __future__ import annotations

import resource

import numpy as np
import pytest

from radarode import load_model, reconstruct
from radarode.core.types import Recording


@pytest.mark.slow
def test_an_hour_needs_little_more_memory_than_its_own_samples(rng: np.random.Generator) -> None:
    weights = load_model()
    reconstruct(Recording(rcg=rng.standard_normal((4, 200 * 120)), fs_hz=200.0), weights)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    hour = Recording(rcg=rng.standard_normal((4, 200 * 3600), dtype=np.float32), fs_hz=200.0)
    ecg = reconstruct(hour, weights)
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert len(ecg.ecg) == 720_000
    assert grown_mb < 20 * hour.rcg.nbytes / 2**20, "spectrograms and maps must not pile up"
