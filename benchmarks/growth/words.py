"""Sizes, times and memory for people."""

from __future__ import annotations

import math


def minutes(value: float) -> str:
    """Return a length in the unit that suits it.

    Example:
        >>> minutes(0.2), minutes(30), minutes(90), minutes(600)
        ('12 s', '30 min', '1.5 h', '10 h')
    """
    if value < 1:
        return f"{60 * value:.3g} s"
    return f"{value:.3g} min" if value < 60 else f"{value / 60:.3g} h"


def seconds(value: float) -> str:
    """Return a time in the unit that suits it.

    Example:
        >>> seconds(0.0123), seconds(4.0), seconds(150), seconds(60), seconds(2e-5)
        ('12.3 ms', '4 s', '2.5 min', '1 min', '0.02 ms')
    """
    if value < 1:
        return f"{1e3 * value:.3g} ms"
    if value < 60:
        return f"{value:.3g} s"
    return f"{value / 60:.3g} min" if value < 3600 else f"{value / 3600:.3g} h"


def megabytes(value: float) -> str:
    """Return memory in the unit that suits it.

    Example:
        >>> megabytes(512.3), megabytes(2048)
        ('512 MB', '2.00 GB')
    """
    return f"{value:.0f} MB" if value < 1024 else f"{value / 1024:.2f} GB"


def tick_megabytes(value: float) -> str:
    """Return memory for an axis: no decimals where there are none.

    Example:
        >>> tick_megabytes(200), tick_megabytes(2048)
        ('200 MB', '2 GB')
    """
    return f"{value:g} MB" if value < 1024 else f"{value / 1024:g} GB"


def two_decimals(value: float) -> str:
    """Return an exponent for people, without a minus before zero.

    Example:
        >>> two_decimals(1.013), two_decimals(-0.001)
        ('1.01', '0.00')
    """
    return f"{round(value, 2) + 0.0:.2f}"


def power(exponent: float) -> str:
    """Return how something grows with its size; with nothing to fit, a dash.

    Example:
        >>> power(1.013), power(float("nan"))
        ('size^1.01', '—')
    """
    return "—" if math.isnan(exponent) else f"size^{two_decimals(exponent)}"


def size_of(panel: str, value: float) -> str:
    """Return a size of a panel: a length in its unit, a number as it is."""
    return minutes(value) if panel == "length" else f"{value:g}"
