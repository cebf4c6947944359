"""From beat signals to the numbers in a raw file: thermal noise, phase noise, gain, and the ADC's steps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.radar.capture_facts import even_spread
from radarode.radar.description import FmcwRadar
from radarode.radar.readers.lanes import encode_lanes
from radarode.simulate.adc import Echoes

_BLOCK_BYTES = 16 * 2**20
_PROBED_FRAMES = 64
_NOISE_SDS = 4.0


@dataclass(frozen=True)
class AdcSettings:
    """Say how good the radar is.

    Attributes:
        snr_db: power of the first person's echo over that of thermal noise, both in one chirp at one receiver before
            any processing (mean over time and channels); the range transform and the channels gain
            10 log10(samples x channels) on it. Infinity leaves the noise out.
        phase_noise_rad: SD of the phase noise from chirp to chirp, of an echo at 1 m where it is correlated.
        correlated: phase noise grows with range, as where one oscillator sends and receives; otherwise it is the same
            at all ranges.
        fill: largest value of the signal with its noise over the ADC's full scale; above 1 the ADC saturates.

    Raises:
        InputError: a value is out of range.
    """

    snr_db: float = 20.0
    phase_noise_rad: float = 0.0
    correlated: bool = True
    fill: float = 0.5

    def __post_init__(self) -> None:
        if not self.snr_db >= -60:
            raise InputError.of("snr_db", "at least -60 dB (inf for no noise)", self.snr_db)
        if not 0 <= self.phase_noise_rad <= 10:
            raise InputError.of("phase_noise_rad", "between 0 and 10 rad", self.phase_noise_rad)
        if not 1e-3 <= self.fill <= 100:
            raise InputError.of("fill", "between 0.001 and 100", self.fill)


@dataclass(frozen=True)
class Gain:
    """Hold what was derived from a scene.

    Attributes:
        counts: ADC steps per unit of `Echoes.frames`.
        noise: SD of the noise in each of I and Q, in that unit.
    """

    counts: float
    noise: float


def choose_gain(echoes: Echoes, n_frames: int, settings: AdcSettings) -> Gain:
    """Measure evenly spread frames without noise, and set noise and gain by them.

    Args:
        echoes: the scene; its first person sets the noise, everything in it the gain.
        n_frames: length of the capture.
        settings: what is wanted.
    """
    radar = echoes.radar
    index = even_spread(n_frames, _PROBED_FRAMES)
    person, whole = echoes.moving(index), echoes.frames(index)
    values = _numbers(person, radar)
    power = float(np.mean(np.square(values, dtype=np.float64)))
    noise = math.sqrt(power) * 10 ** (-settings.snr_db / 20)
    largest = float(np.abs(_numbers(whole, radar)).max()) + _NOISE_SDS * noise
    return Gain(settings.fill * 2 ** (radar.adc_bits - 1) / largest, noise)


def raw_blocks(
    echoes: Echoes, n_frames: int, settings: AdcSettings, gain: Gain, rng: np.random.Generator
) -> Iterator[NDArray[np.int16]]:
    """Yield the raw stream in pieces of bounded size; equal generators give equal streams.

    Args:
        echoes: the scene.
        n_frames: length of the capture.
        settings: phase noise.
        gain: of `choose_gain`.
        rng: source of randomness.

    Yields:
        Whole frames of little-endian int16 in the order of the raw file; values beyond full scale stand at full scale.
    """
    radar = echoes.radar
    noise_rng, phase_rng = rng.spawn(2)
    step = max(1, _BLOCK_BYTES // (8 * math.prod(radar.frame_shape)))
    for first in range(0, n_frames, step):
        index = np.arange(first, min(first + step, n_frames))
        jitter_rad = None
        if settings.phase_noise_rad > 0:
            jitter_rad = settings.phase_noise_rad * phase_rng.standard_normal((len(index), radar.n_chirps))
        frames = echoes.frames(index, jitter_rad)
        if gain.noise > 0:
            _add_noise(_numbers(frames, radar), gain.noise, noise_rng)
        frames *= np.float32(gain.counts)
        yield encode_lanes(frames, radar)


def _numbers(frames: NDArray[np.complex64], radar: FmcwRadar) -> NDArray[np.float32]:
    """Return a view of the numbers that the ADC samples: I and Q, or the real part alone."""
    return frames.view(np.float32) if radar.iq else frames.real


def _add_noise(numbers: NDArray[np.float32], sd: float, rng: np.random.Generator) -> None:
    noise = rng.standard_normal(numbers.shape, dtype=np.float32)
    noise *= np.float32(sd)
    numbers += noise
