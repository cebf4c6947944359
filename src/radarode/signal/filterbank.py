"""A bank of analytic band filters with finite support, evaluated at a lower, rational rate.

Every transform of this package is one bank: the wavelets scale with 1/f (CWT, SST), the STFT's window does
not. The filters are finite and symmetric in time, so a stream can compute exactly what a whole record gives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from torch import Tensor

from radarode.core.constants import BAND_HZ, N_ROWS
from radarode.core.errors import InputError

OMEGA0 = 6.0
"""Centre of the analytic Morlet wavelet in radians (MATLAB's "amor")."""

SUPPORT_S = 4.0
"""Half length of the longest filter: 4.2 standard deviations of the wavelet at 1 Hz."""

DIRECT_GROUPS = 24
"""Up to this many output groups a matrix product is cheaper than a Fourier block (measured, 50 channels)."""

MAX_SIGMAS = 5.6
"""Beyond this many standard deviations a filter is below float32 resolution."""

_CLEAN_SIGMAS = 2.0
"""Filters at least this long (half length, standard deviations) keep to the band within float32 rounding."""

_GUARD = 6
"""One part in `_GUARD` of the internal band lies below 0 Hz, to hold the lowest row's negative skirt."""


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

    def sample(self, time_s: NDArray[np.float64]) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        """Evaluate the conjugate filters and the filters of the derivative at times `time_s`.

        Args:
            time_s: (time,) position of the input sample relative to the output point.

        Returns:
            Two (row, time) arrays k, k' with W(b) = Σ x[n] k(tₙ − b) / fs and dW/db = Σ x[n] k'(tₙ − b) / fs.
        """
        sigma = self.sigma_s[:, None]
        omega = 2 * np.pi * self.freqs_hz[:, None]
        t = np.asarray(time_s)[None, :]
        half = self.half_s[:, None]
        u = np.clip(t / half, -1.0, 1.0)
        phase = np.exp(-1j * omega * t).astype(np.complex128)
        gauss = phase * (2 / (sigma * math.sqrt(2 * math.pi)) * np.exp(-0.5 * (t / sigma) ** 2))
        taper = (1 - u**6) ** 6
        taper_slope = -36 * u**5 * (1 - u**6) ** 5 / half
        slope = gauss * (taper_slope - (t / sigma**2 + 1j * omega) * taper)
        return gauss * taper, -slope


class FilterBank:
    """Apply the atoms to many channels and give their outputs at `rate_hz` instead of at `fs_hz`.

    Outputs come in groups: `rate_hz / fs_hz` = q/p in lowest terms, and p new samples make q new points. The
    q points of a group stand at k·p/q samples after the group's first sample. Long stretches go through one
    Fourier transform per block, decimated in the frequency domain; short ones through a matrix product with
    the filters sampled at the exact fractional positions. Both give the same numbers to rounding; what meets
    the unfiltered signal is float64, so that slow motion far larger than the band's does not drown it.

    Args:
        atoms: the filters.
        fs_hz: rate of the input.
        rate_hz: rate of the output; must hold the analytic filters' band.
        derivative: whether dW/dt is wanted beside W.
    """

    def __init__(self, atoms: Atoms, fs_hz: float, rate_hz: float, *, derivative: bool) -> None:
        ratio = Fraction(rate_hz / fs_hz).limit_denominator(10_000)
        self.atoms = atoms
        self.fs_hz = fs_hz
        self.rate_hz = rate_hz
        self.points, self.samples = ratio.numerator, ratio.denominator
        self.half = math.ceil(float(atoms.half_s.max()) * fs_hz)
        self.width = 2 * self.half + self.samples
        self.n_parts = 2 if derivative else 1
        self._direct: Tensor | None = None
        self._spectra: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

    def n_groups(self, n_samples: int) -> int:
        """Return how many groups `n_samples` consecutive samples are enough for."""
        return max(0, (n_samples - self.width) // self.samples + 1)

    def __call__(self, x: Tensor, n_groups: int) -> Tensor:
        """Return (part, channel, row, point) complex64: W, and dW/dt where asked for, for `n_groups` groups.

        Args:
            x: (channel, time) float32; its first sample lies `half` samples before the first point.
            n_groups: how many groups to compute; `x` must hold enough samples (`n_groups`).
        """
        x = x[:, : self.width + (n_groups - 1) * self.samples]
        return self._by_product(x) if n_groups <= DIRECT_GROUPS else self._by_fourier(x, n_groups)

    def _by_product(self, x: Tensor) -> Tensor:
        if self._direct is None:
            self._direct = self._product_matrix()
        windows = x.unfold(-1, self.width, self.samples)
        channels, groups = windows.shape[:2]
        out = windows.reshape(channels * groups, self.width).double() @ self._direct
        out = out.float().view(channels, groups, self.points, self.n_parts, len(self.atoms.freqs_hz), 2)
        out = out.permute(3, 0, 4, 1, 2, 5).reshape(
            self.n_parts, channels, len(self.atoms.freqs_hz), groups * self.points, 2
        )
        return torch.view_as_complex(out)

    def _product_matrix(self) -> Tensor:
        """Return (sample, point · part · row · 2): the filters at the q positions inside a group."""
        offsets = np.arange(self.points) * self.samples / self.points
        position = np.arange(self.width) - self.half
        columns = [self.atoms.sample((position - offset) / self.fs_hz)[: self.n_parts] for offset in offsets]
        kernels = np.array(columns) / self.fs_hz
        kernels = np.stack([kernels.real, kernels.imag], axis=-1)
        matrix = np.moveaxis(kernels, 3, 0).reshape(self.width, -1)
        return torch.from_numpy(np.ascontiguousarray(matrix))

    def _by_fourier(self, x: Tensor, n_groups: int) -> Tensor:
        n_blocks = int(next_fast_len(-(-x.shape[1] // self.samples), real=True))  # pyright: ignore[reportArgumentType]
        if n_blocks not in self._spectra:
            self._spectra[n_blocks] = self._fourier_factors(n_blocks)
        bins, factors, response = self._spectra[n_blocks]
        spectrum = torch.fft.rfft(x.double(), n=n_blocks * self.samples)
        band = torch.where(bins < 0, spectrum[:, bins.abs()].conj(), spectrum[:, bins.abs()])
        filtered = (factors[:, None] * band).to(torch.complex64)[:, :, None]
        product = filtered[..., 0, :] * response[:, 0]
        for alias in range(1, self._aliases):
            product += filtered[..., alias, :] * response[:, alias]
        return torch.fft.ifft(product, norm="forward")[..., : n_groups * self.points]

    @property
    def _aliases(self) -> int:
        """How many bands as wide as the output rate matter: one, unless the filters are cut short and leak."""
        return 1 + sum(self._bands_beyond)

    @property
    def _bands_beyond(self) -> tuple[int, int]:
        """Bands below and above the one from -1/_GUARD of the output rate, as far as the input's Nyquist rate."""
        if float((self.atoms.half_s / self.atoms.sigma_s).min()) >= _CLEAN_SIGMAS:
            return 0, 0
        nyquist = self.samples / self.points / 2
        return max(0, math.ceil(nyquist - 1 / _GUARD)), max(0, math.ceil(nyquist + 1 / _GUARD) - 1)

    def _fourier_factors(self, n_blocks: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return (alias, bin) bins, (part, alias, bin) factors of W and dW/dt, (row, alias, bin) real response.

        Column k of each holds the bins that fall on output bin k at the output rate.
        """
        n_in, n_out = n_blocks * self.samples, n_blocks * self.points
        first = -(n_out // _GUARD) - self._bands_beyond[0] * n_out
        bins = first + np.arange(self._aliases * n_out)
        inside = np.abs(bins) <= n_in // 2
        bins = bins * inside
        position = np.arange(-self.half, self.half + 1)
        kernel = np.zeros((len(self.atoms.freqs_hz), n_in), dtype=np.complex128)
        kernel[:, position % n_in] = self.atoms.sample(-position / self.fs_hz)[0] / self.fs_hz
        response = np.fft.fft(kernel)[:, bins % n_in].real * inside / n_in
        omega = 2 * np.pi * bins / n_in
        centre = np.exp(1j * omega * self.half)
        factors = np.stack([centre, 1j * omega * self.fs_hz * centre])[: self.n_parts]
        tables = (bins, factors, response.astype(np.float32))
        # the first of a row's bins is -n_out // _GUARD: turn each row so that bin k stands in column k mod n_out
        turned = [np.roll(table.reshape(*table.shape[:-1], -1, n_out), -(n_out // _GUARD), axis=-1) for table in tables]
        kept, phases, gains = (torch.from_numpy(table) for table in turned)
        return kept, phases, gains


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
