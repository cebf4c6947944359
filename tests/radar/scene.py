"""A small simulated scene: exact beat signals of moving points before an FMCW radar."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from radarode.radar.capture import Capture, CaptureFacts
from radarode.radar.description import SPEED_OF_LIGHT_M_S, FmcwRadar
from radarode.radar.presets import PRESETS


def small_radar(frame_rate_hz: float = 200.0, samples: int = 64) -> FmcwRadar:
    """MMECG's radar with fewer samples over the same sweep."""
    awr1843 = PRESETS["awr1843"]
    assert isinstance(awr1843, FmcwRadar)
    rate_hz = awr1843.adc_rate_hz * samples / awr1843.samples
    return replace(awr1843, name="simulated", samples=samples, adc_rate_hz=rate_hz, frame_period_s=1 / frame_rate_hz)


@dataclass(frozen=True, eq=False)
class Target:
    """A point that moves along z: where, its amplitude, and its displacement (frame,) away from the radar."""

    place_m: tuple[float, float, float]
    amplitude: float
    moved_m: np.ndarray | float = 0.0


def beat_signals(
    radar: FmcwRadar, targets: list[Target], n_frames: int, noise: float, rng: np.random.Generator
) -> np.ndarray:
    """Return (frame, chirp, rx, sample); within a frame nothing moves."""
    time_s = radar.adc_start_s + np.arange(radar.samples) / radar.adc_rate_hz
    tx, rx = np.array(radar.tx_m), np.array(radar.rx_m)
    out = noise * rng.normal(size=(2, n_frames, *radar.frame_shape)).astype(np.float32)
    out = (out[0] + 1j * out[1]).astype(np.complex64)
    for target in targets:
        moved = np.broadcast_to(np.asarray(target.moved_m, dtype=np.float64), (n_frames,))
        place = np.array(target.place_m) + moved[:, None] * np.array([0.0, 0.0, 1.0])
        to_tx, to_rx = (np.linalg.norm(place[:, None] - array, axis=-1) for array in (tx, rx))
        path_m = to_tx[:, list(radar.tx_order), None] + to_rx[:, None, :]
        still = not np.ndim(target.moved_m)
        tau = (path_m[:1] if still else path_m)[..., None] / SPEED_OF_LIGHT_M_S
        cycles = radar.start_hz * tau + radar.slope_hz_per_s * tau * (time_s - tau / 2)
        out += (target.amplitude * np.exp(2j * np.pi * cycles)).astype(np.complex64)
    return out


def breathing_m(n_frames: int, fs_hz: float, per_min: float = 15.0, size_m: float = 3e-3) -> np.ndarray:
    """Return (frame,) chest motion of breathing."""
    phase = 2 * np.pi * per_min / 60 * np.arange(n_frames) / fs_hz
    return size_m * (np.sin(phase) + 0.25 * np.sin(2 * phase))


def heart_m(n_frames: int, fs_hz: float, r_s: np.ndarray, size_m: float = 2e-4) -> np.ndarray:
    """Return (frame,) chest motion of a heart: a slow pulse and two short vibrations per beat."""
    time_s = np.arange(n_frames) / fs_hz
    out = np.zeros(n_frames)
    for at in r_s:
        for gain, f_hz, width_s, late_s in ((0.25, 10.0, 0.05, 0.11), (0.15, 14.0, 0.04, 0.42)):
            u = time_s - at - late_s
            out += gain * np.cos(2 * np.pi * f_hz * u) * np.exp(-((u / width_s) ** 2))
        out += np.exp(-(((time_s - at - 0.25) / 0.15) ** 2))
    return size_m * out


def beats_s(duration_s: float, rng: np.random.Generator, mean_s: float = 0.86) -> np.ndarray:
    """Return (beat,) times with 3 % variation."""
    return np.cumsum(rng.normal(mean_s, 0.03 * mean_s, int(duration_s / mean_s) + 3)) - mean_s


CHEST = ((0.0, 0.05), (0.08, 0.05), (-0.08, 0.08), (0.05, -0.04), (-0.05, -0.02))
BELLY = ((0.0, -0.25), (0.1, -0.28), (-0.08, -0.24))


def person(radar: FmcwRadar, n_frames: int, z_m: float, rng: np.random.Generator) -> tuple[list[Target], np.ndarray]:
    """Return the points of a simulated person, chest with a heart and belly without, and the R peaks."""
    fs_hz = radar.frame_rate_hz
    r_s = beats_s(n_frames / fs_hz, rng)
    breath, heart = breathing_m(n_frames, fs_hz), heart_m(n_frames, fs_hz, r_s)
    chest = [
        Target((x, y, z_m), 1.0, 0.6 * breath + gain * heart)
        for (x, y), gain in zip(CHEST, (1, 0.8, 0.7, 0.9, 0.8), strict=True)
    ]
    belly = [Target((x, y, z_m + 0.04), 1.0, 1.3 * breath) for x, y in BELLY]
    return chest + belly, r_s


CLUTTER = [Target((0.03, 0.0, 0.03), 10.0), Target((0.3, 0.1, 1.2), 4.0), Target((-0.3, 0.2, 0.7), 1.0)]


class ArrayCapture(Capture):
    """Frames in memory."""

    def __init__(self, radar: FmcwRadar, frames: np.ndarray, lost: np.ndarray | None = None) -> None:
        facts = CaptureFacts("array", len(frames), np.zeros(len(frames)) if lost is None else lost)
        super().__init__(radar, Path("simulated"), facts)
        self.frames = frames

    def _read(self, first: int, last: int) -> np.ndarray:
        return self.frames[first:last]
