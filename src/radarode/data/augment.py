"""Vary what differs between sensors, places and days, so that a network does not learn one sensor.

On motion (before the transform): gain, sign and delay of each channel. On windows of spectrograms or of motion
(each batch anew): spectral tilt and noise; the choice and number of channels is drawn when a batch is gathered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.noise import add_abrupt_to_windows, add_constant_to_windows


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """Parameters of the augmentation; 0 or None switches each off.

    Attributes:
        gain_db: standard deviation of each channel's gain on motion.
        flip: probability that a channel's sign is flipped on motion.
        delay_s: standard deviation of each channel's delay on motion.
        tilt_db_per_octave: largest spectral tilt of a channel on spectrograms: sensors differ in what they derive.
        noise_share: share of windows with constant noise on the spectrogram.
        noise_snr_db: lowest and highest level of that noise.
        movement_share: share of windows with an abrupt stretch of noise on the spectrogram.
        movement_snr_db: its lowest and highest level.
        dropout: probability that a channel of a window is empty.
    """

    gain_db: float = 6.0
    flip: float = 0.5
    delay_s: float = 0.004
    tilt_db_per_octave: float = 4.0
    noise_share: float = 0.3
    noise_snr_db: tuple[float, float] = (-3.0, 12.0)
    movement_share: float = 0.15
    movement_snr_db: tuple[float, float] = (-9.0, 0.0)
    dropout: float = 0.1

    def __post_init__(self) -> None:
        for name in ("flip", "noise_share", "movement_share", "dropout"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError.of(name, "between 0 and 1", getattr(self, name))
        for name in ("noise_snr_db", "movement_snr_db"):
            pair = tuple(float(value) for value in getattr(self, name))
            if len(pair) != 2 or pair[0] > pair[1]:
                raise InputError.of(name, "a pair (low, high)", getattr(self, name))
            object.__setattr__(self, name, pair)


def augment_recording(recording: Recording, settings: AugmentSettings, rng: np.random.Generator) -> Recording:
    """Vary gain, sign and delay of every channel's motion; the reference stays.

    Args:
        recording: at any rate; its gaps stay where they are, to a sample.
        settings: how much.
        rng: of the variation.
    """
    n = recording.n_channels
    gain = 10.0 ** (settings.gain_db * rng.standard_normal(n) / 20.0)
    sign = np.where(rng.random(n) < settings.flip, -1.0, 1.0)
    delay = settings.delay_s * rng.standard_normal(n) * recording.fs_hz
    samples = np.arange(recording.rcg.shape[1], dtype=np.float64)
    moved = [np.interp(samples - d, samples, channel) for d, channel in zip(delay, recording.rcg, strict=True)]
    return replace(recording, rcg=np.stack(moved) * (gain * sign)[:, None])


def augment_windows(
    values: Tensor,
    freqs_hz: NDArray[np.floating],
    settings: AugmentSettings,
    rng: np.random.Generator,
    *,
    of: int | None = None,
    begin: int = 0,
) -> Tensor:
    """Vary a batch of spectrogram windows.

    Args:
        values: (window, channel, row, frame) magnitudes.
        freqs_hz: (row,) frequency axis.
        settings: how much.
        rng: of the variation.
        of: windows of the whole batch, of which `values` are a part that is varied as it would be in the whole; None
            for the whole.
        begin: the first of the part.

    Returns:
        A new tensor of the same shape.
    """
    n, channels = len(values) if of is None else of, values.shape[1]
    mine = slice(begin, begin + len(values))
    octaves = np.log2(freqs_hz / np.sqrt(freqs_hz[0] * freqs_hz[-1]))
    tilt = rng.uniform(-1.0, 1.0, (n, channels, 1))[mine] * settings.tilt_db_per_octave
    gain = torch.from_numpy(10.0 ** (tilt * octaves / 20.0)).to(values.dtype)
    values = values * gain[..., None]
    _add_noise(values, settings, rng, n, begin)
    dropped = torch.from_numpy(rng.random((n, channels)) < settings.dropout)[mine]
    dropped[:, 0] = False
    return values.masked_fill_(dropped[..., None, None], 0.0)


def _add_noise(values: Tensor, settings: AugmentSettings, rng: np.random.Generator, n: int, begin: int) -> None:
    """Add noise and movement in place to the windows from `begin` on of a batch of `n`.

    What the other windows would draw is drawn too, for an empty window, so that chance goes on as in the whole batch.
    """
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    other = values.new_zeros(1, *values.shape[1:])
    places = [values[w : w + 1] if 0 <= w < len(values) else other for w in range(-begin, n - begin)]
    for window in np.flatnonzero(rng.random(n) < settings.noise_share):
        place, level = places[window], float(rng.uniform(*settings.noise_snr_db))
        place[0] = add_constant_to_windows(place, level, generator)[0]
    for window in np.flatnonzero(rng.random(n) < settings.movement_share):
        place = places[window]
        level, seconds = float(rng.uniform(*settings.movement_snr_db)), float(rng.uniform(0.5, 3.0))
        place[0] = add_abrupt_to_windows(place, level, seconds, generator, share=1.0)[0]


def augment_motion(motion: Tensor, settings: AugmentSettings, rng: np.random.Generator) -> Tensor:
    """Vary a batch of motion windows as `augment_windows` varies spectrograms: noise, movement, sign, dropout.

    Args:
        motion: (window, channel, sample) at 200 Hz.
        settings: how much; tilt, gain and delay have no counterpart here.
        rng: of the variation.

    Returns:
        A new tensor of the same shape.
    """
    n, channels, samples = motion.shape
    sign = torch.from_numpy(np.where(rng.random((n, channels, 1)) < settings.flip, -1.0, 1.0)).to(motion.dtype)
    varied = motion * sign
    power = varied.square().mean(dim=2, keepdim=True)
    for window in np.flatnonzero(rng.random(n) < settings.noise_share):
        level = float(rng.uniform(*settings.noise_snr_db))
        varied[window] += _noise(power[window], samples, level, rng)
    for window in np.flatnonzero(rng.random(n) < settings.movement_share):
        level, length = float(rng.uniform(*settings.movement_snr_db)), round(float(rng.uniform(0.5, 3.0)) * FS_HZ)
        length = min(length, samples)
        begin = int(rng.integers(samples - length + 1))
        varied[window, :, begin : begin + length] += _noise(power[window], length, level, rng)
    dropped = torch.from_numpy(rng.random((n, channels)) < settings.dropout)
    dropped[:, 0] = False
    return varied.masked_fill_(dropped[..., None], 0.0)


def _noise(power: Tensor, samples: int, snr_db: float, rng: np.random.Generator) -> Tensor:
    """Return (channel, sample) white noise that far below (channel, 1) a power."""
    drawn = torch.from_numpy(rng.standard_normal((len(power), samples))).to(power.dtype)
    return drawn * (power / 10 ** (snr_db / 10)).sqrt()
