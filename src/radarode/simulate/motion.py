"""How far every place on a simulated chest moves, at any time, in metres and in closed form.

The same heart, breathing and wavelets as in `radarode.simulate.recording`, but as displacement of a surface instead of
the RCG that a sensor makes of it. Two differences follow from that. What a beat does is smooth over the surface: gains,
phases and delays are fields, where the RCG of single points draws them point by point to stand for a sensor's view.
And wavelets are summed in the time domain at the wanted times, so that each chirp sees the chest at its own time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from radarode.simulate.breathing import Breathing
from radarode.simulate.chest import Timing
from radarode.simulate.heart import VENTRICULAR, Rhythm
from radarode.simulate.traits import Person, Wavelet

FloatArray = NDArray[np.floating]

REACH = 4.5
"""Widths after which a wavelet counts as over: exp(-4.5^2) is 2e-9."""

LARGEST_CARDIAC_M = 0.0005
"""Largest peak-to-peak displacement by the heart; people whose wavelets add up to more are scaled down to it."""

_SPREAD = 0.25
_PHASE_PER_M = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceWave:
    """Hold one wavelet of every beat on a surface.

    Attributes:
        at_s: (beat,) when it stands.
        gain: (beat,) its strength.
        turn_rad: (beat,) by how far breathing and chance turn its phase.
        freq_hz, width_s: as in `Wavelet`.
        amplitude_m: (scatterer,) its size there.
        phase_rad: (scatterer,) its phase there.
        delay_s: (scatterer,) how late it arrives there.
    """

    at_s: FloatArray
    gain: FloatArray
    turn_rad: FloatArray
    freq_hz: float
    width_s: float
    amplitude_m: FloatArray
    phase_rad: FloatArray
    delay_s: FloatArray

    def add_to(self, out: FloatArray, times_s: FloatArray) -> None:
        """Add the displacement at increasing times (time,) to `out` (scatterer, time)."""
        reach_s = REACH * self.width_s
        starts = np.searchsorted(times_s, self.at_s + self.delay_s.min() - reach_s)
        stops = np.searchsorted(times_s, self.at_s + self.delay_s.max() + reach_s)
        for beat in np.flatnonzero(stops > starts):
            part = slice(starts[beat], stops[beat])
            u = times_s[part] - self.at_s[beat] - self.delay_s[:, None]
            angle = 2 * np.pi * self.freq_hz * u + (self.phase_rad + self.turn_rad[beat])[:, None]
            size = (self.gain[beat] * self.amplitude_m)[:, None]
            out[:, part] += size * np.cos(angle) * np.exp(-((u / self.width_s) ** 2))


@dataclass(frozen=True, slots=True, eq=False)
class ChestMotion:
    """Tell the displacement of every scatterer of a chest.

    Attributes:
        waves: the parts of the heartbeat.
        breath_m: breathing over time, positive outwards.
        breath_gain: (scatterer,) how far breathing moves it.
        breath_lag_s: (scatterer,) how late, to first order.
        shifts: (shift, 3) start and length in seconds, and size in metres, of shifts of the whole body.
    """

    waves: tuple[SurfaceWave, ...]
    breath_m: CubicSpline
    breath_gain: FloatArray
    breath_lag_s: FloatArray
    shifts: FloatArray

    def displacement_m(self, times_s: FloatArray) -> FloatArray:
        """Return the displacement at given times.

        Args:
            times_s: (time,) increasing, from the start of the recording.

        Returns:
            (scatterer, time) metres into the body, that is away from a radar in front of it.
        """
        out = self.cardiac_m(times_s)
        lagged = self.breath_lag_s[:, None] * self.breath_m(times_s, 1)
        out -= self.breath_gain[:, None] * (self.breath_m(times_s) - lagged)
        for start_s, length_s, size_m in self.shifts:
            done = np.clip((times_s - start_s) / length_s, 0, 1)
            out += size_m * done**3 * (10 - 15 * done + 6 * done**2)
        return out

    def cardiac_m(self, times_s: FloatArray) -> FloatArray:
        """Return the heart's part of `displacement_m`."""
        out = np.zeros((len(self.breath_gain), len(times_s)))
        for wave in self.waves:
            wave.add_to(out, times_s)
        return out


def chest_motion(
    person: Person,
    local_m: FloatArray,
    events: tuple[Rhythm, Timing, Breathing],
    shifts_per_min: float,
    rng: np.random.Generator,
) -> ChestMotion:
    """Spread a person's heartbeat and breathing over a surface.

    Args:
        person: whose wavelets.
        local_m: (scatterer, 2) places on the chest, x to the left side, y to the head.
        events: the beats, what the heart does in each, and the breathing.
        shifts_per_min: mean number of shifts of the whole body a minute, 3-20 mm in 0.5-2 s.
        rng: source of randomness.

    Returns:
        The motion. The belly (low y) breathes deeper and a little later than the upper chest.
    """
    rhythm, timing, breathing = events
    waves = tuple(_wave(wavelet, local_m, rhythm, timing, rng) for wavelet in person.wavelets)
    low = -local_m[:, 1] / 0.15
    gain = np.maximum(rng.uniform(0.7, 0.95) + rng.uniform(0.1, 0.3) * low + 0.03 * _field(local_m, rng), 0.1)
    lag_s = rng.uniform(0.0, 0.1) * (low - low.min())
    first_s, last_s = float(breathing.time_s[0]), float(breathing.time_s[-1])
    n_shifts = int(rng.poisson(shifts_per_min * (last_s - first_s) / 60))
    shifts = np.column_stack(
        [
            np.sort(rng.uniform(first_s, last_s, n_shifts)),
            rng.uniform(0.5, 2.0, n_shifts),
            rng.uniform(0.003, 0.02, n_shifts) * rng.choice([-1.0, 1.0], n_shifts),
        ]
    )
    spline = CubicSpline(breathing.time_s, breathing.displacement_mm / 1000)
    return _limited(ChestMotion(waves, spline, gain, lag_s, shifts), first_s)


def _limited(motion: ChestMotion, first_s: float) -> ChestMotion:
    """Scale the heart's part down where its largest displacement in the first ten seconds is unlikely large."""
    largest_m = np.ptp(motion.cardiac_m(first_s + np.arange(1000) / 100), axis=1).max()
    scale = min(1.0, LARGEST_CARDIAC_M / largest_m)
    waves = tuple(replace(wave, amplitude_m=scale * wave.amplitude_m) for wave in motion.waves)
    return replace(motion, waves=waves)


def _wave(
    wavelet: Wavelet, local_m: FloatArray, rhythm: Rhythm, timing: Timing, rng: np.random.Generator
) -> SurfaceWave:
    """Spread one wavelet over the surface: strongest at its source, where it also begins."""
    away_m = local_m - np.array(wavelet.source_m)
    distance_m = np.linalg.norm(away_m, axis=1)
    near = np.exp(-0.5 * (distance_m / wavelet.reach_m) ** 2)
    size_mm = wavelet.amplitude_mm * (near + 0.15) * np.exp(_SPREAD * _field(local_m, rng))
    turn = timing.turn * rng.normal(0, 1.0)
    atrial = np.where((rhythm.kind == VENTRICULAR) | rhythm.irregular, 0.0, 1.0)
    gain = timing.gain * np.hypot(1.0, turn) * (atrial if wavelet.event == "r" else 1.0)
    events = {"r": rhythm.r_s, "opening": timing.opening_s, "closure": timing.closure_s}
    return SurfaceWave(
        at_s=events[wavelet.event] + wavelet.delay_s,
        gain=gain,
        turn_rad=np.arctan(turn),
        freq_hz=wavelet.freq_hz,
        width_s=wavelet.width_s,
        amplitude_m=size_mm / 1000,
        phase_rad=wavelet.phase_rad + away_m @ rng.normal(0, _PHASE_PER_M, 2),
        delay_s=distance_m / rng.uniform(10.0, 30.0),
    )


def _field(local_m: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw a field (scatterer,) that varies smoothly over some 10 cm, of about unit variance: four plane waves."""
    waves_per_m = rng.normal(0, 2.5, (4, 2))
    return np.cos(2 * np.pi * (local_m @ waves_per_m.T + rng.uniform(0, 1, 4))).sum(axis=1) / np.sqrt(2)
