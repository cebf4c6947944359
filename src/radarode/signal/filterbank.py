"""A bank of analytic band filters with finite support, evaluated at a lower, rational rate.

Every transform of this package is one bank: the wavelets scale with 1/f (CWT, SST), the STFT's window does
not. The filters are finite and symmetric in time, so a stream can compute exactly what a whole record gives.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import ifft, next_fast_len, rfft
from torch import Tensor

from radarode.signal.atoms import Atoms

Array = NDArray[Any]

DIRECT_GROUPS = 24
"""Up to this many output groups a matrix product is cheaper than a Fourier block (measured, 50 channels)."""

_LENGTH_RATIO = 4.0
"""Filters whose lengths differ by less than this factor share a matrix."""

_RANK_TOLERANCE = 1e-10
"""Waves of a factorised matrix this much smaller than the largest are left out. What they would have stopped of motion
far below the band is less than what float32 samples of such motion resolve (6e-8 of it)."""

_CLEAN_SIGMAS = 2.0
"""Filters at least this long (half length, standard deviations) keep to the band within float32 rounding."""

_GUARD = 6
"""One part in `_GUARD` of the internal band lies below 0 Hz, to hold the lowest row's negative skirt."""


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
        self._direct: list[tuple[int, Tensor, Tensor]] = []
        self._spectra: dict[int, tuple[Array, Array, Array]] = {}

    def n_groups(self, n_samples: int) -> int:
        """Return how many groups `n_samples` consecutive samples are enough for."""
        return max(0, (n_samples - self.width) // self.samples + 1)

    def fast_groups(self, n_samples: int) -> int:
        """Return the length, in groups of samples, of the Fourier block that `n_samples` are computed with."""
        return int(next_fast_len(-(-n_samples // self.samples), real=True))  # pyright: ignore[reportArgumentType]

    def __call__(self, x: Tensor, n_groups: int) -> Tensor:
        """Return (part, channel, row, point) complex64: W, and dW/dt where asked for, for `n_groups` groups.

        Args:
            x: (channel, time) float32; its first sample lies `half` samples before the first point.
            n_groups: how many groups to compute; `x` must hold enough samples (`n_groups`).
        """
        x = x[:, : self.width + (n_groups - 1) * self.samples]
        return self._by_product(x) if n_groups <= DIRECT_GROUPS else self._by_fourier(x, n_groups)

    def _by_product(self, x: Tensor) -> Tensor:
        if not self._direct:
            self._direct = self._product_matrices()
        windows = x.double().unfold(-1, self.width, self.samples)
        channels, groups = windows.shape[:2]
        parts = []
        for margin, waves, filters in self._direct:
            inner = windows[..., margin : self.width - margin].reshape(channels * groups, -1)
            parts.append((inner @ waves @ filters).float().view(channels, groups, self.points, self.n_parts, -1, 2))
        out = torch.cat(parts, dim=4).permute(3, 0, 4, 1, 2, 5)
        return torch.view_as_complex(out.reshape(self.n_parts, channels, -1, groups * self.points, 2))

    def _product_matrices(self) -> list[tuple[int, Tensor, Tensor]]:
        """Return (sample, wave) and (wave, point · part · row · 2) factors of the filters at a group's q positions.

        Rows whose filters are of similar length share their factors; beside them stands how many samples at either
        end of the window are beyond those filters. Neighbouring rows and positions differ so little that about a
        third as many waves as filters span them to within the rounding of the samples.
        """
        halves = np.ceil(self.atoms.half_s * self.fs_hz).astype(int)
        steps = np.floor(np.log(halves.max() / halves) / math.log(_LENGTH_RATIO)).astype(int)
        edges = [0, *(np.flatnonzero(np.diff(steps)) + 1), len(halves)]
        offsets = np.arange(self.points) * self.samples / self.points
        matrices = []
        for first, last in itertools.pairwise(edges):
            margin = int(self.half - halves[first:last].max())
            position = np.arange(margin, self.width - margin) - self.half
            times = [(position - offset) / self.fs_hz for offset in offsets]
            columns = [self.atoms.sample(time_s, slice(first, last))[: self.n_parts] for time_s in times]
            kernels = np.array(columns) / self.fs_hz
            kernels = np.stack([kernels.real, kernels.imag], axis=-1)
            matrix = np.moveaxis(kernels, 3, 0).reshape(len(position), -1)
            sizes = np.linalg.norm(matrix, axis=0)  # a derivative is larger by the frequency
            waves, shares, filters = np.linalg.svd(matrix / sizes, full_matrices=False)
            rank = int((shares > _RANK_TOLERANCE * shares[0]).sum())
            factors = np.ascontiguousarray(waves[:, :rank]), shares[:rank, None] * filters[:rank] * sizes
            matrices.append((margin, *map(torch.from_numpy, factors)))
        return matrices

    def _by_fourier(self, x: Tensor, n_groups: int) -> Tensor:
        n_blocks = self.fast_groups(x.shape[1])
        if n_blocks not in self._spectra:
            self._spectra[n_blocks] = self._fourier_factors(n_blocks)
        bins, factors, response = self._spectra[n_blocks]
        spectrum = np.asarray(rfft(x.numpy().astype(np.float64), n=n_blocks * self.samples))
        band = np.where(bins < 0, spectrum[:, np.abs(bins)].conj(), spectrum[:, np.abs(bins)])
        filtered = np.ascontiguousarray((factors[:, None] * band).astype(np.complex64))[:, :, None]
        product = np.multiply(filtered[..., 0, :], response[:, 0], order="C")
        for alias in range(1, self._aliases):
            product += filtered[..., alias, :] * response[:, alias]
        # SciPy's transform, not PyTorch's, which copies the whole tensor before and after.
        points = ifft(product, norm="forward", overwrite_x=True)
        return torch.from_numpy(points)[..., : n_groups * self.points]

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

    def _fourier_factors(self, n_blocks: int) -> tuple[Array, Array, Array]:
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
        kept, phases, gains = map(np.ascontiguousarray, turned)
        return kept, phases, gains
