"""A capture whose file is one long stream of TI samples, with or without packets around it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import numpy as np

from radarode.core.errors import InputError
from radarode.radar.capture import Capture
from radarode.radar.capture_facts import CaptureFacts, CaptureOptions, check_shares, even_spread
from radarode.radar.description import FmcwRadar, Radar
from radarode.radar.readers.consistency import check_consistency
from radarode.radar.readers.lanes import decode_lanes, frame_bytes, frame_values, full_scale

_PROBED_BYTES = 32 * 2**20
_PROBED_FRAMES = 512


class StreamCapture(Capture):
    """Read frames from a stream of little-endian int16 numbers."""

    radar: FmcwRadar

    @abstractmethod
    def values(self, first: int, count: int) -> np.ndarray:
        """Return `count` int16 numbers of the stream from number `first`; lost ones are 0."""

    def _read(self, first: int, last: int) -> np.ndarray:
        size = frame_values(self.radar)
        return decode_lanes(self.values(first * size, (last - first) * size), self.radar)

    def judge(self, options: CaptureOptions) -> None:
        """Measure saturation and check shares and order; sets `facts`.

        Raises:
            InputError: too much is lost or saturated, or the samples do not fit the description.
        """
        facts = replace(self.facts, saturated=self._saturated())
        check_shares(facts, options, self.source.name)
        warnings: tuple[str, ...] = ()
        if options.check:
            whole = self.n_frames * frame_values(self.radar)
            n_values = whole + self.facts.dropped_bytes // 2
            warnings = check_consistency(self.values, n_values, self.radar, self.source.name)
        self.facts = replace(facts, warnings=(*facts.warnings, *warnings))

    def _saturated(self) -> float:
        """Return the share of numbers at full scale among those received, on evenly spread frames."""
        size = frame_values(self.radar)
        frames = even_spread(self.n_frames, min(_PROBED_FRAMES, max(1, _PROBED_BYTES // (2 * size))))
        shares = [full_scale(self.values(first * size, size), self.radar) for first in frames]
        received = 1 - self.lost[frames].mean()
        return float(np.mean(shares) / received) if received > 0 else 0.0


def require_fmcw(radar: Radar | None, what: str) -> FmcwRadar:
    """Return the description of a chirping radar, which raw TI data cannot do without.

    Raises:
        InputError: there is none, or it is of another kind.
    """
    if radar is None:
        raise InputError(
            f"{what} does not describe its radar. Name a preset, a TOML file or the .cfg it was recorded with."
        )
    if not isinstance(radar, FmcwRadar):
        raise InputError(f"{what} comes from a chirping radar; {radar.name} describes a {radar.kind} radar.")
    return radar


def whole_frames(n_bytes: int, radar: FmcwRadar, what: str) -> tuple[int, int, tuple[str, ...]]:
    """Return (whole frames, bytes of an incomplete one at the end, warnings about those).

    Raises:
        InputError: there is not one whole frame.
    """
    size = frame_bytes(radar)
    n_frames, rest = divmod(n_bytes, size)
    if n_frames == 0:
        raise InputError(
            f"{what} holds {n_bytes} bytes, less than one frame of {radar.name} ({size} bytes). "
            "Check the description of the radar, or record longer."
        )
    if not rest:
        return n_frames, 0, ()
    odd = "; its length is odd, so it was cut within a number" if rest % 2 else ""
    text = f"the last {rest} bytes are not a whole frame of {size} bytes and are left out{odd}"
    return n_frames, rest, (text,)


def stream_facts(layout: str, n_bytes: int, radar: FmcwRadar, what: str) -> CaptureFacts:
    """Return the facts of a stream of `n_bytes` without losses."""
    n_frames, dropped, warnings = whole_frames(n_bytes, radar, what)
    lost = np.zeros(n_frames, dtype=np.float32)
    return CaptureFacts(layout, n_frames, lost, dropped_bytes=dropped, warnings=warnings)
