"""Look at a capture at a slow rate: what moves at which range, before anything is focused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.radar.capture import Capture
from radarode.radar.description import FmcwRadar, PulsedRadar
from radarode.radar.fields import Watch, frames_at_once, silent
from radarode.radar.holes import read_channels
from radarode.radar.person import SLOW_HZ, RangeMap, map_range
from radarode.radar.range import Window, range_fft

LONGEST_S = 60.0
"""So much from the middle of the capture is looked at."""

FARTHEST_M = 6.0
_MOST_POINTS = 400


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


def _averaged(values: NDArray[np.complexfloating], group: int) -> NDArray[np.complexfloating]:
    """Return (frame // group, ...) means of consecutive frames."""
    if group == 1:
        return values
    return values[: len(values) // group * group].reshape(-1, group, *values.shape[1:]).mean(axis=1)
