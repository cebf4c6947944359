"""Add constant and abrupt noise at a stated level, to the motion or to the spectrogram.

The published code adds Gaussian noise to the spectrogram, relative to the power of the patch, and by a default
argument also adds 0 dB to every "clean" sample. Here a level of `None` is clean, and the domain is chosen:
"spectrogram" is comparable with the published tables, "signal" is physical (motion before the transform).
Levels are exact: the drawn noise is scaled by its own power.

Spectrogram magnitudes may fall below zero, as in the published code; they are not clipped, since that would
change the level.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import WINDOW_S
from radarode.core.errors import InputError
from radarode.core.types import Recording

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FloatArray = NDArray[np.floating]

CONSTANT_LEVELS_DB = (6.0, 3.0, 0.0, -1.0, -2.0, -3.0)
MILD_DB, EXTENSIVE_DB = 0.0, -9.0
SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Noise:
    """Describe noise to add.

    Attributes:
        kind: "constant" over the whole length, or "abrupt" bursts in some windows.
        snr_db: signal against noise; None adds nothing.
        seconds: length of a burst.
        share: share of the windows that get one.
        domain: "signal" or "spectrogram".
    """

    kind: Literal["constant", "abrupt"]
    snr_db: float | None
    seconds: float = 1.0
    share: float = SHARE
    domain: Literal["signal", "spectrogram"] = "signal"

    def __post_init__(self) -> None:
        if self.kind not in ("constant", "abrupt"):
            raise InputError.of("kind", "'constant' or 'abrupt'", repr(self.kind))
        if self.domain not in ("signal", "spectrogram"):
            raise InputError.of("domain", "'signal' or 'spectrogram'", repr(self.domain))
        if self.snr_db is not None and not np.isfinite(self.snr_db):
            raise InputError.of("snr_db", "a finite number of dB, or None for clean", self.snr_db)
        if not 0 < self.seconds <= WINDOW_S:
            raise InputError.of("seconds", f"above 0 and at most {WINDOW_S:g}", self.seconds)
        if not 0 <= self.share <= 1:
            raise InputError.of("share", "between 0 and 1", self.share)


def noisy_recording(recording: Recording, noise: Noise, rng: np.random.Generator) -> Recording:
    """Return the recording with noise on its motion; unchanged when the noise is clean or of the other domain."""
    if noise.snr_db is None or noise.domain == "spectrogram":
        return recording
    if noise.kind == "constant":
        rcg = add_constant(recording.rcg, noise.snr_db, rng)
    else:
        rcg = add_abrupt(recording.rcg, noise.snr_db, noise.seconds, rng, fs_hz=recording.fs_hz, share=noise.share)
    note = f"{noise.kind} noise at {noise.snr_db:g} dB"
    return replace(recording, rcg=rcg, notes={**recording.notes, "added_noise": note})


def noisy_windows(values: Tensor, noise: Noise, generator: torch.Generator) -> Tensor:
    """Return spectrogram windows with noise; unchanged when the noise is clean or of the other domain."""
    if noise.snr_db is None or noise.domain == "signal":
        return values
    if noise.kind == "constant":
        return add_constant_to_windows(values, noise.snr_db, generator)
    return add_abrupt_to_windows(values, noise.snr_db, noise.seconds, generator, share=noise.share)


def add_constant(rcg: FloatArray, snr_db: float | None, rng: np.random.Generator) -> FloatArray:
    """Add white Gaussian noise to every channel, relative to that channel's mean square.

    Args:
        rcg: (channel, time); NaN stays NaN.
        snr_db: level; None returns a copy.
        rng: source of randomness.

    Returns:
        (channel, time) of the same dtype.

    Example:
        >>> x = np.sin(np.arange(4000) / 5)[None]
        >>> noise = add_constant(x, 3.0, np.random.default_rng(0)) - x
        >>> round(float(10 * np.log10(np.mean(x**2) / np.mean(noise**2))), 6)
        3.0
    """
    if snr_db is None:
        return rcg.copy()
    known = np.isfinite(rcg)
    drawn = np.where(known, rng.standard_normal(rcg.shape), 0.0)
    return (rcg + drawn * _scale(rcg, drawn, known, snr_db)).astype(rcg.dtype)


def add_abrupt(
    rcg: FloatArray,
    snr_db: float | None,
    seconds: float,
    rng: np.random.Generator,
    *,
    fs_hz: float,
    share: float = SHARE,
) -> FloatArray:
    """Add one burst of white Gaussian noise at a random place in each of a random share of 4-s windows.

    Windows stand side by side from the start; round(share x windows) of them are hit, at least one where
    `share` is above 0. The level is that channel's mean square against the noise's inside the burst.

    Args:
        rcg: (channel, time); NaN stays NaN.
        snr_db: level, 0 (mild) or -9 (extensive) in the published tables; None returns a copy.
        seconds: length of a burst, at most 4.
        rng: source of randomness.
        fs_hz: sampling rate.
        share: share of the windows.

    Returns:
        (channel, time) of the same dtype.
    """
    noisy = rcg.copy()
    if snr_db is None or share <= 0:
        return noisy
    width, length = round(WINDOW_S * fs_hz), round(seconds * fs_hz)
    n_windows = rcg.shape[1] // width
    if n_windows == 0:
        raise InputError.of("rcg", f"at least one window of {WINDOW_S:g} s long", f"{rcg.shape[1] / fs_hz:g} s")
    known = np.isfinite(rcg)
    for window in rng.permutation(n_windows)[: max(1, round(share * n_windows))]:
        start = int(window) * width + int(rng.integers(width - length + 1))
        burst = slice(start, start + length)
        drawn = np.where(known[:, burst], rng.standard_normal((len(rcg), length)), 0.0)
        noisy[:, burst] += drawn * _scale(rcg, drawn, known[:, burst], snr_db)
    return noisy


def _scale(rcg: FloatArray, drawn: FloatArray, known: NDArray[np.bool_], snr_db: float) -> FloatArray:
    """Return (channel, 1) what `drawn` is multiplied by to stand at `snr_db` below the channel's power."""
    filled = np.where(np.isfinite(rcg), rcg, 0.0).astype(np.float64)
    power = np.sum(filled**2, axis=1) / np.maximum(np.count_nonzero(np.isfinite(rcg), axis=1), 1)
    drawn_power = np.sum(drawn**2, axis=1) / np.maximum(np.count_nonzero(known, axis=1), 1)
    wanted = power / 10 ** (snr_db / 10)
    return np.sqrt(np.divide(wanted, drawn_power, out=np.zeros_like(wanted), where=drawn_power > 0))[:, None]


def add_constant_to_windows(values: Tensor, snr_db: float | None, generator: torch.Generator) -> Tensor:
    """Add white Gaussian noise to spectrogram windows, relative to each window's mean square.

    Args:
        values: (window, channel, row, frame).
        snr_db: level; None returns a copy.
        generator: source of randomness.

    Returns:
        A new tensor of the same shape.
    """
    import torch

    if snr_db is None:
        return values.clone()
    drawn = torch.randn(values.shape, generator=generator, dtype=values.dtype)
    return values + drawn * _window_scale(values, drawn, snr_db)


def add_abrupt_to_windows(
    values: Tensor,
    snr_db: float | None,
    seconds: float,
    generator: torch.Generator,
    *,
    share: float = SHARE,
) -> Tensor:
    """Add one burst of noise, over all rows and channels, to a random share of spectrogram windows.

    Args:
        values: (window, channel, row, frame); the frames span 4 s.
        snr_db: the window's mean square against the noise's inside the burst; None returns a copy.
        seconds: length of a burst, at most 4.
        generator: source of randomness.
        share: share of the windows, rounded to whole windows.

    Returns:
        A new tensor of the same shape.
    """
    import torch

    noisy = values.clone()
    n, n_frames = values.shape[0], values.shape[-1]
    length = min(n_frames, max(1, round(seconds / WINDOW_S * n_frames)))
    if snr_db is None:
        return noisy
    for window in torch.randperm(n, generator=generator)[: round(share * n)].tolist():
        start = int(torch.randint(n_frames - length + 1, (1,), generator=generator))
        drawn = torch.randn((*values.shape[1:-1], length), generator=generator, dtype=values.dtype)
        scale = _window_scale(values[window : window + 1], drawn[None], snr_db)[0]
        noisy[window, ..., start : start + length] += drawn * scale
    return noisy


def _window_scale(values: Tensor, drawn: Tensor, snr_db: float) -> Tensor:
    """Return (window, 1, 1, 1) what `drawn` is multiplied by."""
    power = values.square().mean(dim=(1, 2, 3), keepdim=True)
    drawn_power = drawn.square().mean(dim=(1, 2, 3), keepdim=True)
    return (power / 10 ** (snr_db / 10) / drawn_power).sqrt()
