"""Synchrosqueezed wavelet transform: the network's input."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from radarode.core.constants import BAND_HZ, N_ROWS
from radarode.core.errors import InputError
from radarode.signal.blocks import SUPPORT_S, Transform, morlet_atoms, row_frequencies

Binning = Literal["linear", "nearest", "floor"]

_TINY = 1e-36


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
        rates: `fs_hz`, `frame_rate_hz`, `internal_rate_hz` of `Transform`.

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
        self._log_low = math.log(freqs_hz[0])
        self._per_row = math.log(freqs_hz[-1] / freqs_hz[0]) / (n_rows - 1)
        self._weight = self._per_row * _sinusoid_weight()

    def _magnitude(self, analysis: Tensor) -> Tensor:
        w, slope = analysis[0], analysis[1]
        row = self._row_position(w, slope)
        n_rows = len(self.freqs_hz)
        if self.binning == "nearest":
            index = row.round().clamp_(0, n_rows - 1)
            return _collect(w, index, n_rows).abs() * self._weight
        if self.binning == "floor":
            index = row.floor().clamp_(-1, n_rows)
            return _collect(w, index + 1, n_rows + 2)[:, 1:-1].abs() * self._weight
        row = row.clamp_(-1, n_rows)
        index = row.floor()
        upper = w * (row - index)
        index = index + 1
        total = _collect(w, index, n_rows + 2)
        moved = _collect(upper, index, n_rows + 2)
        return (total[:, 1:-1] - moved[:, 1:-1] + moved[:, :-2]).abs() * self._weight

    def _row_position(self, w: Tensor, slope: Tensor) -> Tensor:
        """Return (channel, row, point) the fractional output row of every coefficient."""
        wr, wi = w.real, w.imag
        power = (wr * wr).addcmul_(wi, wi).add_(_TINY)
        turn = (wr * slope.imag).addcmul_(wi, slope.real, value=-1)
        frequency = turn.div_(power).mul_(1 / (2 * math.pi)).clamp_(min=1e-3)
        return frequency.log_().sub_(self._log_low).div_(self._per_row)


def _collect(values: Tensor, index: Tensor, n_rows: int) -> Tensor:
    """Add up (channel, row, point) complex values into the rows that `index` names."""
    out = torch.zeros(values.shape[0], n_rows, values.shape[2], dtype=values.dtype)
    return out.scatter_add_(1, index.to(torch.int64), values)


def _sinusoid_weight() -> float:
    """Return 1 / ∫ ψ̂(ξ)/ψ̂(ω₀) dξ/ξ, so that the rows of a unit sinusoid sum to 1."""
    xi = np.linspace(0.01, 12, 20_000)
    density = np.exp(-0.5 * (xi - 6.0) ** 2) / xi
    return float(1 / (density.sum() * (xi[1] - xi[0])))
