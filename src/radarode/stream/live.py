"""One live stream: packets in, updates out. The whole chain, without a clock, a thread or a network of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.core.types import Beats
from radarode.models.pretrained import Pretrained
from radarode.stream.clock import ClockState
from radarode.stream.engine import Engine, EngineOutput, EngineState
from radarode.stream.ingest import Ingest, IngestState
from radarode.stream.state import from_bytes, to_bytes
from radarode.stream.types import Counts, Packet, SourceFacts, StreamSettings, Update


@dataclass(frozen=True, slots=True, eq=False)
class SavedStream:
    """Hold what `LiveStream.save` writes.

    Attributes:
        facts, settings: of the stream.
        network: what the weights must be.
        ingest, engine: where it stands.
        frames: given out so far.
        earlier: counts of what came before the last new beginning.
        finished: whether it ended.
    """

    facts: SourceFacts
    settings: StreamSettings
    network: str
    ingest: IngestState
    engine: EngineState
    frames: int
    earlier: Counts
    finished: bool


class LiveStream:
    """Reconstruct an ECG from packets as they come; one thread at a time.

    Args:
        weights: of radarODE-MTL.
        facts: what the source sends.
        settings: `None` takes the defaults.

    Attributes:
        facts: as last told.
        settings: of the stream.

    Raises:
        InputError: the weights cannot stream, or do not fit the channels; the rate is absurd.
    """

    def __init__(self, weights: Pretrained, facts: SourceFacts, settings: StreamSettings | None = None) -> None:
        self.settings = settings or StreamSettings()
        self._weights = weights
        self._earlier = Counts()
        self._begin(facts)

    def _begin(self, facts: SourceFacts) -> None:
        self.facts = facts
        self._engine = Engine(self._weights, facts.channels, self.settings)
        self._ingest = Ingest(facts, self.settings)
        self._state = self._engine.start()
        self._frames = 0
        self._finished = False

    @property
    def freqs_hz(self) -> NDArray[np.float64]:
        """(row,) frequencies of the spectrogram."""
        return self._engine.freqs_hz

    @property
    def received_s(self) -> float:
        """How much of the source was taken in, in seconds since its first sample."""
        return self._ingest.state.next / self.facts.fs_hz

    @property
    def finished(self) -> bool:
        """Whether `finish` ended it, and no packet came since."""
        return self._finished

    @property
    def counts(self) -> Counts:
        """Totals so far, those before new beginnings included; packets that a queue dropped are not known here."""
        ingest, earlier = self._ingest, self._earlier
        return Counts(
            samples=earlier.samples + self._state.samples,
            lost_samples=earlier.lost_samples + ingest.lost_samples,
            late_packets=earlier.late_packets + ingest.state.late,
            refused_packets=earlier.refused_packets + ingest.state.refused,
            restarts=earlier.restarts,
        )

    def push(self, packet: Packet) -> Update | None:
        """Take one packet; cheap as long as no hop is full.

        Returns:
            What is new, or None. Where the packet shows that the source began anew, the update ends the old stream,
            and the next one, whose `counts.restarts` is one higher, begins at 0.
        """
        if self._finished:
            self._renew(self.facts)
        rcg, rest = self._ingest.push(packet)
        if not rest:
            return self._step(rcg)
        update = self._step(rcg, end=True)
        self._renew(self.facts)
        for one in rest:  # too short to fill a hop, or else the part that is new waits for the next packet
            more, _ = self._ingest.push(one)
            self._state = replace(self._state, waiting=np.concatenate([self._state.waiting, more], axis=1))
        return update

    def finish(self) -> Update:
        """End the stream: draw and settle all that is there; a later packet begins anew."""
        update = self._step(np.empty((self.facts.channels, 0), np.float32), end=True)
        assert update is not None
        return update

    def restart(self, facts: SourceFacts) -> Update | None:
        """Begin anew, as the source told new facts.

        Args:
            facts: what it sends from now on.

        Returns:
            The end of the old stream; None if it had none.
        """
        update = None if self._finished or not self._state.samples else self.finish()
        self._renew(facts)
        return update

    def _renew(self, facts: SourceFacts) -> None:
        counts = self.counts
        self._begin(facts)
        self._earlier = replace(counts, restarts=counts.restarts + 1)

    def _step(self, rcg: NDArray[np.float32], *, end: bool = False) -> Update | None:
        if end:
            rcg = np.concatenate([rcg, self._ingest.finish()], axis=1)
        before = self._state
        self._state, outputs = self._engine.step(before, rcg, end=end)
        self._finished = self._finished or end
        if not outputs:
            return None
        update = self._update(before, outputs)
        self._frames += update.frames.shape[1]
        return update

    def _update(self, before: EngineState, outputs: list[EngineOutput]) -> Update:
        last = outputs[-1]
        return Update(
            rcg_first=before.samples,
            rcg=np.concatenate([one.rcg for one in outputs], axis=1),
            frames_first=self._frames,
            frames=np.concatenate([one.frames for one in outputs], axis=1),
            drawn_first=before.drawn.to,
            drawn=np.concatenate([one.drawn for one in outputs]),
            drawn_beats=_joined([one.drawn_beats for one in outputs]),
            settled_first=before.settled_to,
            settled=np.concatenate([one.settled for one in outputs]),
            settled_beats=_joined([one.settled_beats for one in outputs]),
            signal=last.signal,
            quality=last.quality,
            heart_rate_bpm=last.heart_rate_bpm,
            lag_s=last.lag_s,
            drift_ppm=self._ingest.drift_ppm,
            counts=self.counts,
        )

    def save(self) -> bytes:
        """Return everything that is needed to go on elsewhere; weights not included."""
        saved = SavedStream(
            self.facts,
            self.settings,
            _fingerprint(self._weights),
            self._ingest.state,
            self._state,
            self._frames,
            self._earlier,
            self._finished,
        )
        return to_bytes(saved)

    @classmethod
    def load(cls, data: bytes, weights: Pretrained) -> LiveStream:
        """Return the stream that was saved; it goes on as if nothing had happened.

        Args:
            data: from `save`.
            weights: the same as before.

        Raises:
            InputError: the bytes are no such state, or of other weights.
        """
        saved = from_bytes(SavedStream, data)
        if saved.network != _fingerprint(weights):
            raise InputError("the stream was saved with other weights. Load those, or begin the stream anew.")
        live = cls(weights, saved.facts, saved.settings)
        _check_shapes(live._state, saved.engine)
        live._ingest.state = saved.ingest
        # Arrival times are of a clock that another process does not share.
        live._ingest.state.clock, live._ingest.state.last_arrived_s = ClockState(), float("nan")
        live._state, live._frames = saved.engine, saved.frames
        live._earlier, live._finished = saved.earlier, saved.finished
        return live


def _joined(parts: list[Beats]) -> Beats:
    return Beats(*(np.concatenate([getattr(one, name) for one in parts]) for name in ("r_s", "length_s", "quality")))


def _fingerprint(weights: Pretrained) -> str:
    """Return what tells networks apart: framework, sizes, transform, scaling, and the sum of the parameters."""
    total = sum(float(value.double().abs().sum()) for value in weights.model.state_dict().values())
    parts = (weights.framework, weights.model.config.to_dict(), dict(weights.transform), weights.scaling)
    return f"{parts!r} {dict(weights.tasks)!r} {total:.6e}"


def _check_shapes(fresh: EngineState, saved: EngineState) -> None:
    """Refuse a state whose channels or rows are not those of its own facts."""
    pairs = (
        (fresh.waiting.shape[0], saved.waiting.shape[0]),
        (fresh.quick.frames.shape[:2], saved.quick.frames.shape[:2]),
        (fresh.settled.frames.shape[:2], saved.settled.frames.shape[:2]),
        (fresh.settled.transform.magnitudes.shape[::2], saved.settled.transform.magnitudes.shape[::2]),
        (fresh.quick.transform.magnitudes.shape[::2], saved.quick.transform.magnitudes.shape[::2]),
    )
    if any(tuple(np.atleast_1d(one)) != tuple(np.atleast_1d(other)) for one, other in pairs):
        raise InputError("the state of the stream does not fit its own facts. Begin the stream anew.")
