"""Bridge what lost packets leave out: short holes from the frames around them, long ones as gaps.

A packet holds an eighth of a frame of MMECG's radar, so one lost packet in a hundred spoils every twelfth frame, but
only one or two of its channels. Marking all those frames as gaps would leave nothing; taking the zeros for samples
would make the static part of the echo flicker. So each virtual channel is interpolated over its own holes, by the cubic
through its two nearest frames on either side, where a hole is shorter than the vibrations of interest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.radar.capture import Capture
from radarode.radar.channels import by_transmitter, virtual_channels
from radarode.radar.description import FmcwRadar
from radarode.signal.gaps import find_gaps

ComplexArray = NDArray[np.complexfloating]
BoolArray = NDArray[np.bool_]

BRIDGED_S = 0.02
"""Longer holes are gaps: half a period of the fastest vibration in the band of interest (25 Hz)."""

SPOILT_SHARE = 0.02
"""A frame that lost a larger share of its bytes has holes; smaller losses stand at ends of chirps, under the taper."""

BROKEN_SHARE = 0.25
"""A frame is a gap where a larger share of its channels has a hole too long to bridge."""

_ZEROS = 8
_MARGIN = 16


def read_channels(capture: Capture, first: int, last: int) -> tuple[ComplexArray, BoolArray, BoolArray]:
    """Read the virtual channels of frames [first, last) with holes bridged.

    Args:
        capture: of a chirping radar.
        first: frame.
        last: frame after the last.

    Returns:
        ((frame, virtual, sample); (frame,) True in gaps; (frame,) True where something was bridged and no gap stands).
        Gaps, too, are filled, so that the static part of the echo stays.
    """
    radar, lost = capture.radar, capture.lost
    assert isinstance(radar, FmcwRadar)
    if not (lost[first:last] > SPOILT_SHARE).any():
        none = np.zeros(last - first, dtype=np.bool_)
        return virtual_channels(capture.read(first, last), radar), none, none
    longest = max(1, round(BRIDGED_S * capture.frame_rate_hz))
    begin, end = max(0, first - longest - _MARGIN), min(capture.n_frames, last + longest + _MARGIN)
    frames = capture.read(begin, end)
    missing = missing_channels(frames, lost[begin:end], radar)
    channels = virtual_channels(frames, radar)
    gaps = bridge(channels, missing, longest)
    own = slice(first - begin, last - begin)
    return channels[own], gaps[own], (missing.any(axis=1) & ~gaps)[own]


def missing_channels(frames: ComplexArray, lost: NDArray[np.floating], radar: FmcwRadar) -> BoolArray:
    """Find the virtual channels that lost samples: runs of exact zeros in frames that lost bytes.

    Args:
        frames: (frame, chirp, rx, sample) with zeros where samples were lost.
        lost: (frame,) share of the bytes that was lost.
        radar: the radar.

    Returns:
        (frame, virtual). Where a frame lost bytes and no run shows, all its channels.
    """
    hurt = np.flatnonzero(lost > SPOILT_SHARE)
    zero = np.equal(frames[hurt], 0)
    holes = _has_run(zero, min(_ZEROS, zero.shape[3]))
    holes |= ~holes.any(axis=(1, 2), keepdims=True)
    missing = np.zeros((len(frames), radar.n_virtual), dtype=np.bool_)
    missing[hurt] = np.concatenate([holes[:, sent].any(axis=1) for sent in by_transmitter(radar)], axis=1)
    return missing


def _has_run(flags: BoolArray, length: int) -> BoolArray:
    """Tell along the last axis whether `length` flags in a row are set; runs double, so that it takes few steps."""
    have = 1
    while have < length:
        step = min(have, length - have)
        flags = flags[..., :-step] & flags[..., step:]
        have += step
    return np.asarray(flags.any(axis=-1))


def bridge(channels: ComplexArray, missing: BoolArray, longest: int) -> BoolArray:
    """Fill the holes of each channel in place: short ones by a cubic, others by a line.

    Args:
        channels: (frame, virtual, sample).
        missing: (frame, virtual).
        longest: most frames in a row that are bridged.

    Returns:
        (frame,) True in gaps: where more than a quarter of the channels have a hole too long to bridge.

    Example:
        >>> ramp = np.arange(8.0).astype(complex)[:, None, None]
        >>> missing = np.zeros((8, 1), bool)
        >>> missing[3:5] = True
        >>> spoilt = np.where(missing[:, :, None], 0, ramp)
        >>> bool(bridge(spoilt, missing, longest=2).any()), bool(np.abs(spoilt - ramp).max() < 1e-5)
        (False, True)
    """
    broken = np.zeros(missing.shape, dtype=np.bool_)
    for channel in np.flatnonzero(missing.any(axis=0)):
        good = np.flatnonzero(~missing[:, channel])
        for start, stop in find_gaps(missing[:, channel]):
            broken[start:stop, channel] = stop - start > longest
            if len(good):
                at = np.arange(start, stop)
                nodes = _nodes(good, int(start), int(stop), 2 * longest)
                weights = _lagrange(at.astype(float), nodes.astype(float))
                channels[start:stop, channel] = weights.astype(np.float32) @ channels[nodes, channel]
    return broken.mean(axis=1) > BROKEN_SHARE


def _nodes(good: NDArray[np.int64], start: int, stop: int, reach: int) -> NDArray[np.int64]:
    """Return the good frames to draw the curve through: two on either side, or one where the hole is long."""
    split = int(np.searchsorted(good, start))
    before, after = good[max(0, split - 2) : split], good[split : split + 2]
    near = len(before) == len(after) == 2 and start - before[0] <= reach and after[1] - stop < reach
    if stop - start <= reach // 2 and near:
        return np.concatenate([before, after])
    return np.concatenate([before[-1:], after[:1]])


def _lagrange(at: NDArray[np.floating], nodes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return (at, node) weights of the polynomial through the nodes."""
    weights = np.ones((len(at), len(nodes)))
    for own, node in enumerate(nodes):
        for other in np.delete(nodes, own):
            weights[:, own] *= (at - other) / (node - other)
    return weights
