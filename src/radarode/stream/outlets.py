"""The far ends of a stream: sinks, none of which may end it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from radarode.stream.types import Sink, SourceFacts, Update


class Outlets:
    """Call sinks in another thread, one after the other; one that fails is told of, and called again all the same.

    A disk that is full may have space later, and a broker may come back: what waits meanwhile, and what is lost, is the
    sink's to say. Its error stands until a call succeeds.

    Args:
        sinks: take the updates.

    Attributes:
        errors: what went wrong, by the sink's name.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self.errors: dict[str, str] = {}
        self._sinks = [(f"{type(sink).__name__} {number + 1}", sink) for number, sink in enumerate(sinks)]

    async def begin(self, facts: SourceFacts) -> None:
        """Begin all of them, those that failed before as well."""
        self.errors.clear()
        await self._each(lambda sink: sink.begin(facts))

    async def write(self, update: Update) -> None:
        """Hand an update to all of them."""
        await self._each(lambda sink: sink.write(update))

    async def close(self) -> None:
        """Close all of them."""
        await self._each(lambda sink: sink.close(), mended=False)

    async def _each(self, call: Callable[[Sink], None], *, mended: bool = True) -> None:
        if self._sinks:
            await asyncio.to_thread(self._call, call, mended)

    def _call(self, call: Callable[[Sink], None], mended: bool) -> None:
        for name, sink in self._sinks:
            try:
                call(sink)
            except Exception as error:  # whatever it is, the stream goes on, and people are told
                self.errors[name] = " ".join(str(error).split()) or type(error).__name__
            else:
                if mended:
                    self.errors.pop(name, None)
