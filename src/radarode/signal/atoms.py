"""The filters of every transform: Gaussian-windowed exponentials with finite support, on a log-spaced axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import BAND_HZ, N_ROWS
from radarode.core.errors import InputError

OMEGA0 = 6.0
"""Centre of the analytic Morlet wavelet in radians (MATLAB's "amor")."""

SUPPORT_S = 4.0
"""Half length of the longest filter: 4.2 standard deviations of the wavelet at 1 Hz."""

MAX_SIGMAS = 5.6
"""Beyond this many standard deviations a filter is below float32 resolution."""


@dataclass(frozen=True)
class Atoms:
    """Describe the filters of a bank: Gaussian-windowed exponentials at `freqs_hz`.

    Row i has the impulse response 2 g(t/σᵢ) w(t/hᵢ) exp(i 2π fᵢ t) / (σᵢ √(2π)), with g the unit Gaussian and
    the taper w(u) = (1 − u⁶)⁶ on |u| <= 1, 0 outside: a sinusoid of amplitude A at fᵢ gives |W| = A. The half
    length hᵢ is `MAX_SIGMAS` σᵢ or `support_s`, whichever is shorter; the long rows alone are cut.

    Attributes:
        freqs_hz: (row,) centre frequencies.
        sigma_s: (row,) standard deviation of each row's Gaussian.
        support_s: half length of the longest filter.
    """

    freqs_hz: NDArray[np.float64]
    sigma_s: NDArray[np.float64]
    support_s: float

    @property
    def half_s(self) -> NDArray[np.float64]:
        """(row,) half length of each filter."""
        return np.minimum(MAX_SIGMAS * self.sigma_s, self.support_s)

    def sample(
        self, time_s: NDArray[np.float64], rows: slice = slice(None)
    ) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        """Evaluate the conjugate filters and the filters of the derivative at times `time_s`.

        Args:
            time_s: (time,) position of the input sample relative to the output point.
            rows: which rows.

        Returns:
            Two (row, time) arrays k, k' with W(b) = Σ x[n] k(tₙ − b) / fs and dW/db = Σ x[n] k'(tₙ − b) / fs.
        """
        sigma = self.sigma_s[rows, None]
        omega = 2 * np.pi * self.freqs_hz[rows, None]
        t = np.asarray(time_s)[None, :]
        half = self.half_s[rows, None]
        u = np.clip(t / half, -1.0, 1.0)
        phase = np.exp(-1j * omega * t).astype(np.complex128)
        gauss = phase * (2 / (sigma * math.sqrt(2 * math.pi)) * np.exp(-0.5 * (t / sigma) ** 2))
        taper = (1 - u**6) ** 6
        taper_slope = -36 * u**5 * (1 - u**6) ** 5 / half
        slope = gauss * (taper_slope - (t / sigma**2 + 1j * omega) * taper)
        return gauss * taper, -slope


def row_frequencies(band_hz: tuple[float, float] = BAND_HZ, n_rows: int = N_ROWS) -> NDArray[np.float64]:
    """Return (row,) log-spaced centre frequencies over `band_hz`, both ends included."""
    low, high = band_hz
    if not 0 < low < high:
        raise InputError.of("band_hz", "two increasing positive frequencies", band_hz)
    if n_rows < 2:
        raise InputError.of("n_rows", "at least 2", n_rows)
    return np.geomspace(low, high, n_rows)


def morlet_atoms(freqs_hz: NDArray[np.float64], support_s: float = SUPPORT_S) -> Atoms:
    """Return analytic Morlet wavelets with ω₀ = 6: σ = ω₀ / (2π f) seconds.

    L1-normalised: W here is a^(−1/2) times the W of the radarODE-MTL paper.
    """
    return Atoms(freqs_hz, OMEGA0 / (2 * np.pi * freqs_hz), support_s)
