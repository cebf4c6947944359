"""The order of the numbers in a raw TI capture, both ways: int16 stream <-> (frame, chirp, rx, sample).

As in Texas Instruments' "Mmwave Radar Device ADC Raw Data Capture" (SWRA581) and in what mmWave Studio stores:

- two lanes (xWR16xx, xWR18xx, xWR68xx): chirp by chirp, receiver by receiver. Real samples follow each other; complex
  ones come in pairs, I0 I1 Q0 Q1, I2 I3 Q2 Q3, ...
- four lanes (xWR12xx, xWR14xx): chirp by chirp, sample by sample, one lane per receiver. Real: the sample of lane 0 to
  3. Complex: I of lane 0 to 3, then Q of lane 0 to 3. Lanes without a receiver are there, and hold zeros.

Numbers are little-endian int16. With `q_first`, Q stands where I is written above.
"""

from __future__ import annotations

import numpy as np

from radarode.core.errors import InputError
from radarode.radar.description import FmcwRadar

_FOUR = 4


def frame_values(radar: FmcwRadar) -> int:
    """Return how many int16 numbers one frame takes in the file.

    Example:
        >>> from radarode.radar.presets import PRESETS
        >>> frame_values(PRESETS["awr1843"]) == 3 * 4 * 256 * 2
        True
    """
    receivers = radar.n_rx if radar.lanes == 2 else _FOUR
    return radar.n_chirps * receivers * radar.samples * (2 if radar.iq else 1)


def frame_bytes(radar: FmcwRadar) -> int:
    """Return how many bytes one frame takes in the file."""
    return 2 * frame_values(radar)


def decode_lanes(values: np.ndarray, radar: FmcwRadar) -> np.ndarray:
    """Bring whole frames of the stream into order.

    Args:
        values: (frame * frame_values,) int16.
        radar: its shape and layout.

    Returns:
        (frame, chirp, rx, sample) complex64; the imaginary part of real samples is 0.

    Raises:
        InputError: the numbers are not whole frames.
    """
    size = frame_values(radar)
    if values.size % size:
        raise InputError.of("values", f"whole frames of {size} numbers", values.size)
    shape = (values.size // size, radar.n_chirps, radar.n_rx, radar.samples)
    if not radar.iq:
        return _real(values, radar).reshape(shape).astype(np.complex64)
    if radar.lanes == 2:
        pairs = values.reshape(-1, 2, 2)
        parts = pairs[:, 0].reshape(shape), pairs[:, 1].reshape(shape)
    else:
        grid = values.reshape(*shape[:2], radar.samples, 2, _FOUR)[..., _lanes(radar)]
        parts = np.swapaxes(grid[..., 0, :], -1, -2), np.swapaxes(grid[..., 1, :], -1, -2)
    cube = np.empty(shape, dtype=np.complex64)
    cube.real, cube.imag = parts[::-1] if radar.q_first else parts
    return cube


def encode_lanes(cube: np.ndarray, radar: FmcwRadar) -> np.ndarray:
    """Put frames into the order of the file; the inverse of `decode_lanes`.

    Args:
        cube: (frame, chirp, rx, sample), complex or real, in ADC counts; rounded and clipped to what `adc_bits` hold.
        radar: its shape and layout.

    Returns:
        (frame * frame_values,) little-endian int16.

    Raises:
        InputError: the shape is not that of the radar.
    """
    if cube.ndim != 4 or cube.shape[1:] != radar.frame_shape:
        raise InputError.of("cube", f"of shape (frame, {', '.join(map(str, radar.frame_shape))})", cube.shape)
    full = 2 ** (radar.adc_bits - 1)
    parts = [np.clip(np.rint(part), -full, full - 1).astype("<i2") for part in (np.real(cube), np.imag(cube))]
    parts = (parts[::-1] if radar.q_first else parts) if radar.iq else parts[:1]
    if radar.lanes == 2:
        return parts[0].reshape(-1) if not radar.iq else np.stack([p.reshape(-1, 2) for p in parts], 1).reshape(-1)
    grid = np.zeros((*cube.shape[:2], radar.samples, len(parts), _FOUR), dtype="<i2")
    for k, part in enumerate(parts):
        grid[..., k, _lanes(radar)] = np.swapaxes(part, -1, -2)
    return grid.reshape(-1)


def full_scale(values: np.ndarray, radar: FmcwRadar) -> float:
    """Return the share of int16 numbers at either end of the ADC's scale.

    On four lanes, numbers of lanes without a receiver count as not saturated.
    """
    full = 2 ** (radar.adc_bits - 1)
    return float(((values >= full - 1) | (values <= -full)).mean()) if values.size else 0.0


def _real(values: np.ndarray, radar: FmcwRadar) -> np.ndarray:
    if radar.lanes == 2:
        return values
    grid = values.reshape(-1, radar.n_chirps, radar.samples, _FOUR)[..., _lanes(radar)]
    return np.swapaxes(grid, -1, -2)


def _lanes(radar: FmcwRadar) -> list[int]:
    return list(radar.rx_lanes or range(radar.n_rx))
