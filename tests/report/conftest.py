"""Fake reconstructions: a drawn ECG with late, jittered, missing and false beats and one gap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from radarode.core.types import Beats, ReconstructedEcg, Recording
from radarode.evaluation import evaluate
from radarode.report.prepare import ReportCase

FS_HZ = 200.0


def draw(r_s: np.ndarray, n_samples: int) -> np.ndarray:
    t = np.arange(n_samples) / FS_HZ
    ecg = np.zeros(n_samples)
    for r in r_s:
        for height, delay_s, width_s in ((-0.15, -0.04, 0.015), (1, 0, 0.015), (-0.2, 0.04, 0.015), (0.3, 0.27, 0.06)):
            ecg += height * np.exp(-(((t - r - delay_s) / width_s) ** 2))
    return ecg


@pytest.fixture(scope="session")
def make_case() -> Callable[..., ReportCase]:
    def make(seed: int = 1, jitter_s: float = 0.008, duration_s: float = 45.0, **facts: object) -> ReportCase:
        rng = np.random.default_rng(seed)
        n = round(duration_s * FS_HZ)
        r_s = np.cumsum(rng.normal(0.85, 0.04, int(duration_s / 0.85) - 1)) + 0.3
        recording = Recording(
            rng.normal(size=(1, n)), FS_HZ, ecg_mv=draw(r_s, n), r_peaks_s=r_s, **{"subject": "A", **facts}
        )
        found = np.delete(r_s + 0.05 + rng.normal(0, jitter_s, len(r_s)), [10])
        curve = draw(found, n)
        curve[2000:2500] = np.nan
        found = found[(found < 10.0) | (found > 12.5)]
        beats = Beats(found, np.full(len(found), 0.85), rng.uniform(0.3, 1.0, len(found)))
        ecg = ReconstructedEcg(curve, FS_HZ, beats, gaps_s=np.array([[10.0, 12.5]]))
        return ReportCase(recording, ecg, evaluate(ecg, recording))

    return make


@pytest.fixture(scope="session")
def empty() -> ReconstructedEcg:
    return ReconstructedEcg(np.full(9000, np.nan), FS_HZ, Beats([], [], []), gaps_s=np.array([[0.0, 45.0]]))
