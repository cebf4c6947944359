"""Short-time Fourier transform, evaluated at the same rows and frames as the wavelet transforms."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from radarode.core.constants import BAND_HZ, N_ROWS
from radarode.core.errors import InputError
from radarode.signal.atoms import MAX_SIGMAS, Atoms, row_frequencies
from radarode.signal.blocks import Transform, magnitude

WINDOW_SIGMA_S = 0.1
"""Standard deviation of the Gaussian window: it spans about 0.4 s, with rows 3.7 Hz wide at half height."""


class Stft(Transform):
    """Give |∫ x(t) g(t−b) exp(−i 2π f t) dt| with one Gaussian window for all rows.

    The rows are the log-spaced frequencies of the wavelet transforms, evaluated directly (no interpolation of an
    FFT grid); g is scaled so that a sinusoid of amplitude A peaks at A.

    Args:
        band_hz: lowest and highest row, Hz.
        n_rows: number of log-spaced rows.
        window_sigma_s: standard deviation of the window, seconds.
        **rates: `fs_hz`, `frame_rate_hz`, `internal_rate_hz` of `Transform`.
    """

    name: ClassVar[str] = "stft"

    def __init__(
        self,
        band_hz: tuple[float, float] = BAND_HZ,
        n_rows: int = N_ROWS,
        *,
        window_sigma_s: float = WINDOW_SIGMA_S,
        **rates: Any,
    ) -> None:
        if not 0.02 <= window_sigma_s <= 5:
            raise InputError.of("window_sigma_s", "between 0.02 and 5 s", window_sigma_s)
        freqs_hz = row_frequencies(band_hz, n_rows)
        sigma_s = np.full(n_rows, float(window_sigma_s))
        super().__init__(Atoms(freqs_hz, sigma_s, MAX_SIGMAS * window_sigma_s), **rates)

    def _magnitude(self, analysis: Tensor) -> Tensor:
        return magnitude(analysis[0])
