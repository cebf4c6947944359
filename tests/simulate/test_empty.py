"""Recordings without a heart, and what a network is asked about them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from radarode.core.constants import FS_HZ
from radarode.data.store import open_store
from radarode.data.store_writer import write_store
from radarode.simulate import iter_recordings, simulate_empty
from radarode.simulate.cohort import training_cohort
from radarode.tasks import TaskSettings
from radarode.tasks.targets import Reference


def test_it_is_simulated_noise_without_beats(rng: np.random.Generator) -> None:
    recording = simulate_empty(20.0, rng, 5, "empty-0001")
    assert recording.simulated
    assert recording.rcg.shape == (5, 4000)
    assert (recording.rcg.std(axis=1) > 0).all()
    assert recording.ecg_mv is None
    assert len(recording.r_peaks_s) == 0


def test_the_training_cohort_ends_with_empty_recordings() -> None:
    cohort = training_cohort(3, n_subjects=1, n_empty=2)
    subjects = [recording.subject for recording in iter_recordings(cohort)]
    assert subjects == ["sim-0000", "empty-0000", "empty-0001"]
    assert cohort.n_recordings == 3


def test_the_target_is_silence(tmp_path: Path, rng: np.random.Generator) -> None:
    write_store(tmp_path / "store", [simulate_empty(10.0, rng, 2, "empty-0000")], {"name": "sst"})
    (stored,) = open_store(tmp_path / "store").recordings
    reference = Reference.of(stored.ecg_mv, FS_HZ, stored.r_peaks_s, TaskSettings())
    start_s = np.array([0.0, 3.0])
    assert reference.usable(start_s).all()
    targets = reference.targets(start_s)
    assert (targets.anchor == 0).all()
    assert np.isnan(targets.shape).all()
    assert (targets.length == 0).all()


def test_a_recording_without_an_ecg_but_with_beats_is_not_silence() -> None:
    r_s = np.arange(1.0, 9.0)
    reference = Reference.of(np.full(2000, np.nan), FS_HZ, r_s, TaskSettings())
    assert not reference.empty
    assert not reference.usable(np.array([2.0])).any()
