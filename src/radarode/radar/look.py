"""Look at a capture at a slow rate: what moves at which range, before anything is focused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.radar.capture import Capture
from radarode.radar.description import FmcwRadar, PulsedRadar
from radarode.radar.fields import Watch, frames_at_once, silent
from radarode.radar.grid import round_trips_m
from radarode.radar.holes import read_channels
from radarode.radar.person import SLOW_HZ, RangeMap, map_range
from radarode.radar.range import Window, range_fft

LONGEST_S = 60.0
"""So much from the middle of the capture is looked at."""

FARTHEST_M = 6.0
_MOST_POINTS = 400

_WIDEST_DEG = 60
_MIDDLE_M = 0.3
"""A chest so far from the middle still lies within a grid that is not moved."""

_CLEARLY = 2.0
_LEAST_SHARE = 0.5
_NEAR_M = 0.1


def range_map(capture: Capture, window: Window = "hann", watch: Watch = silent) -> RangeMap:
    """Map motion over range, from at most a minute in the middle of the capture.

    Args:
        capture: of a radar that resolves range.
        window: taper of the range transform.
        watch: progress.

    Raises:
        InputError: the capture is shorter than 4 s.
    """
    group = max(1, int(capture.frame_rate_hz / SLOW_HZ))
    span = min(capture.n_frames, round(LONGEST_S * capture.frame_rate_hz)) // group * group
    first = (capture.n_frames - span) // 2
    radar = capture.radar
    if isinstance(radar, PulsedRadar):
        every = max(1, radar.points // _MOST_POINTS)
        values = capture.read(first, first + span)[:, None, ::every]
        return map_range(_averaged(values, group), capture.frame_rate_hz / group, radar.ranges_m[::every])
    assert isinstance(radar, FmcwRadar)
    at_once = max(group, frames_at_once(radar) // group * group)
    parts, range_m = [], np.empty(0)
    for start in range(first, first + span, at_once):
        stop = min(start + at_once, first + span)
        averaged = _averaged(read_channels(capture, start, stop)[0], group)
        bins, range_m = range_fft(averaged, radar, window, oversample=2)
        parts.append(bins[:, :, range_m <= FARTHEST_M].astype(np.complex64))
        watch("looking for a person", stop - first, span)
    near = range_m[range_m <= FARTHEST_M]
    return map_range(np.concatenate(parts), capture.frame_rate_hz / group, near)


def side_of_person(found: RangeMap, radar: FmcwRadar, range_m: float) -> float:
    """Look along the arc of a range, and return the person's x where it clearly lies to the side.

    Args:
        found: what moves at which range.
        radar: its antennas.
        range_m: of the person.

    Returns:
        Metres to the right; 0 where the motion fits the middle about as well, or no direction at all.
    """
    if found.slow.shape[1] != radar.n_virtual or radar.n_virtual == 1:
        return 0.0
    near = np.abs(found.range_m - range_m) <= max(_NEAR_M, float(np.abs(found.range_m - range_m).min()))
    moving = found.slow[:, :, near] - found.slow[:, :, near].mean(axis=0)
    covariance = np.einsum("fnb,fmb->nm", moving, moving.conj())
    angles = np.radians(np.arange(-_WIDEST_DEG, _WIDEST_DEG + 1, 2))
    x_m = range_m * np.sin(angles)
    arc_m = np.stack([x_m, np.zeros_like(x_m), range_m * np.cos(angles)], axis=1)
    steering = np.exp(2j * np.pi / radar.wavelength_m * round_trips_m(arc_m, radar))
    power = np.einsum("pn,nm,pm->p", steering.conj(), covariance, steering).real
    best, middle = int(np.argmax(power)), np.abs(x_m) <= _MIDDLE_M
    most = radar.n_virtual * float(np.linalg.eigvalsh(covariance)[-1])
    clear = power[best] > _CLEARLY * power[middle].max() and power[best] > _LEAST_SHARE * most
    return float(x_m[best]) if clear else 0.0


def _averaged(values: NDArray[np.complexfloating], group: int) -> NDArray[np.complexfloating]:
    """Return (frame // group, ...) means of consecutive frames."""
    if group == 1:
        return values
    return values[: len(values) // group * group].reshape(-1, group, *values.shape[1:]).mean(axis=1)
