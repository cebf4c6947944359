"""What the three tasks leave open, as one frozen record that travels with the weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from radarode.core.constants import R_FRACTION
from radarode.core.errors import InputError

SHAPE_SAMPLES = 200
LENGTH_CLASSES = 260
LENGTH_STEP_S = 0.005


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """Parameters of the targets; the defaults suit small training sets, `published()` is the papers' choice.

    Attributes:
        r_fraction: where in its cycle the R peak stands.
        length_first_s: length of class 0; class c is `length_first_s + c * 5 ms`. The published axis starts at
            0 and ends at 1.295 s, which cannot express a heart rate under 46 bpm; ours ends at 1.595 s.
        length_sigma_s: width of the Gaussian around the true class; 0 is the published one-hot target.
        anchor_sigma_s: width of the Gaussian at each R peak; 0 is the published single-sample impulse.
    """

    r_fraction: float = R_FRACTION
    length_first_s: float = 0.3
    length_sigma_s: float = 0.015
    anchor_sigma_s: float = 0.02

    def __post_init__(self) -> None:
        if not 0.1 <= self.r_fraction <= 0.9:
            raise InputError.of("r_fraction", "between 0.1 and 0.9", self.r_fraction)
        for name in ("length_first_s", "length_sigma_s", "anchor_sigma_s"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError.of(name, "between 0 and 1 s", getattr(self, name))

    @classmethod
    def published(cls) -> TaskSettings:
        """Return the targets as published: one-hot length from 0, single-sample anchors."""
        return cls(length_first_s=0.0, length_sigma_s=0.0, anchor_sigma_s=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as a plain dictionary."""
        return asdict(self)
