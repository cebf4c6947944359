"""Motion of any kind and rate to RCG at 200 Hz, sample by sample: what `data.to_rcg` does to a file.

    dropouts to NaN -> gaps bridged -> resampled -> differentiated (displacement twice, velocity once)

The taps are those of `signal.resample`, and the derivatives those of `signal.differentiate`, so the result equals the
file's but for what a stream cannot know: offline takes each channel's mean over the whole recording off, the stream
that of its first second; offline takes the line from the first to the last sample off before filtering, the stream the
first sample; of a dropout that repeats a value, the first one counts as measured here; and a gap longer than `WAIT_S`
is bridged without its far end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.types import Motion
from radarode.data.to_rcg import DROPOUT_S, check_rate
from radarode.signal.differentiate import first_derivative, second_derivative
from radarode.signal.resample import resampling_kernel
from radarode.stream.bridge import Bridge, Bridged, BridgeState
from radarode.stream.stills import Stills, StillsState

WAIT_S = 0.25
"""Gap in the raw motion whose far end is waited for."""

LEVEL_S = 1.0
"""Motion at the start whose mean is taken off each channel."""

_TAPS = 7
_REACH = 3

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ResamplerState:
    """Hold what the way to RCG needs to go on.

    Attributes:
        stills: of the dropouts.
        bridge: of the gaps.
        level: (channel,) first known sample, taken off before filtering; NaN as long as nothing is known.
        mean: (channel,) what is taken off in all, from there: the mean of the first second, or nothing where that is
            no larger than the motion itself (whoever sends RCG took it off already).
        early: (channel, time) samples that came before the level was settled.
        settled: whether it is.
        inputs: (channel, time) bridged samples that later outputs need.
        absent: (channel, time) where they were missing.
        moved: (channel, time) by how much the bridge moved them.
        first: number of the first of them.
        outputs: samples at 200 Hz so far.
        tail: (channel, time) the last of those, which the derivative still needs.
        begun: whether a derivative was given out.
    """

    stills: StillsState
    bridge: BridgeState
    level: FloatArray
    mean: FloatArray
    early: FloatArray
    settled: bool
    inputs: FloatArray
    absent: NDArray[np.bool_]
    moved: FloatArray
    first: int
    outputs: int
    tail: FloatArray
    begun: bool


class Resampler:
    """Turn chunks of motion into chunks of RCG, NaN in gaps.

    Args:
        fs_hz: rate of the motion.
        kind: what it is.
        channels: how many.

    Example:
        >>> resampler = Resampler(100.0, "acceleration", 1)
        >>> state, rcg = resampler.step(resampler.start(), np.sin(np.arange(300) / 9)[None])
        >>> rcg.shape[1] > 500, bool(np.isfinite(rcg).all())
        (True, True)
    """

    def __init__(self, fs_hz: float, kind: Motion, channels: int) -> None:
        check_rate(fs_hz)
        self.fs_hz, self.kind, self.channels = float(fs_hz), kind, channels
        self.kernel = None if fs_hz == FS_HZ else resampling_kernel(FS_HZ / fs_hz)
        self._stills = Stills(int(np.ceil(DROPOUT_S * fs_hz)), jointly=True, whole=False)
        self._bridge = Bridge(round(WAIT_S * fs_hz), None)

    def start(self) -> ResamplerState:
        """Return the state before the first sample."""
        none = np.empty((self.channels, 0))
        return ResamplerState(
            stills=self._stills.start(self.channels),
            bridge=self._bridge.start(self.channels),
            level=np.full(self.channels, np.nan),
            mean=np.zeros(self.channels),
            early=none,
            settled=False,
            inputs=none,
            absent=none.astype(bool),
            moved=none,
            first=0,
            outputs=0,
            tail=none,
            begun=False,
        )

    def step(
        self, state: ResamplerState, motion: NDArray[np.floating], *, end: bool = False
    ) -> tuple[ResamplerState, NDArray[np.float32]]:
        """Take in motion (channel, time), NaN where missing, and give out the RCG that is decided by now.

        Args:
            state: the stream so far; it is not changed.
            motion: the next samples.
            end: nothing follows; what is left is given out, its end treated as that of a file.
        """
        parts = {name: getattr(state, name) for name in ResamplerState.__slots__}
        parts["stills"], marked = self._stills.step(state.stills, motion.astype(np.float64), end=end)
        centred = self._centre(parts, marked, end=end)
        parts["bridge"], bridged = self._bridge.step(state.bridge, centred, end=end)
        at_200 = self._resample(parts, bridged, end=end) - parts["mean"][:, None]
        rcg = self._differentiate(parts, at_200, end=end)
        return ResamplerState(**parts), rcg.astype(np.float32)

    def _centre(self, parts: dict, motion: FloatArray, *, end: bool) -> FloatArray:
        """Take each channel's level off; the first second waits for it."""
        if not parts["settled"]:
            motion = np.concatenate([parts["early"], motion], axis=1)
            parts["settled"] = end or motion.shape[1] >= LEVEL_S * self.fs_hz
            parts["early"] = motion[:, :0] if parts["settled"] else motion
            if not parts["settled"]:
                return motion[:, :0]
        unknown = np.isnan(parts["level"])
        known = np.isfinite(motion) & unknown[:, None]
        if known.any():
            found = known.any(axis=1)
            first = np.where(found, motion[np.arange(len(motion)), known.argmax(axis=1)], np.nan)
            away = np.where(known, motion - np.nan_to_num(first)[:, None], 0.0).sum(axis=1) / np.maximum(
                known.sum(axis=1), 1
            )
            parts["level"] = np.where(found, first, parts["level"])
            spread = np.where(known, (motion - (first + away)[:, None]) ** 2, 0.0).sum(axis=1)
            large = (first + away) ** 2 > spread / np.maximum(known.sum(axis=1), 1)
            parts["mean"] = np.where(found, np.where(large, away, -first), parts["mean"])
        return motion - np.nan_to_num(parts["level"])[:, None]

    def _resample(self, parts: dict, new: Bridged, *, end: bool) -> FloatArray:
        if self.kernel is None:
            return np.where(new.missing, np.nan, new.filled - new.moved)
        inputs = np.concatenate([parts["inputs"], new.filled], axis=1)
        missing = np.concatenate([parts["absent"], new.missing], axis=1)
        moved = np.concatenate([parts["moved"], new.moved], axis=1)
        first, done = parts["first"], parts["outputs"]
        known = first + inputs.shape[1]
        if end and inputs.shape[1]:
            inputs = np.pad(inputs, ((0, 0), (0, self.kernel.half + 1)), mode="edge")
            missing = np.pad(missing, ((0, 0), (0, self.kernel.half + 1)), mode="edge")
        stop = round(known * self.kernel.ratio) if end else self._ready(known)
        outputs = np.arange(done, max(done, stop), dtype=np.int64)
        out = np.empty((self.channels, len(outputs)))
        if len(outputs):
            out = (self.kernel.matrix(outputs, first, inputs.shape[1]) @ inputs.T).T
            position = self.kernel.positions(outputs) - first
            last = known - first - 1
            before = np.clip(np.floor(position + 1e-9).astype(np.int64), 0, last)
            after = np.clip(np.ceil(position - 1e-9).astype(np.int64), 0, last)
            out = np.where(missing[:, before] | missing[:, after], np.nan, out - moved[:, before])
        parts["outputs"] = done + len(outputs)
        place = self.kernel.positions(np.array([parts["outputs"]]))[0]
        keep = min(max(0, int(place) - self.kernel.half - first), inputs.shape[1])
        parts["inputs"], parts["absent"], parts["moved"] = (x[:, keep:].copy() for x in (inputs, missing, moved))
        parts["first"] = first + keep
        return out

    def _ready(self, known: int) -> int:
        """Return how many outputs depend on the first `known` inputs alone."""
        assert self.kernel is not None
        return max(0, int(np.floor((known - 1 - self.kernel.half) * self.kernel.ratio)) + 1)

    def _differentiate(self, parts: dict, motion: FloatArray, *, end: bool) -> FloatArray:
        if self.kind == "acceleration":
            return motion
        values = np.concatenate([parts["tail"], motion], axis=1)
        size = values.shape[1]
        if size < _TAPS:  # and so nothing was given out yet
            parts["tail"] = values
            return np.full(values.shape, np.nan) if end else values[:, :0]
        derivative = second_derivative if self.kind == "displacement" else first_derivative
        rcg = derivative(values, FS_HZ)
        first, last = _TAPS - _REACH if parts["begun"] else 0, size if end else size - _REACH
        parts["tail"], parts["begun"] = values[:, size - _TAPS :].copy(), True
        return np.asarray(rcg[:, first:last], dtype=np.float64)
