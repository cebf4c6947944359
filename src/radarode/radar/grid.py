"""Where to look: a grid of voxels in front of the radar, and the paths of the signal to them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.radar.description import FmcwRadar

FloatArray = NDArray[np.float64]

_LARGEST = 200_000
_EXTENT_WAVELENGTHS = 0.25


@dataclass(frozen=True)
class VoxelGrid:
    """Describe a box of points; the default is MMECG's, 9 x 17 x 9 = 1377 points.

    Attributes:
        x_m, y_m, z_m: first and last coordinate of each axis (right, up, away from the radar).
        shape: points along x, y and z; a single point stands in the middle.

    Raises:
        InputError: limits out of order, or an absurd number of points.
    """

    x_m: tuple[float, float] = (-0.4, 0.4)
    y_m: tuple[float, float] = (-0.4, 0.4)
    z_m: tuple[float, float] = (0.35, 0.6)
    shape: tuple[int, int, int] = (9, 17, 9)

    def __post_init__(self) -> None:
        for name in ("x_m", "y_m", "z_m"):
            low, high = getattr(self, name)
            if not -100 <= low <= high <= 100:
                raise InputError.of(name, "two increasing coordinates in metres", (low, high))
        if min(self.shape) < 1 or int(np.prod(self.shape)) > _LARGEST:
            raise InputError.of("shape", f"three numbers of points, at most {_LARGEST} in all", self.shape)

    @property
    def axes_m(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the coordinates along x, y and z."""
        x, y, z = (
            np.linspace(*limits, count) if count > 1 else np.array([sum(limits) / 2])
            for limits, count in zip((self.x_m, self.y_m, self.z_m), self.shape, strict=True)
        )
        return x, y, z

    @property
    def points_m(self) -> FloatArray:
        """Return (voxel, 3), z fastest."""
        return np.stack(np.meshgrid(*self.axes_m, indexing="ij"), axis=-1).reshape(-1, 3)


def grid_around(radar: FmcwRadar, range_m: float, side_m: float = 0.0) -> VoxelGrid:
    """Return a grid for a chest whose nearest strong reflection is at a range.

    As large and as fine as MMECG's, from 0.10 m before to 0.15 m behind. A direction in which the antennas have no
    extent cannot be resolved, so it has a single point, straight ahead.

    Args:
        radar: its antennas.
        range_m: of the reflection.
        side_m: x of the middle of the grid, for a person who stands to the side.
    """
    extent = np.ptp(radar.virtual_m, axis=0)
    resolved = extent > _EXTENT_WAVELENGTHS * radar.wavelength_m
    plain = VoxelGrid()
    ahead_m = math.sqrt(max(0.0, range_m**2 - side_m**2))
    near = max(0.5 * radar.range_resolution_m, ahead_m - 0.10)
    return VoxelGrid(
        x_m=(plain.x_m[0] + side_m, plain.x_m[1] + side_m) if resolved[0] else (0.0, 0.0),
        y_m=plain.y_m if resolved[1] else (0.0, 0.0),
        z_m=(near, near + 0.25),
        shape=(plain.shape[0] if resolved[0] else 1, plain.shape[1] if resolved[1] else 1, plain.shape[2]),
    )


def round_trips_m(points_m: FloatArray, radar: FmcwRadar) -> FloatArray:
    """Return (point, virtual) the lengths transmitter -> point -> receiver, exact in the near field.

    Args:
        points_m: (point, 3).
        radar: its antennas.
    """
    to_tx, to_rx = (
        np.linalg.norm(points_m[:, None] - np.array(places, dtype=np.float64), axis=-1)
        for places in (radar.tx_m, radar.rx_m)
    )
    return (to_tx[:, :, None] + to_rx[:, None, :]).reshape(len(points_m), -1)


def check_in_view(points_m: FloatArray, radar: FmcwRadar) -> None:
    """Raise `InputError` when points lie behind the radar or farther than it can tell."""
    farthest = float(round_trips_m(points_m, radar).max()) / 2
    if farthest > radar.max_range_m:
        raise InputError(
            f"the grid reaches {farthest:.2f} m, behind the {radar.max_range_m:.2f} m that {radar.name} can see with "
            "its sampling rate. Choose a nearer grid."
        )
    if float(points_m[:, 2].min()) <= 0:
        raise InputError(f"the grid reaches z = {points_m[:, 2].min():.2f} m; only z > 0 lies in front of the radar.")
