"""Packets to consecutive RCG at 200 Hz: put in order, losses as NaN, nonsense refused, new beginnings noticed.

A packet that a source counts (`index`) or stamps (`device_s`) has a place on the source's own count of samples. What
comes early waits for what is missing, for `hold_s` at most; then the missing samples become NaN. A place far from the
expected one is believed once a second packet agrees: so one damaged number does not end a stream, and a source that
was restarted or was silent is followed at its second packet.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.types import LARGEST_RCG
from radarode.stream.clock import ClockState, drift_ppm, note_arrival
from radarode.stream.resampler import Resampler, ResamplerState
from radarode.stream.types import Packet, SourceFacts, StreamSettings

JUMP_S = 1.0
"""A packet farther from its expected place needs a second one that agrees."""

LONGEST_S = 120.0
"""A packet that claims to hold more is refused."""

FOLLOW_S = 5.0
"""Time in which the place by the source's clock follows its drift."""


@dataclass(slots=True)
class IngestState:
    """Hold where a stream stands.

    Attributes:
        resampler: of the way to RCG.
        next: place of the next sample, in samples of the source since its first.
        index_0: the source's index of place 0; None before its first packet or without a count.
        device_0_s: the source's time of place 0, following its drift; NaN without a clock.
        held: packets that wait for what is missing before them, by place, with when they came.
        suspect: a packet far from its place that waits for a second one.
        last_arrived_s: when the newest packet came; NaN before any.
        lost: samples at the source's rate that never arrived.
        late, refused: packets.
        clock: of the drift.
    """

    resampler: ResamplerState
    next: int = 0
    index_0: int | None = None
    device_0_s: float = float("nan")
    held: tuple[Packet, ...] = ()
    suspect: Packet | None = None
    last_arrived_s: float = float("nan")
    lost: int = 0
    late: int = 0
    refused: int = 0
    clock: ClockState = field(default_factory=ClockState)


class Ingest:
    """Take packets of one source and give out RCG; mutable, one thread at a time.

    Args:
        facts: what the source sends.
        settings: how long is waited for what.

    Attributes:
        state: everything that changes.
    """

    def __init__(self, facts: SourceFacts, settings: StreamSettings) -> None:
        self.facts, self.settings = facts, settings
        self.resampler = Resampler(facts.fs_hz, facts.kind, facts.channels)
        self.state = IngestState(self.resampler.start())

    @property
    def lost_samples(self) -> int:
        """Samples that never arrived, at 200 Hz."""
        return round(self.state.lost * FS_HZ / self.facts.fs_hz)

    @property
    def drift_ppm(self) -> float | None:
        """How much faster the source's clock runs than this machine's."""
        return drift_ppm(self.state.clock)

    def push(self, packet: Packet) -> tuple[NDArray[np.float32], tuple[Packet, ...]]:
        """Take one packet.

        Returns:
            The next RCG (channel, time), maybe empty; and, where the source began anew, the packets that the new
            stream begins with (the old one ends before them).
        """
        state, none = self.state, np.empty((self.facts.channels, 0), np.float32)
        if not readable(packet, self.facts):
            state.refused += 1
            return none, ()
        silent_s = packet.arrived_s - state.last_arrived_s
        if silent_s > self.settings.gap_restart_s:
            return none, (packet,)
        state.last_arrived_s = packet.arrived_s
        place = self._place(packet)
        if abs(place - state.next) > JUMP_S * self.facts.fs_hz:
            return self._far(packet, place)
        if state.suspect is not None:
            state.suspect, state.refused = None, state.refused + 1
        self._hold(packet, place)
        return self._release(packet.arrived_s), ()

    def finish(self) -> NDArray[np.float32]:
        """Return the RCG that is left when nothing follows."""
        if self.state.suspect is not None:
            self.state.suspect, self.state.refused = None, self.state.refused + 1
        head = self._release(float("inf"))
        none = np.empty((self.facts.channels, 0))
        self.state.resampler, tail = self.resampler.step(self.state.resampler, none, end=True)
        return np.concatenate([head, tail], axis=1)

    def _place(self, packet: Packet) -> int:
        """Return the place of a packet's first sample on the source's count."""
        state, fs_hz = self.state, self.facts.fs_hz
        if packet.index is not None:
            if state.index_0 is None:
                state.index_0 = packet.index - state.next
            return packet.index - state.index_0
        if packet.device_s is None:
            return state.next
        if np.isnan(state.device_0_s):
            state.device_0_s = packet.device_s - state.next / fs_hz
        exact = (packet.device_s - state.device_0_s) * fs_hz
        ends = [state.next, *(self._held_place(held) + held.motion.shape[1] for held in state.held)]
        nearest = min(ends, key=lambda end: abs(end - exact))
        if abs(nearest - exact) > max(1.5, 0.02 * fs_hz):
            return round(exact)
        follow = min(1.0, packet.motion.shape[1] / fs_hz / FOLLOW_S)
        state.device_0_s += follow * (exact - nearest) / fs_hz
        return nearest

    @staticmethod
    def _held_place(packet: Packet) -> int:
        """Return the place of a held packet, which is kept as its index."""
        assert packet.index is not None
        return packet.index

    def _hold(self, packet: Packet, place: int) -> None:
        """Put a packet among those that wait, without what is known already; a late or second one is counted."""
        state = self.state
        skip = max(0, state.next - place)
        if skip >= packet.motion.shape[1] or any(self._held_place(held) == place for held in state.held):
            state.late += 1
            return
        source_s = packet.device_s if packet.device_s is not None else place / self.facts.fs_hz
        length_s = packet.motion.shape[1] / self.facts.fs_hz
        state.clock = note_arrival(state.clock, packet.arrived_s, source_s + length_s)
        kept = replace(packet, motion=packet.motion[:, skip:], index=place + skip)
        state.held = tuple(sorted((*state.held, kept), key=self._held_place))

    def _release(self, now_s: float) -> NDArray[np.float32]:
        """Give out what is in order, and give up on what was waited for long enough."""
        state, parts = self.state, []
        hold = self.settings.hold_s * self.facts.fs_hz
        while state.held:
            oldest = state.held[0]
            place = self._held_place(oldest)
            waited = now_s - min(held.arrived_s for held in state.held) >= self.settings.hold_s
            spread = self._held_place(state.held[-1]) - place >= hold
            if place > state.next and not (waited or spread):
                break
            state.held = state.held[1:]
            motion = oldest.motion[:, max(0, state.next - place) :]
            if not motion.shape[1]:
                state.late += 1
                continue
            if place > state.next:
                parts.append(np.full((self.facts.channels, place - state.next), np.nan, np.float32))
            parts.append(motion)
            state.next = place + oldest.motion.shape[1]
        motion = np.concatenate(parts, axis=1) if parts else np.empty((self.facts.channels, 0), np.float32)
        state.lost += int(np.isnan(motion).all(axis=0).sum())
        state.resampler, rcg = self.resampler.step(state.resampler, motion)
        return rcg

    def _far(self, packet: Packet, place: int) -> tuple[NDArray[np.float32], tuple[Packet, ...]]:
        """Take a packet that is far from its place: believe it once a second one agrees."""
        state, fs_hz = self.state, self.facts.fs_hz
        before, state.suspect = state.suspect, packet
        none = np.empty((self.facts.channels, 0), np.float32)
        if before is None:
            return none, ()
        expected = self._place(before) + before.motion.shape[1]
        if abs(place - expected) > max(self.settings.hold_s * fs_hz, packet.motion.shape[1]):
            state.refused += 1
            return none, ()
        state.suspect = None
        jump = self._place(before) - state.next
        if jump < 0 or jump > self.settings.gap_restart_s * fs_hz:
            return none, (before, packet)
        head = self._release(float("inf"))
        self._hold(before, self._place(before))
        self._hold(packet, place)
        return np.concatenate([head, self._release(float("inf"))], axis=1), ()


def readable(packet: Packet, facts: SourceFacts) -> bool:
    """Tell whether a packet can be what the facts describe.

    Args:
        packet: from anywhere.
        facts: of its source.
    """
    motion = packet.motion
    if not isinstance(motion, np.ndarray) or motion.ndim != 2 or not np.issubdtype(motion.dtype, np.floating):
        return False
    if motion.shape[0] != facts.channels or not 1 <= motion.shape[1] <= LONGEST_S * facts.fs_hz:
        return False
    stamps = (packet.arrived_s, 0.0 if packet.device_s is None else packet.device_s)
    if not np.isfinite(stamps).all() or np.isinf(motion).any():
        return False
    return bool(np.nanmax(np.abs(motion), initial=0.0) <= LARGEST_RCG)
