"""Spectral entropy: how spread out a spectrogram's energy is."""

from __future__ import annotations

import math

import torch

from radarode.core.errors import InputError
from radarode.core.types import Spectrogram


def spectral_entropy(spectrogram: Spectrogram) -> float:
    """Return the normalised Shannon entropy of the energy over the time-frequency plane, in [0, 1].

    H = −Σ p log p / log(rows · frames), p = v² / Σ v² over one channel's plane; the mean over channels that hold
    any energy. 0 is one point, 1 is an even spread.

    Args:
        spectrogram: magnitudes (channel, row, frame).

    Raises:
        InputError: no channel holds energy, or the plane is a single point.

    Example:
        >>> spectral_entropy(Spectrogram(torch.ones(1, 2, 8), [1.0, 2.0], 30.0))
        1.0

    Deviation: the radarODE paper (arXiv 2408.01672) prints values for the three transforms but no formula.
    """
    values = torch.as_tensor(spectrogram.values).to(torch.float64)
    size = values.shape[1] * values.shape[2]
    if size < 2:
        raise InputError.of("spectrogram", "larger than one point", f"shape {tuple(values.shape)}")
    energy = values.square().flatten(1)
    total = energy.sum(dim=1, keepdim=True)
    known = total[:, 0] > 0
    if not bool(known.any()):
        raise InputError.of("spectrogram", "positive somewhere", "zero in every channel")
    share = energy[known] / total[known]
    return float(torch.special.entr(share).sum(dim=1).mean() / math.log(size))
