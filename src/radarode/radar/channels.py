"""From the chirps of a frame to virtual channels, and the phase that motion adds between them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.radar.description import FmcwRadar

ComplexArray = NDArray[np.complexfloating]


def virtual_channels(frames: ComplexArray, radar: FmcwRadar) -> ComplexArray:
    """Sort chirps and receivers into virtual channels; repeated chirps of a transmitter are averaged.

    Args:
        frames: (frame, chirp, rx, sample).
        radar: says which transmitter sends each chirp.

    Returns:
        (frame, virtual, sample), virtual channel v is tx v // n_rx with rx v % n_rx, as in `FmcwRadar.virtual_m`.

    Raises:
        InputError: the shape is not that of the radar's frames.
    """
    if frames.ndim != 4 or frames.shape[1:] != radar.frame_shape:
        raise InputError.of("frames", f"of shape (frame, *{radar.frame_shape})", f"shape {frames.shape}")
    parts = [frames[:, sent[0]] if len(sent) == 1 else frames[:, sent].mean(axis=1) for sent in by_transmitter(radar)]
    return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]


def by_transmitter(radar: FmcwRadar) -> list[NDArray[np.int64]]:
    """Return the numbers of the chirps that each transmitter sends."""
    order = np.array(radar.tx_order)
    return [np.flatnonzero(order == tx) for tx in range(radar.n_tx)]


def slot_delays_s(radar: FmcwRadar) -> NDArray[np.float64]:
    """Return (virtual,) the mean time of each virtual channel's chirps after the frame's first chirp.

    Example:
        >>> from radarode.radar.presets import PRESETS
        >>> (slot_delays_s(PRESETS["awr1843"])[[0, 4, 8]] * 1e6).round().tolist()
        [0.0, 67.0, 134.0]
    """
    per_tx = [float(sent.mean()) * radar.chirp_period_s for sent in by_transmitter(radar)]
    return np.repeat(per_tx, radar.n_rx)


def compensate_tdm(
    channels: ComplexArray, velocity_m_s: NDArray[np.floating] | float, radar: FmcwRadar
) -> ComplexArray:
    """Take out the phase that a moving target gains between the slots of time-division transmitters.

    y_v exp(-j 4 pi velocity delay_v / wavelength). At the speed of breathing (15 mm/s) and slots of 67 us that is 3
    mrad per slot, 0.001 mm of apparent motion and no loss of focus, so the chain leaves it out; above about 0.2 m/s
    (arms, a person who walks) the angle of a target shifts visibly.

    Args:
        channels: (frame, virtual, sample) or (frame, virtual, bin).
        velocity_m_s: radial speed, positive away from the radar; one number, or (frame,).
        radar: the radar.

    Returns:
        The same shape.
    """
    speed = np.broadcast_to(np.asarray(velocity_m_s, dtype=np.float64), (len(channels),))
    turn = -4j * math.pi / radar.wavelength_m * speed[:, None] * slot_delays_s(radar)
    return (channels * np.exp(turn)[:, :, None]).astype(channels.dtype)
