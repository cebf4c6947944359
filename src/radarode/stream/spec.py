"""A stream described in words, and its runner: where it comes from, where it goes, where it goes on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from radarode.core.errors import InputError
from radarode.models.pretrained import Pretrained
from radarode.stream.live import LiveStream
from radarode.stream.resume import ResumingRunner
from radarode.stream.sinks import open_sink
from radarode.stream.sources import open_source
from radarode.stream.types import StreamSettings


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """Describe a stream.

    Attributes:
        name: for people and files, unique within a service.
        source: text of a source, as `open_source` reads it.
        options: of the source.
        sinks: texts of sinks, as `open_sink` reads them.

    Raises:
        InputError: a name that cannot be shown.
    """

    name: str
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    sinks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w[\w .:+-]{0,39}", self.name):
            raise InputError.of("name", "1 to 40 letters, digits, spaces or any of _ . : + -", repr(self.name))


def open_runner(
    spec: StreamSpec, weights: Pretrained, settings: StreamSettings | None = None, saved: bytes | None = None
) -> ResumingRunner:
    """Return a runner of a stream, not started.

    Args:
        spec: the stream.
        weights: of the network.
        settings: of the stream.
        saved: from `Runner.save`, to go on where that was; a replay goes on at that place of the file, other sources
            where they are now.

    Raises:
        InputError: the source or a sink cannot be what the texts say.
    """
    source = open_source(spec.source, **spec.options)
    if saved is not None and hasattr(source, "start_s"):
        source.start_s = LiveStream.load(saved, weights).received_s  # type: ignore[attr-defined]
    return ResumingRunner(source, weights, settings, [open_sink(text) for text in spec.sinks], saved)


def recording_of(runner: ResumingRunner) -> dict[str, Any] | None:
    """Return what a runner records, or None where there is nothing to tell.

    Returns:
        path, bytes, error and lost_samples of the first sink that records (None, 0, None and 0 without one), and
        sink_errors: what is wrong with the other sinks, or None.
    """
    errors = dict(runner.sink_errors)
    found: dict[str, Any] = {}
    for number, sink in enumerate(runner.sinks):
        status = getattr(sink, "status", None)
        if status is not None:
            found = status()
            own = errors.pop(f"{type(sink).__name__} {number + 1}", None)
            found["error"] = found["error"] or own  # a bug is told by the runner alone
            break
    others = "; ".join(errors.values()) or None
    if not found and others is None:
        return None
    return {"path": None, "bytes": 0, "error": None, "lost_samples": 0, **found, "sink_errors": others}


def mark_event(runner: ResumingRunner, at_s: float, text: str) -> None:
    """Write an event into what a runner records."""
    for sink in runner.sinks:
        mark = getattr(sink, "mark", None)
        if mark is not None:
            mark(at_s, text)
