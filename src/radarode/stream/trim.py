"""Cut from an update what was given out before, as a stream that goes on from a saved state gives it out again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from radarode.core.constants import FS_HZ
from radarode.core.types import Beats
from radarode.stream.types import Update


def ends(update: Update) -> tuple[int, int, int, int]:
    """Return the numbers behind the last sample of motion, frame, drawn and settled sample."""
    return (
        update.rcg_first + update.rcg.shape[1],
        update.frames_first + update.frames.shape[1],
        update.drawn_first + len(update.drawn),
        update.settled_first + len(update.settled),
    )


def trimmed(update: Update, told: tuple[int, int, int, int]) -> Update | None:
    """Return what of an update is new, or None.

    Args:
        update: of a stream that goes on.
        told: `ends` of what was given out.
    """
    rcg, frames, drawn, settled = told
    new = replace(
        update,
        rcg_first=max(update.rcg_first, rcg),
        rcg=update.rcg[:, max(0, rcg - update.rcg_first) :],
        frames_first=max(update.frames_first, frames),
        frames=update.frames[:, max(0, frames - update.frames_first) :],
        drawn_first=max(update.drawn_first, drawn),
        drawn=update.drawn[max(0, drawn - update.drawn_first) :],
        drawn_beats=_behind(update.drawn_beats, drawn),
        settled_first=max(update.settled_first, settled),
        settled=update.settled[max(0, settled - update.settled_first) :],
        settled_beats=_behind(update.settled_beats, settled),
    )
    return new if new.rcg.size or new.frames.size or new.drawn.size or new.settled.size else None


def _behind(beats: Beats, sample: int) -> Beats:
    kept = np.asarray(beats.r_s) * FS_HZ >= sample - 0.5
    return Beats(beats.r_s[kept], beats.length_s[kept], beats.quality[kept])
