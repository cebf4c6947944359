"""What the chain is told and what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.radar.choose import Score, Voxels
from radarode.radar.grid import VoxelGrid
from radarode.radar.person import RangeMap
from radarode.radar.range import Window
from radarode.radar.rates import Rates

FloatArray = NDArray[np.float64]

LEAST_ECG_HZ = 100.0
"""Below this frame rate only rates are reported, never an ECG.

The vibrations v1 and v2 that time the R peak reach 25 Hz. Sampling alone would ask for 50 to 60 frames/s; the second
derivative weighs the upper end of the band most and needs its neighbours free of aliases, and at 60 frames/s one
frame is 17 ms, as much as the timing error that is to be measured.
"""

FULL_HZ = 200.0
"""From this rate on nothing is lost: the published chain's own."""


@dataclass(frozen=True)
class ExtractSettings:
    """Say how motion is extracted.

    Attributes:
        points: most points; fewer where the radar gives fewer independent signals.
        exact: keep exactly `points`, for networks of a fixed number of channels; some then repeat others.
        grid: where to look; None puts MMECG's grid around the person.
        range_m: the person's range; None finds it.
        window: taper of the range transform.
        score: how voxels are scored, see `heart`.
        follow: search the focus anew every 10 s, for people who shift.
        seed: of the clustering.

    Raises:
        InputError: a value is out of range.
    """

    points: int = 50
    exact: bool = False
    grid: VoxelGrid | None = None
    range_m: float | None = None
    window: Window = "hann"
    score: Score = "repetition"
    follow: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.points <= 1000:
            raise InputError.of("points", "between 1 and 1000", self.points)
        if self.range_m is not None and not 0 < self.range_m < 100:
            raise InputError.of("range_m", "between 0 and 100 m", self.range_m)


@dataclass(frozen=True, slots=True, eq=False)
class Extracted:
    """Hold the motion of points on a chest.

    Attributes:
        displacement_m: (point, frame) away from the radar; NaN in gaps.
        fs_hz: frames per second.
        positions_m: (point, 3) at the start.
        lost: (frame,) True in gaps: where more was lost than could be bridged.
        map: what moves at which range; None for a continuous-wave radar.
        voxels: scores of all voxels or range points; None for a continuous-wave radar.
        grid: the voxels' grid; None without one.
        path_m: (block, 3) the focus over time.
        edges: (block + 1,) frames at which the blocks of `path_m` begin and end.
        rates: breathing and heart rate; None for less than 10 s.
        simulated: whether the capture is simulated.
        warnings: what a person should know, one line each.
        facts: further facts, as short strings.
    """

    displacement_m: FloatArray
    fs_hz: float
    positions_m: FloatArray
    lost: NDArray[np.bool_]
    map: RangeMap | None
    voxels: Voxels | None
    grid: VoxelGrid | None
    path_m: FloatArray
    edges: NDArray[np.int64]
    rates: Rates | None
    simulated: bool
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def rate_only(self) -> bool:
        """Return whether the frame rate is too low for an ECG."""
        return self.fs_hz < LEAST_ECG_HZ
