"""What a file says beyond its ECG: whether the motion was simulated, and events that somebody marked."""

from __future__ import annotations

from dataclasses import dataclass

SIMULATED_TEXT = "from SIMULATED motion"


@dataclass(frozen=True, slots=True)
class About:
    """Hold what a file says beyond its ECG.

    Attributes:
        simulated: whether the motion was simulated.
        events: (seconds from the first sample, text), the earliest first.
    """

    simulated: bool = False
    events: tuple[tuple[float, str], ...] = ()
