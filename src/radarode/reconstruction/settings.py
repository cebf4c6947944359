"""What the reconstruction leaves open, chosen on simulated validation people."""

from __future__ import annotations

from dataclasses import dataclass

from radarode.core.errors import InputError


@dataclass(frozen=True, slots=True)
class ReconstructSettings:
    """Parameters of the way from windows to a long-term ECG.

    Attributes:
        step_s: time between windows. The published 0.8 s leaves beats above 75 bpm without a window of their own.
        batch: windows per network call.
        threshold: lowest value of the merged anchor map that can be a beat. The published .75 suits impulses of
            height 1; a map trained on Gaussians answers uncertainty with lower, wider peaks.
        min_distance_s: closest two beats can be (published: 40 samples).
        rhythm_weight: cost of an interval that contradicts the predicted cycle length, in units of map height.
        rhythm_tolerance: relative deviation from the predicted length at which that cost is reached.
        min_quality: beats in stretches rated lower are left out, and their cycles become a gap.
        max_gap_share: windows that miss a larger share of their frames are not reconstructed.
    """

    step_s: float = 0.5
    batch: int = 32
    threshold: float = 0.12
    min_distance_s: float = 0.27
    rhythm_weight: float = 0.2
    rhythm_tolerance: float = 0.3
    min_quality: float = 0.5
    max_gap_share: float = 0.25

    def __post_init__(self) -> None:
        if not 0.05 <= self.step_s <= 4.0:
            raise InputError.of("step_s", "between 0.05 and 4 s", self.step_s)
        if self.batch < 1:
            raise InputError.of("batch", "at least 1", self.batch)
        for name in ("min_quality", "max_gap_share", "rhythm_weight"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError.of(name, "between 0 and 1", getattr(self, name))
        for name in ("threshold", "min_distance_s", "rhythm_tolerance"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise InputError.of(name, "above 0 and at most 1", getattr(self, name))
