"""Synchrosqueezed wavelet transform: the network's input."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from radarode.core.constants import BAND_HZ, N_ROWS
from radarode.core.errors import InputError
from radarode.signal.blocks import Transform, magnitude
from radarode.signal.filterbank import SUPPORT_S, morlet_atoms, row_frequencies

Binning = Literal["linear", "nearest", "floor"]

_TINY = 1e-36
_LOWEST_RAD_S = 1e-3


class Sst(Transform):
    """Reassign the energy of a Morlet wavelet transform to its instantaneous frequency.

    f(a,b) = Im(W⁻¹ ∂W/∂b) / 2π, T(f,b) = ∫ W a^(−3/2) δ(f(a,b) − f) da over W ≠ 0. With W L1-normalised
    and log-spaced scales, a^(−3/2) da is a constant, chosen so that a sinusoid of amplitude A sums to about A.

    Args:
        band_hz: lowest and highest row, Hz.
        n_rows: number of log-spaced rows; wavelet scales and output rows coincide.
        binning: how a contribution finds its row in log-frequency: "linear" splits it between the two nearest
            rows and lets it fade out over one row beyond the axis (continuous in the input, hence the default);
            "nearest" takes the nearest row and clamps to the axis (ssqueezepy's); "floor" takes the row below
            and drops what lies outside the axis.
        support_s: half length of the longest wavelet; it sets the lag.
        **rates: `fs_hz`, `frame_rate_hz`, `internal_rate_hz` of `Transform`.

    Reference: Daubechies, Lu, Wu, "Synchrosqueezed wavelet transforms", ACHA 30, 2011, eq. (2.3), (2.6).
    Deviations: wavelets have finite support; the axis is log-spaced.

    Example:
        >>> sst = Sst()
        >>> tone = np.sin(2 * np.pi * 5.0 * np.arange(800) / 200)[None]
        >>> values = sst(tone).values
        >>> values.shape, round(float(sst.freqs_hz[values[0, :, 60].argmax()]), 1)
        (torch.Size([1, 71, 120]), 5.0)
    """

    name: ClassVar[str] = "sst"
    derivative: ClassVar[bool] = True

    def __init__(
        self,
        band_hz: tuple[float, float] = BAND_HZ,
        n_rows: int = N_ROWS,
        *,
        binning: Binning = "linear",
        support_s: float = SUPPORT_S,
        **rates: Any,
    ) -> None:
        if binning not in get_args(Binning):
            raise InputError.of("binning", f"one of {', '.join(get_args(Binning))}", repr(binning))
        freqs_hz = row_frequencies(band_hz, n_rows)
        super().__init__(morlet_atoms(freqs_hz, support_s), **rates)
        self.binning: Binning = binning
        self._log_low = math.log(2 * math.pi * freqs_hz[0])
        self._per_row = math.log(freqs_hz[-1] / freqs_hz[0]) / (n_rows - 1)
        self._weight = self._per_row * _sinusoid_weight()

    def _magnitude(self, analysis: Tensor) -> Tensor:
        w = analysis[0]
        row = self._row_position(w, analysis[1])
        n_rows = len(self.freqs_hz)
        if self.binning == "nearest":
            return magnitude(_collect(w, row.round_().clamp_(0, n_rows - 1), n_rows)).mul_(self._weight)
        if self.binning == "floor":
            index = row.floor_().clamp_(-1, n_rows).add_(1)
            return magnitude(_collect(w, index, n_rows + 2)[:, 1:-1]).mul_(self._weight)
        row = row.clamp_(-1, n_rows)
        index = row.floor()
        upper = w * row.sub_(index)
        index = index.add_(1)
        total = _collect(w, index, n_rows + 2)
        moved = _collect(upper, index, n_rows + 2)
        return magnitude(total[:, 1:-1].sub_(moved[:, 1:-1]).add_(moved[:, :-2])).mul_(self._weight)

    def _row_position(self, w: Tensor, slope: Tensor) -> Tensor:
        """Return (channel, row, point) the fractional output row of every coefficient."""
        conjugate = w.conj().resolve_conj()
        power = (w * conjugate).real
        turn = (slope * conjugate).imag
        frequency = (turn / (power + _TINY)).clamp_(min=_LOWEST_RAD_S)
        return frequency.log_().sub_(self._log_low).mul_(1 / self._per_row)


def _collect(values: Tensor, index: Tensor, n_rows: int) -> Tensor:
    """Add up (channel, row, point) complex values into the rows that `index`, whole floats, names."""
    channels, _, points = values.shape
    place = torch.add(torch.arange(points, dtype=torch.float32), index, alpha=points)
    if channels > 1:
        place += (torch.arange(channels, dtype=torch.float32) * (n_rows * points))[:, None, None]
    out = torch.zeros(channels * n_rows * points, dtype=values.dtype)
    out.scatter_add_(0, place.to(torch.int64).flatten(), values.flatten())
    return out.view(channels, n_rows, points)


def _sinusoid_weight() -> float:
    """Return 1 / ∫ ψ̂(ξ)/ψ̂(ω₀) dξ/ξ, so that the rows of a unit sinusoid sum to 1."""
    xi = np.linspace(0.01, 12, 20_000)
    density = np.exp(-0.5 * (xi - 6.0) ** 2) / xi
    return float(1 / (density.sum() * (xi[1] - xi[0])))
