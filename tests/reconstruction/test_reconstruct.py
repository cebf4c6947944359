"""The whole way from motion to ECG, with an untrained network where only the plumbing is asked about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.models.config import preset
from radarode.models.pretrained import Pretrained
from radarode.models.radarode_mtl import build_model
from radarode.reconstruction import ReconstructSettings, reconstruct
from radarode.reconstruction.windows import run_windows
from radarode.signal.gaps import missing_samples
from radarode.simulate import sample_person, simulate_recording
from radarode.tasks import TaskSettings

SETTINGS = ReconstructSettings(batch=4)


@pytest.fixture(scope="module")
def untrained() -> Pretrained:
    return Pretrained(build_model(preset("tiny"), 0).eval(), TaskSettings().to_dict(), "log_mean", {"name": "sst"})


@pytest.fixture
def recording(rng: np.random.Generator) -> Recording:
    simulated = simulate_recording(sample_person(rng), 30.0, "NB", rng)
    return replace(simulated, rcg=simulated.rcg[:4], positions_m=None)


def answers(recording: Recording, weights: Pretrained, **changes: float):
    return run_windows(recording, weights, TaskSettings(), replace(SETTINGS, **changes))


def test_windows_cover_the_recording_to_its_end(recording: Recording, untrained: Pretrained) -> None:
    outputs = answers(recording, untrained)
    assert outputs.start_s[0] == 0.0
    assert outputs.start_s[-1] == pytest.approx(26.0)
    np.testing.assert_allclose(np.diff(outputs.start_s)[:-1], 0.5)


def test_chunks_of_motion_do_not_show(recording: Recording, untrained: Pretrained, monkeypatch) -> None:
    whole = answers(recording, untrained)
    monkeypatch.setattr("radarode.reconstruction.windows.CHUNK_S", 3.7)
    pieces = answers(recording, untrained)
    np.testing.assert_allclose(whole.anchor, pieces.anchor, atol=1e-4)
    np.testing.assert_allclose(whole.shapes, pieces.shapes, atol=1e-4)


def test_the_batch_size_does_not_show(recording: Recording, untrained: Pretrained) -> None:
    one, many = answers(recording, untrained, batch=1), answers(recording, untrained, batch=64)
    np.testing.assert_allclose(one.anchor, many.anchor, atol=1e-5)


def test_the_reference_is_never_looked_at(recording: Recording, untrained: Pretrained) -> None:
    blind = replace(recording, ecg_mv=None, r_peaks_s=None)
    np.testing.assert_array_equal(reconstruct(recording, untrained).ecg, reconstruct(blind, untrained).ecg)


def test_gain_and_sign_of_a_channel_do_not_matter(recording: Recording, untrained: Pretrained) -> None:
    other = replace(recording, rcg=recording.rcg * np.array([[-1.0], [3.0], [0.01], [-100.0]]))
    np.testing.assert_allclose(answers(recording, untrained).anchor, answers(other, untrained).anchor, atol=1e-4)


def test_a_lost_channel_is_as_if_it_were_not_there(recording: Recording, untrained: Pretrained) -> None:
    lost = recording.rcg.copy()
    lost[2] = np.nan
    with_lost = answers(replace(recording, rcg=lost), untrained)
    without = answers(replace(recording, rcg=recording.rcg[[0, 1, 3]]), untrained)
    np.testing.assert_allclose(with_lost.anchor, without.anchor, atol=1e-5)


@pytest.mark.parametrize("value", [np.nan, 0.0, 7.0])
def test_a_dropout_becomes_a_gap(value: float, recording: Recording, untrained: Pretrained) -> None:
    torn = recording.rcg.copy()
    torn[:, 2000:3000] = value
    outputs = answers(replace(recording, rcg=torn), untrained)
    assert outputs.missing[2000:3000].all()
    assert outputs.missing.sum() <= 1001
    ecg = reconstruct(replace(recording, rcg=torn), untrained)
    assert np.isnan(ecg.ecg[2000:3000]).all()
    assert not ((ecg.beats.r_s > 10.0) & (ecg.beats.r_s < 15.0)).any()


def test_a_short_dropout_is_bridged(recording: Recording, untrained: Pretrained) -> None:
    torn = recording.rcg.copy()
    torn[:, 2000:2010] = np.nan
    assert not answers(replace(recording, rcg=torn), untrained).missing.any()


@pytest.mark.parametrize("transform", [{"name": "sst", "frame_rate_hz": 20.0}, {"name": "sst", "n_rows": 36}])
def test_weights_of_another_transform_are_refused(transform: dict, recording: Recording, untrained: Pretrained) -> None:
    with pytest.raises(InputError, match="transform"):
        reconstruct(recording, replace(untrained, transform=transform))


def test_short_flat_stretches_are_not_dropouts() -> None:
    rcg = np.random.default_rng(0).standard_normal((1, 1000))
    rcg[0, 100:120] = 1.0
    assert not missing_samples(rcg, 200.0).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [({"rcg": np.ones((2, 700)) * np.arange(700)}, "one window"), ({"fs_hz": 100.0}, "200 Hz")],
)
def test_bad_recordings(change: dict, message: str, recording: Recording, untrained: Pretrained) -> None:
    plain = replace(recording, ecg_mv=None, r_peaks_s=None)
    with pytest.raises(InputError, match=message):
        reconstruct(replace(plain, **change), untrained)


def test_memory_does_not_grow_with_unused_gradients(recording: Recording, untrained: Pretrained) -> None:
    answers(recording, untrained)
    assert all(parameter.grad is None for parameter in untrained.model.parameters())
    assert not torch.is_inference_mode_enabled()
