"""What a radar is: the numbers that turn its samples into distances, speeds and directions.

Coordinates are seen from the radar: x to the right, y up, z away from it, in metres. (Looked at from the person,
x runs to the left.) All times are in seconds, all frequencies in Hz.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from radarode.radar.fmcw import SPEED_OF_LIGHT_M_S, FmcwRadar, Position, check_name, check_number

__all__ = ["SPEED_OF_LIGHT_M_S", "CwRadar", "FmcwRadar", "Position", "PulsedRadar", "Radar", "derived_values"]


@dataclass(frozen=True)
class CwRadar:
    """Describe a continuous-wave radar with I and Q outputs.

    Attributes:
        name: what it is called.
        carrier_hz: its frequency.
        fs_hz: sampling rate of I and Q.

    Example:
        >>> round(CwRadar("cw", 24.05e9, 2000.0).wavelength_m * 1000, 2)
        12.47
    """

    name: str
    carrier_hz: float
    fs_hz: float

    kind: Literal["cw"] = field(default="cw", init=False, repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        check_number("carrier_hz", self.carrier_hz, 1e8, 1e12, "Give it in Hz, 24 GHz is 24e9")
        check_number("fs_hz", self.fs_hz, 1, 1e7, "Give the sampling rate in Hz")

    @property
    def frame_rate_hz(self) -> float:
        """Return the samples per second: a frame is one sample."""
        return self.fs_hz

    @property
    def wavelength_m(self) -> float:
        """Return the wavelength of the carrier."""
        return SPEED_OF_LIGHT_M_S / self.carrier_hz


@dataclass(frozen=True)
class PulsedRadar:
    """Describe a pulsed coherent radar, whose samples are already resolved in range.

    Attributes:
        name: what it is called.
        carrier_hz: its frequency.
        frame_rate_hz: frames per second.
        start_m: range of the first point.
        step_m: from point to point.
        points: points per sweep.
        sweeps: sweeps per frame; a capture returns their mean.

    Example:
        >>> radar = PulsedRadar("a121", 60.5e9, 20.0, start_m=0.3, step_m=0.06, points=3)
        >>> radar.ranges_m.round(2).tolist()
        [0.3, 0.36, 0.42]
    """

    name: str
    carrier_hz: float
    frame_rate_hz: float
    start_m: float
    step_m: float
    points: int
    sweeps: int = 1

    kind: Literal["pulsed"] = field(default="pulsed", init=False, repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        check_number("carrier_hz", self.carrier_hz, 1e8, 1e12, "Give it in Hz, 60.5 GHz is 60.5e9")
        check_number("frame_rate_hz", self.frame_rate_hz, 0.01, 1e5, "Give frames per second")
        check_number("start_m", self.start_m, -10, 1000, "Give metres")
        check_number("step_m", self.step_m, 1e-6, 100, "Give metres")
        check_number("points", self.points, 1, 1_000_000)
        check_number("sweeps", self.sweeps, 1, 100_000)

    @property
    def wavelength_m(self) -> float:
        """Return the wavelength of the carrier."""
        return SPEED_OF_LIGHT_M_S / self.carrier_hz

    @property
    def ranges_m(self) -> np.ndarray:
        """Return the range of each point (point,), in metres."""
        return self.start_m + self.step_m * np.arange(self.points)


Radar = FmcwRadar | CwRadar | PulsedRadar


def derived_values(radar: Radar) -> dict[str, Any]:
    """Return what follows from a description, by name, for showing."""
    facts: dict[str, Any] = {"wavelength_m": radar.wavelength_m, "frame_rate_hz": radar.frame_rate_hz}
    if isinstance(radar, FmcwRadar):
        names = ("bandwidth_hz", "range_resolution_m", "max_range_m", "max_velocity_m_s", "velocity_resolution_m_s")
        facts |= {name: getattr(radar, name) for name in names}
        facts |= {name: getattr(radar, name) for name in ("samples", "n_chirps", "n_tx", "n_rx", "n_virtual")}
    elif isinstance(radar, PulsedRadar):
        facts |= {"first_range_m": radar.start_m, "last_range_m": float(radar.ranges_m[-1]), "points": radar.points}
        facts |= {"step_m": radar.step_m, "sweeps": radar.sweeps}
    return facts
