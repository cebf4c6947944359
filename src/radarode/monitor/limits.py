"""Limits of the alarms."""

from __future__ import annotations

from dataclasses import dataclass

from radarode.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Limits:
    """Say when alarms are raised.

    Attributes:
        low_bpm: a heart rate below it is too low.
        high_bpm: a heart rate above it is too high.
        delay_s: how long a rate must be beyond its limit.
        asystole_s: how long known motion may go without a beat.
    """

    low_bpm: float = 40.0
    high_bpm: float = 130.0
    delay_s: float = 5.0
    asystole_s: float = 6.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("low_bpm", 20.0, 250.0),
            ("high_bpm", 30.0, 300.0),
            ("delay_s", 0.0, 60.0),
            ("asystole_s", 3.0, 30.0),
        ):
            if not low <= getattr(self, name) <= high:
                raise InputError.of(name, f"between {low:g} and {high:g}", getattr(self, name))
        if not self.low_bpm < self.high_bpm:
            raise InputError.of("low_bpm", f"below high_bpm, {self.high_bpm:g}", f"{self.low_bpm:g}")
