"""How a capture is judged, and what is known about it once it is open."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from radarode.core.errors import InputError


@dataclass(frozen=True)
class CaptureOptions:
    """Say how strictly a capture is judged, and what its file does not say.

    Attributes:
        layout: name of the reader, for files that several could read; None recognises it.
        max_lost: largest share of lost bytes.
        max_saturated: largest share of samples at full scale.
        check: compare the samples with other orders and sample counts, and refuse when another fits far better.
        from_first_packet: a packet log starts with the frame of its first packet, not at byte 0 of the stream.
        cft_axis: what the second axis of a CFT array (frame, 2, 3, 4, 256) is: "iq", or "chirps" for two loops over the
            transmitters; None takes complex arrays for loops, real ones for I and Q.

    Raises:
        InputError: a share is not within [0, 1].
    """

    layout: str | None = None
    max_lost: float = 0.2
    max_saturated: float = 0.01
    check: bool = True
    from_first_packet: bool = False
    cft_axis: Literal["iq", "chirps"] | None = None

    def __post_init__(self) -> None:
        for name in ("max_lost", "max_saturated"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError.of(name, "a share between 0 and 1", getattr(self, name))


@dataclass(frozen=True)
class PacketCounts:
    """Count the packets of a log.

    Attributes:
        received: those used.
        lost: those missing between the first and the last.
        repeated: those that came more than once, beyond the first time.
        reordered: those that came after a later one.
        damaged: those whose byte count contradicts their number.
    """

    received: int
    lost: int
    repeated: int
    reordered: int
    damaged: int


@dataclass(frozen=True)
class CaptureFacts:
    """What is known about a capture once it is open.

    Attributes:
        layout: name of the reader.
        n_frames: whole frames.
        lost: (frame,) share of each frame's bytes that is missing.
        saturated: share of samples at full scale, estimated on evenly spread frames; None where it cannot be told.
        packets: counts of a packet log; None for files without packets.
        dropped_bytes: an incomplete frame at the end, left out.
        warnings: what a person should know, one line each.
    """

    layout: str
    n_frames: int
    lost: np.ndarray = field(repr=False)
    saturated: float | None = None
    packets: PacketCounts | None = None
    dropped_bytes: int = 0
    warnings: tuple[str, ...] = field(default=())


def even_spread(n_frames: int, most: int) -> np.ndarray:
    """Return at most `most` frame indices, evenly spread over the capture.

    Example:
        >>> even_spread(10, 3).tolist()
        [0, 4, 9]
    """
    count = min(n_frames, most)
    return np.unique(np.linspace(0, n_frames - 1, count).round().astype(np.int64))


def check_shares(facts: CaptureFacts, options: CaptureOptions, what: str) -> None:
    """Raise `InputError` when too much is lost or saturated."""
    lost = float(facts.lost.mean()) if len(facts.lost) else 0.0
    if lost > options.max_lost:
        raise InputError(
            f"{what} lost {lost:.1%} of its bytes, more than max_lost = {options.max_lost:.1%}. "
            "Record it again, or allow more."
        )
    saturated = facts.saturated or 0.0
    if saturated > options.max_saturated or math.isnan(saturated):
        raise InputError(
            f"{what} is saturated: {saturated:.2%} of its samples stand at full scale, more than max_saturated = "
            f"{options.max_saturated:.2%}. Lower the gain and record again, or allow more."
        )
