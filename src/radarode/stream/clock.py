"""How fast a source's clock runs against this machine's, from when packets arrive.

Packets are delayed, never early, so within every few seconds the least delayed one says where the source's clock
stands; the drift is the median slope between those (Theil and Sen), which single stalls do not move.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

BIN_S = 5.0
MOST_BINS = 60
FEWEST_BINS = 7
MOST_PPM = 20_000.0
"""More is not a clock that drifts but a recording replayed at another speed."""


@dataclass(frozen=True, slots=True, eq=False)
class ClockState:
    """Hold the least delayed packet of each stretch of `BIN_S`.

    Attributes:
        arrived_s: (bin,) when it arrived.
        lead_s: (bin,) the source's time minus that.
        bin_began_s: when the newest stretch began; NaN before any packet.
    """

    arrived_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    lead_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    bin_began_s: float = float("nan")


def note_arrival(state: ClockState, arrived_s: float, source_s: float) -> ClockState:
    """Take in one packet.

    Args:
        state: the packets so far; it is not changed.
        arrived_s: when it arrived, on this machine's clock.
        source_s: time of its last sample on the source's clock, or by the source's count.
    """
    lead_s = source_s - arrived_s
    if not np.isfinite(state.bin_began_s) or arrived_s - state.bin_began_s >= BIN_S:
        kept = slice(-(MOST_BINS - 1), None)
        return ClockState(np.append(state.arrived_s[kept], arrived_s), np.append(state.lead_s[kept], lead_s), arrived_s)
    if lead_s <= state.lead_s[-1]:
        return state
    arrived, lead = state.arrived_s.copy(), state.lead_s.copy()
    arrived[-1], lead[-1] = arrived_s, lead_s
    return replace(state, arrived_s=arrived, lead_s=lead)


def drift_ppm(state: ClockState) -> float | None:
    """Return how much faster the source's clock runs, in parts per million; None before half a minute.

    Example:
        >>> state = ClockState()
        >>> for k in range(600):
        ...     state = note_arrival(state, 0.1 * k, 0.1 * k * (1 + 80e-6))
        >>> round(drift_ppm(state))
        80
    """
    if len(state.arrived_s) < FEWEST_BINS:
        return None
    first, second = np.triu_indices(len(state.arrived_s), k=1)
    apart = state.arrived_s[second] - state.arrived_s[first]
    far = apart > BIN_S
    slopes = (state.lead_s[second] - state.lead_s[first])[far] / apart[far]
    ppm = 1e6 * float(np.median(slopes)) if len(slopes) else float("inf")
    return ppm if abs(ppm) <= MOST_PPM else None
