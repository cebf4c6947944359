"""A runner that goes on where another one was."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from radarode.models.pretrained import Pretrained
from radarode.stream.live import LiveStream
from radarode.stream.runner import Runner, RunState
from radarode.stream.types import Sink, Source, SourceFacts, StreamSettings


class ResumingRunner(Runner):
    """Go on with the stream of a runner that is gone, where the source is still what it was; else begin anew.

    Args:
        source: as of `Runner`.
        weights: the same as before.
        settings: of a stream that begins anew.
        sinks: begin anew in any case.
        saved: from `save` of the runner that is gone; None begins anew.

    Attributes:
        sinks: as given.
    """

    def __init__(
        self,
        source: Source,
        weights: Pretrained,
        settings: StreamSettings | None = None,
        sinks: Sequence[Sink] = (),
        saved: bytes | None = None,
    ) -> None:
        super().__init__(source, weights, settings, sinks)
        self.sinks = tuple(sinks)
        self._saved = saved

    async def _begin(self, facts: SourceFacts) -> None:
        saved, self._saved = self._saved, None
        if saved is not None and self._live is None:
            live = await self._compute(partial(LiveStream.load, saved, self._weights))
            if _alike(live.facts, facts):
                self._live, self._restarts = live, live.counts.restarts
                self.facts = facts
                self.state: RunState = "running"
                return await self._tell_beginning(facts)
        await super()._begin(facts)


def _alike(one: SourceFacts, other: SourceFacts) -> bool:
    """Return whether two sources send the same kind of motion."""
    return (one.channels, one.fs_hz, one.kind) == (other.channels, other.fs_hz, other.kind)
