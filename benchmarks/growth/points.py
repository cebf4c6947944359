"""Measured points, and what they say about growth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Point:
    """Hold the cost of one size.

    Attributes:
        series: what was run.
        size: in units of the series' panel.
        seconds: median over the repetitions.
        repeats: how many.
        peak_mb: peak resident memory of the process, the imports included.
        base_mb: resident memory once everything was imported.
    """

    series: str
    size: float
    seconds: float
    repeats: int
    peak_mb: float
    base_mb: float

    @property
    def above_mb(self) -> float:
        """Memory above that of the imports: input, network and work."""
        return self.peak_mb - self.base_mb


def by_series(points: Iterable[Point]) -> dict[str, list[Point]]:
    """Return the points of each series in order of size."""
    found: dict[str, list[Point]] = {}
    for point in sorted(points, key=lambda one: one.size):
        found.setdefault(point.series, []).append(point)
    return found


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return p of values ~ size^p, fitted to the logarithms over the upper half of the sizes.

    Args:
        sizes: increasing.
        values: the cost at each; NaN comes back if one of those fitted is not positive, or if there is only one.

    Example:
        >>> round(exponent([1, 2, 4, 8], [9.0, 9.0, 16.0, 64.0]), 6)
        2.0
    """
    first = min(len(sizes) // 2, max(len(sizes) - 2, 0))
    x, y = np.asarray(sizes[first:], dtype=float), np.asarray(values[first:], dtype=float)
    if len(x) < 2 or (y <= 0).any():
        return math.nan
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


@dataclass(frozen=True, slots=True)
class Growth:
    """Hold what a series says.

    Attributes:
        first: its smallest point.
        last: its largest point.
        time_exponent, memory_exponent: over the upper half of the sizes; memory above that of the imports.
    """

    first: Point
    last: Point
    time_exponent: float
    memory_exponent: float

    @property
    def seconds_per_unit(self) -> float:
        """Time per unit at the largest size."""
        return self.last.seconds / self.last.size

    @classmethod
    def of(cls, points: Sequence[Point]) -> Growth:
        """Fit the points of one series, in order of size."""
        sizes = [one.size for one in points]
        time_exponent = exponent(sizes, [one.seconds for one in points])
        return cls(points[0], points[-1], time_exponent, exponent(sizes, [one.above_mb for one in points]))
