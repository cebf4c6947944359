"""Record a stream into files that can be read at any moment, also after the power went: WFDB or EDF+.

A file holds the ECG and the motion signal that moved most at its start, at 200 Hz, with the beats as annotations. The
drawn ECG is written at once and replaced by the settled one as that arrives. Samples are written without buffering;
what a reader sees lacks at most 1.5 s of what was drawn (WFDB: the header is renewed once a second; EDF+: the last
second, until it is whole), and the disk is asked to keep it once a second.

When the disk is full, `write` raises and the files stay as they are. One minute waits in memory for space; what is
older is lost and counted, and recording goes on in a new file.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.files import refuse_existing_file
from radarode.stream.sinks.segment import Head, SegmentFile, strongest
from radarode.stream.sinks.segment_edf import EdfSegment
from radarode.stream.sinks.segment_wfdb import WfdbSegment
from radarode.stream.sinks.timeline import STEP, Timeline, Window
from radarode.stream.types import SourceFacts, Update

Format = Literal["wfdb", "edf"]
KINDS: dict[str, Callable[[Path, Head], SegmentFile]] = {"wfdb": WfdbSegment, "edf": EdfSegment}
MOST_MARKS = 1000
"""Marks that wait for their samples."""

SYNC_S = 0.9
"""Least time between two requests that the disk keep what it has."""


class Recorder:
    """Write a stream into FOLDER/SOURCE-DATE-TIME.*, a new file every `segment_min` and at every restart.

    Args:
        folder: created if it is not there; what is in it stays.
        format: "wfdb" or "edf".
        segment_min: length of a file in minutes.

    Attributes:
        path: the file that is written now (for WFDB its header), or None.
        error: why the last write failed, or None.

    Raises:
        InputError: unknown format, a length out of range, or a folder that cannot be used.
    """

    def __init__(self, folder: Path | str, format: Format = "wfdb", *, segment_min: float = 60.0) -> None:
        if format not in KINDS:
            raise InputError.of("format", f"one of {', '.join(KINDS)}", repr(format))
        if not 0.05 <= segment_min <= 24 * 60:
            raise InputError.of("segment_min", "between 0.05 and 1440 minutes", segment_min)
        self.folder, self.format = Path(folder), format
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"{self.folder} is a file. Name a folder to record into.")
        refuse_existing_file(self.folder / ".recording")
        self.folder.mkdir(parents=True, exist_ok=True)
        if format == "wfdb":
            import wfdb  # noqa: F401  (takes a second, which the first samples should not wait for)
        self._length = round(60 * segment_min) * STEP
        self._segments: list[SegmentFile] = []
        self._timeline = Timeline(1)
        self._facts: SourceFacts | None = None
        self._earlier = [0, 0]  # bytes and lost samples before the files at work
        self._synced_s = float("-inf")
        self._marks: deque[tuple[int, str]] = deque(maxlen=MOST_MARKS)
        self.path: Path | None = None
        self.error: str | None = None

    @property
    def lost_samples(self) -> int:
        """Return how many samples no file has because the disk was full."""
        return self._earlier[1] + self._timeline.lost

    def status(self) -> dict[str, Any]:
        """Return path, bytes of all files so far, error and lost samples."""
        size = self._earlier[0] + sum(segment.bytes for segment in self._segments)
        path = None if self.path is None else str(self.path)
        return {"path": path, "bytes": size, "error": self.error, "lost_samples": self.lost_samples}

    def begin(self, facts: SourceFacts) -> None:
        """Begin, or end the files at work and begin new ones.

        Raises:
            OSError: the files at work could not be finished.
        """
        try:
            self.close()
        finally:
            self._facts, self._timeline = facts, Timeline(facts.channels)

    def write(self, update: Update) -> None:
        """Take an update.

        Raises:
            OSError: the disk is full or gone; what is in the files stays readable.
        """
        if self._facts is None:
            return
        self._timeline.add(update)
        self._guarded(self._store)

    def mark(self, at_s: float, text: str) -> None:
        """Note what a person wrote about a moment of the stream; any thread may call it."""
        self._marks.append((round(at_s * FS_HZ), text))

    def close(self) -> None:
        """Finish the files; may be called more than once.

        Raises:
            OSError: the last samples could not be written; they are counted as lost.
        """
        if self._facts is None:
            return
        end = self._timeline.window().end
        try:
            if end > self._timeline.written:
                self._guarded(self._store)
        finally:
            try:
                with contextlib.suppress(OSError):
                    self._put_marks(last=True)
                self._end(len(self._segments))
            finally:
                self._earlier[1] += self._timeline.lost + max(0, end - self._timeline.written)
                self._facts, self._timeline = None, Timeline(1)
                self._marks.clear()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            self.error = f"{error.strerror or error} ({self.folder})"
            raise
        self.error = None

    def _store(self) -> None:
        """Write everything that is not final, file by file, and let go of what is."""
        timeline = self._timeline
        try:
            self._put(timeline.window())
            self._put_marks()
        except OSError:
            if self.error is None:
                self._sync_all(quietly=True)  # what was written before is told of where that is possible
            raise
        if time.monotonic() - self._synced_s >= SYNC_S:
            self._sync_all()
            self._synced_s = time.monotonic()
        while len(self._segments) > 1 and timeline.final >= self._segments[0].end:
            self._end(1)
        timeline.forget(timeline.final)

    def _put(self, window: Window) -> None:
        start = window.first
        while start < window.end:
            segment = self._segment(start, window)
            stop = min(window.end, (segment.head.first // self._length + 1) * self._length)
            try:
                segment.put(window.cut(start, stop))
                self.path = segment.path
            finally:
                self._timeline.written = max(self._timeline.written, segment.kept)
            start = stop

    def _sync_all(self, *, quietly: bool = False) -> None:
        for segment in self._segments:
            with contextlib.suppress(*([OSError] if quietly else [])):
                segment.sync()

    def _put_marks(self, *, last: bool = False) -> None:
        """Write the marks whose samples are written; at the end all of them."""
        for _ in range(len(self._marks) if self._segments else 0):
            sample, text = self._marks.popleft()
            if sample >= self._timeline.written and not last:
                self._marks.append((sample, text))
                continue
            segment = next((one for one in reversed(self._segments) if one.head.first <= sample), self._segments[0])
            if sample < segment.head.first:
                text = f"{text} (at {sample / FS_HZ:.1f} s of the stream)"
            segment.mark(min(max(sample, segment.head.first), segment.end - 1), text)

    def _segment(self, start: int, window: Window) -> SegmentFile:
        """Return the file that holds a sample; a new one behind the last, or behind samples that were lost."""
        for segment in self._segments:
            same = segment.head.first // self._length == start // self._length
            if same and segment.head.first <= start <= segment.end:
                return segment
        made = KINDS[self.format](self.folder, self._head(start, window))
        self._segments.append(made)
        return made

    def _head(self, first: int, window: Window) -> Head:
        assert self._facts is not None
        channel, scale = strongest(self._timeline.recent_motion())
        started = datetime.now() - timedelta(seconds=(window.end - first) / FS_HZ)
        source = re.sub(r"[^-\w]+", "_", self._facts.name, flags=re.ASCII).strip("_")[:40] or "stream"
        name = stem = f"{source}-{started:%Y%m%d-%H%M%S}"
        number = 2
        while any(self.folder.glob(f"{name}.*")):
            name, number = f"{stem}-{number}", number + 1
        return Head(name, first, started, self._facts.name, self._facts.simulated, channel, scale)

    def _end(self, count: int) -> None:
        """Close the first files; each is let go of even where its last state cannot be written."""
        ended, self._segments = self._segments[:count], self._segments[count:]
        failure = None
        for segment in ended:
            try:
                segment.close()
            except OSError as error:
                failure = error
            self._earlier[0] += segment.bytes
            self._timeline.written = max(self._timeline.written, segment.kept)
        if failure is not None:
            raise failure
