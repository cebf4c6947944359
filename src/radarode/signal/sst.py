"""Synchrosqueezed wavelet transform: the network's input."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.constants import BAND_HZ, N_ROWS
from radarode.core.errors import InputError
from radarode.signal.atoms import SUPPORT_S, morlet_atoms, row_frequencies
from radarode.signal.blocks import Transform, real_pairs
from radarode.signal.kernels import reassign

Binning = Literal["linear", "nearest", "floor"]


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
        self._axis = _axis_places(freqs_hz, binning)
        self._weight = np.float32(math.log(freqs_hz[-1] / freqs_hz[0]) / (n_rows - 1) * _sinusoid_weight())

    def _magnitude(self, analysis: Tensor) -> Tensor:
        w, slope = real_pairs(analysis)
        out = torch.empty(w.shape[0], w.shape[2], len(self.freqs_hz))
        reassign(w, slope, self._axis, self.binning == "linear", self._weight, out.numpy())
        return out


def _axis_places(freqs_hz: NDArray[np.float64], binning: Binning) -> tuple[np.float32, ...]:
    """Return what `reassign` needs to know of the axis: see its `axis`."""
    n_rows = len(freqs_hz)
    per_octave = (n_rows - 1) / math.log2(freqs_hz[-1] / freqs_hz[0])
    origin = 1 - per_octave * math.log2(2 * math.pi * freqs_hz[0])
    lowest, highest = 0.0, n_rows + 1.0
    if binning == "nearest":
        origin, lowest, highest = origin + 0.5, 1.0, float(n_rows)
    return tuple(np.float32(value) for value in (per_octave, origin, lowest, highest))


def _sinusoid_weight() -> float:
    """Return 1 / ∫ ψ̂(ξ)/ψ̂(ω₀) dξ/ξ, so that the rows of a unit sinusoid sum to 1."""
    xi = np.linspace(0.01, 12, 20_000)
    density = np.exp(-0.5 * (xi - 6.0) ** 2) / xi
    return float(1 / (density.sum() * (xi[1] - xi[0])))
