"""Streams computed in this process, on threads of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radarode.models.pretrained import Pretrained
from radarode.monitor.service import RunnerLike
from radarode.signal.timefrequency import make_transform
from radarode.stream.resume import ResumingRunner
from radarode.stream.spec import StreamSpec, mark_event, open_runner, recording_of
from radarode.stream.types import StreamSettings


class LocalEngine:
    """Compute streams in this process.

    Args:
        weights: of all streams.
        settings: of all streams.
    """

    def __init__(self, weights: Pretrained, settings: StreamSettings | None = None) -> None:
        self._weights, self._settings = weights, settings
        self.freqs_hz: NDArray[np.floating] = make_transform(**weights.transform).freqs_hz

    def runner(self, spec: StreamSpec) -> RunnerLike:
        """Return a fresh runner."""
        return open_runner(spec, self._weights, self._settings)

    def recording(self, runner: RunnerLike) -> Mapping[str, Any] | None:
        """Return path, bytes and error of what the runner records, or None."""
        assert isinstance(runner, ResumingRunner)
        return recording_of(runner)

    def mark(self, runner: RunnerLike, at_s: float, text: str) -> None:
        """Write an event into what the runner records."""
        assert isinstance(runner, ResumingRunner)
        mark_event(runner, at_s, text)

    async def close(self) -> None:
        """Do nothing: the threads end with the process."""
