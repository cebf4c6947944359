"""From the scores of single recordings to one figure per metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from radarode.metrics.summary import METRICS

MEANS = ("f1", "precision", "recall", "mdr", "coverage")
"""Shares of beats or time: their mean over recordings is taken, for the median of a rare event is 0."""


def figures(scores: Sequence[Mapping[str, float | None]]) -> dict[str, float]:
    """Bring the recordings' scores of one column to one figure per metric: the median, or the mean of `MEANS`.

    Args:
        scores: metric -> value; what is missing, None or NaN is undefined and left out.

    Example:
        >>> found = figures([{"pcc": 0.5, "mdr": 0.0}, {"pcc": 0.7, "mdr": 0.0}, {"pcc": 0.8, "mdr": 0.3}])
        >>> found["pcc"], round(found["mdr"], 3)
        (0.7, 0.1)
    """
    found = {}
    for name in METRICS:
        values = _defined(scores, name)
        reduce = np.mean if name in MEANS else np.median
        found[name] = float(reduce(values)) if values else math.nan
    return found


def undefined(scores: Sequence[Mapping[str, float | None]]) -> dict[str, int]:
    """Count, for each metric, the recordings in which it is undefined; metrics without any are left out."""
    counts = {name: len(scores) - len(_defined(scores, name)) for name in METRICS}
    return {name: count for name, count in counts.items() if count}


def _defined(scores: Sequence[Mapping[str, float | None]], name: str) -> list[float]:
    values = [one.get(name) for one in scores]
    return [value for value in values if value is not None and math.isfinite(value)]
