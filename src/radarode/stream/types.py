"""What flows through a live stream: packets of motion in, updates of an ECG out, and the faces of both ends.

    source ─ Packet ─► queue ─► ingest (200 Hz RCG) ─► engine ─ Update ─► sinks, viewers

Times of an update are in seconds since the stream's first sample (its *stream time*); sample k of motion and ECG stands
at k / 200 s, spectrogram frame k at k / 30 s, as offline.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.core.types import Beats, Motion

Signal = Literal["warming up", "no signal", "no heartbeat", "ok"]
"""What a stream sees: not yet enough; no motion arrives; motion without a heartbeat; a heartbeat."""


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """Hold some samples of motion as a source hands them over.

    Attributes:
        motion: (channel, time) float32; NaN where the source knows that samples are missing.
        arrived_s: when it arrived, on this machine's `time.monotonic`.
        index: number of its first sample on the source's own count, which tells losses and reordering; None where the
            source does not count.
        device_s: time of its first sample on the source's clock, which tells drift and losses; None without one.
    """

    motion: NDArray[np.float32]
    arrived_s: float
    index: int | None = None
    device_s: float | None = None


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """Describe what a source sends.

    Attributes:
        name: for people, unique within a service.
        channels: number of motion signals.
        fs_hz: nominal rate.
        kind: displacement, velocity or acceleration.
        simulated: whether the motion is simulated, which every display and file must say.
        warnings: what a person should know, one line each.
    """

    name: str
    channels: int
    fs_hz: float
    kind: Motion
    simulated: bool = False
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.channels <= 1024:
            raise InputError.of("channels", "between 1 and 1024", self.channels)


class Source(Protocol):
    """Hand over packets until it ends. What it described may change later: it then yields new facts first."""

    def packets(self) -> AsyncIterator[SourceFacts | Packet]:
        """Yield `SourceFacts` first (again whenever rate or channels change, or the source restarts), then packets.

        Raises:
            InputError: the source cannot be reached or sends what nobody can read; one clear line.
        """
        ...

    def lost(self) -> int:
        """Return how many packets the source knows to be lost or unusable so far."""
        ...


@dataclass(frozen=True, slots=True)
class Counts:
    """Count what happened to a stream's samples and packets; nothing is dropped silently.

    Attributes:
        samples: at 200 Hz, so far, gaps included.
        lost_samples: at 200 Hz, those that never arrived.
        late_packets: packets that came too late to be used, or twice.
        dropped_packets: packets that this machine was too slow for.
        refused_packets: packets that could not be read, or contradict the source's facts.
        restarts: times the stream began anew: the source restarted, or its rate or channels changed.
    """

    samples: int = 0
    lost_samples: int = 0
    late_packets: int = 0
    dropped_packets: int = 0
    refused_packets: int = 0
    restarts: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """Hold what a step of the stream adds. All parts are consecutive from one update to the next.

    The ECG is given twice: *drawn* soon, `StreamSettings.draw_after_s` behind the motion, for eyes; and *settled* once
    nothing that arrives later can change it, for files; the settled one equals the offline reconstruction.

    Attributes:
        rcg_first: number of the first sample of `rcg`.
        rcg: (channel, time) motion at 200 Hz, NaN in gaps.
        frames_first: number of the first frame of `frames`.
        frames: (row, frame) mean spectrogram magnitude over the channels that carry motion.
        drawn_first: number of the first sample of `drawn`.
        drawn: (time,) ECG, nominally in [0, 1], NaN in gaps.
        drawn_beats: beats whose R peak lies in `drawn`.
        settled_first: number of the first sample of `settled`.
        settled: (time,) ECG.
        settled_beats: beats whose R peak lies in `settled`.
        signal: what the stream sees now.
        quality: of the beats of the last 10 s, in [0, 1]; 0 without any.
        heart_rate_bpm: from the beats of the last 10 s; None where quality does not carry one.
        lag_s: how far the end of `drawn` is behind the newest sample; a runner adds how long that one waited for the
            network.
        drift_ppm: how much faster the source's clock runs than this machine's; None where not known yet.
        counts: totals so far.
    """

    rcg_first: int
    rcg: NDArray[np.float32]
    frames_first: int
    frames: NDArray[np.float32]
    drawn_first: int
    drawn: NDArray[np.float32]
    drawn_beats: Beats
    settled_first: int
    settled: NDArray[np.float32]
    settled_beats: Beats
    signal: Signal
    quality: float
    heart_rate_bpm: float | None
    lag_s: float
    drift_ppm: float | None = None
    counts: Counts = field(default_factory=Counts)


class Sink(Protocol):
    """Take updates somewhere: a file, a network."""

    def begin(self, facts: SourceFacts) -> None:
        """Begin, or begin anew behind a restart."""
        ...

    def write(self, update: Update) -> None:
        """Take one update.

        Raises:
            InputError, OSError: it cannot be taken (a full disk); the stream goes on and tells.
        """
        ...

    def close(self) -> None:
        """Finish; may be called more than once."""
        ...


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Say how a stream is reconstructed.

    Attributes:
        hop_s: time between network calls.
        draw_after_s: how far the drawn ECG is behind the newest motion.
        hold_s: how long a missing packet is waited for.
        gap_restart_s: silence after which the stream begins anew instead of filling a gap.
        queue_s: motion that may wait; what is older is dropped and counted.
        min_quality: below it no heart rate is given.
    """

    hop_s: float = 0.5
    draw_after_s: float = 2.5
    hold_s: float = 0.25
    gap_restart_s: float = 30.0
    queue_s: float = 10.0
    min_quality: float = 0.3

    def __post_init__(self) -> None:
        for name, low, high in (
            ("hop_s", 0.1, 2.0),
            ("draw_after_s", 1.0, 10.0),
            ("hold_s", 0.0, 5.0),
            ("gap_restart_s", 1.0, 3600.0),
            ("queue_s", 1.0, 600.0),
            ("min_quality", 0.0, 1.0),
        ):
            if not low <= getattr(self, name) <= high:
                raise InputError.of(name, f"between {low:g} and {high:g}", getattr(self, name))
