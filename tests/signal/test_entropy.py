"""Spectral entropy: its bounds, and the order of the three transforms on cardiac motion."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from radarode.core.errors import InputError
from radarode.core.types import Spectrogram
from radarode.signal.differentiate import first_derivative
from radarode.signal.entropy import spectral_entropy
from radarode.signal.resample import resample
from radarode.signal.timefrequency import make_transform


def entropies(x):
    return [spectral_entropy(make_transform(name)(x)) for name in ("stft", "cwt", "sst")]


def test_bounds():
    point = torch.zeros(2, 3, 4)
    point[:, 1, 2] = 5
    freqs_hz = np.array([1.0, 2.0, 3.0])
    assert spectral_entropy(Spectrogram(point, freqs_hz, 30.0)) == 0
    assert spectral_entropy(Spectrogram(np.ones((1, 3, 4)), freqs_hz, 30.0)) == pytest.approx(1)
    point[0] = 0
    assert spectral_entropy(Spectrogram(point, freqs_hz, 30.0)) == 0
    half = torch.zeros(1, 3, 4)
    half[0, :, :2] = 1
    assert spectral_entropy(Spectrogram(half, freqs_hz, 30.0)) == pytest.approx(np.log(6) / np.log(12))


def test_order_of_the_transforms_on_simulated_beats(rng):
    t = np.arange(4000) / 200
    beats = [np.exp(-(((t - r) / 0.06) ** 2)) * np.cos(75 * (t - r)) for r in np.arange(0.5, 20, 0.83)]
    stft, cwt, sst = entropies((sum(beats) + 0.05 * rng.normal(size=4000))[None])
    assert stft > cwt > sst


def test_order_of_the_transforms_on_real_motion(real_data):
    from scipy.io import loadmat

    camera = loadmat(real_data / "camera_scg_multipoint" / "1-2.mat", squeeze_me=True)
    velocity = resample(camera["Drx"].astype(float)[2500:10_000], 250.371, 200)
    stft, cwt, sst = entropies(first_derivative(velocity, 200)[None])
    assert stft > cwt > sst


def test_empty_planes_are_refused():
    with pytest.raises(InputError, match="zero in every channel"):
        spectral_entropy(Spectrogram(torch.zeros(1, 2, 3), np.array([1.0, 2.0]), 30.0))
    with pytest.raises(InputError, match="larger"):
        spectral_entropy(Spectrogram(torch.ones(1, 1, 1), np.array([1.0]), 30.0))
