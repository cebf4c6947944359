"""Continuous wavelet transform: the scalogram that SST sharpens, on the same axes."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from radarode.core.constants import BAND_HZ, N_ROWS
from radarode.signal.atoms import SUPPORT_S, morlet_atoms, row_frequencies
from radarode.signal.blocks import Transform, magnitude


class Cwt(Transform):
    """Give |W(a,b)| of the analytic Morlet wavelet, one row per scale a = ω₀ / (2π f), L1-normalised.

    W(a,b) = a^(−1/2) ∫ x(t) a^(−1/2) ψ*((t−b)/a) dt: a sinusoid of amplitude A peaks at A in its row, whatever
    the row (the radarODE-MTL paper has one factor a^(−1/2) less, which tilts the rows).

    Args:
        band_hz: lowest and highest row, Hz.
        n_rows: number of log-spaced rows.
        support_s: half length of the longest wavelet; it sets the lag.
        **rates: `fs_hz`, `frame_rate_hz`, `internal_rate_hz` of `Transform`.
    """

    name: ClassVar[str] = "cwt"

    def __init__(
        self,
        band_hz: tuple[float, float] = BAND_HZ,
        n_rows: int = N_ROWS,
        *,
        support_s: float = SUPPORT_S,
        **rates: Any,
    ) -> None:
        super().__init__(morlet_atoms(row_frequencies(band_hz, n_rows), support_s), **rates)

    def _magnitude(self, analysis: Tensor) -> Tensor:
        return magnitude(analysis[0])
