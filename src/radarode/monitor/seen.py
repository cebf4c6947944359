"""What alarms and states take from updates."""

from __future__ import annotations

from collections import deque

import numpy as np

from radarode.core.constants import FS_HZ
from radarode.core.types import Beats
from radarode.monitor.alarms import Seen
from radarode.stream.types import Counts, Update

LOST_OVER_S = 60.0


class Losses:
    """Follow what share of the last minute's samples never arrived."""

    def __init__(self) -> None:
        self._known: deque[tuple[float, int, int]] = deque()

    def count(self, stream_s: float, counts: Counts) -> None:
        """Take an update's totals; totals that begin anew begin the minute anew."""
        if self._known and counts.samples < self._known[-1][1]:
            self._known.clear()
        self._known.append((stream_s, counts.samples, counts.lost_samples))
        while stream_s - self._known[0][0] > LOST_OVER_S:
            self._known.popleft()

    @property
    def share(self) -> float:
        """Share of samples that never arrived."""
        if len(self._known) < 2:
            return 0.0
        (_, samples, lost), (_, samples_now, lost_now) = self._known[0], self._known[-1]
        return round((lost_now - lost) / max(1, samples_now - samples), 4)


def seen_of(update: Update) -> Seen:
    """Return what alarms look at in an update."""
    known = int((~np.isnan(update.rcg)).any(axis=0).sum())
    return Seen(
        update.signal,
        update.heart_rate_bpm,
        update.rcg.shape[1] / FS_HZ,
        known / FS_HZ,
        _beat_age_s(update.drawn_beats, (update.drawn_first + len(update.drawn)) / FS_HZ),
    )


def _beat_age_s(beats: Beats, end_s: float) -> float | None:
    return max(0.0, end_s - float(beats.r_s[-1])) if len(beats) else None
