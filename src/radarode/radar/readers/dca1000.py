"""Raw samples as mmWave Studio and the DCA1000 tools store them: a bare stream of int16, no header."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from radarode.core.errors import InputError
from radarode.radar.capture import Capture
from radarode.radar.capture_facts import CaptureOptions
from radarode.radar.description import Radar
from radarode.radar.readers.stream import StreamCapture, require_fmcw, stream_facts

NAME = "dca1000"
LAYOUT = "DCA1000 .bin: bare little-endian int16 samples, described by --radar"
SUFFIXES = (".bin",)
PRIORITY = 90


class RawCapture(StreamCapture):
    """Read frames of a bare stream, from their place in the file."""

    def values(self, first: int, count: int) -> np.ndarray:
        """Return `count` int16 numbers of the stream from number `first`."""
        values = np.fromfile(self.source, dtype="<i2", count=count, offset=2 * first) if count else np.empty(0, "<i2")
        if values.size != count:
            raise InputError(f"{self.source} became shorter while it was read. Open it again.")
        return values


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether the file is called .bin: bare samples have no mark of their own."""
    return path.suffix.lower() == ".bin"


def open(path: Path, radar: Radar | None, options: CaptureOptions) -> Capture:
    """Open a bare stream.

    Raises:
        InputError: no description, less than a frame, saturated, or the samples do not fit the description.
    """
    described = require_fmcw(radar, path.name)
    capture = RawCapture(described, path, stream_facts(NAME, path.stat().st_size, described, path.name))
    capture.judge(options)
    return capture
