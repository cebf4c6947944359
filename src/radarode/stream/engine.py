"""RCG at 200 Hz to ECG, hop by hop: a pure function of state and samples.

    RCG ─ stills to NaN ─┬─ bridged, quick transform ─ windows ─ beats ─ drawn ECG, spectrogram, heart rate
                         └─ bridged, the weights' transform ─ windows ─ settled ECG

Work is done in steps of exactly one hop, so the output does not depend on how samples were cut into chunks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radarode.core.config import from_plain
from radarode.core.constants import FRAME_RATE_HZ, FS_HZ, WINDOW_S
from radarode.core.errors import InputError
from radarode.core.types import Beats
from radarode.models.networks import DEFAULT_FRAMEWORK
from radarode.models.pretrained import Pretrained
from radarode.reconstruction.settings import ReconstructSettings
from radarode.reconstruction.windows import BRIDGE_S, fitting_transform
from radarode.signal.gaps import FLAT_S
from radarode.signal.timefrequency import make_transform
from radarode.stream.bridge import FADE_S, Bridge, BridgeState
from radarode.stream.draw import DrawState, draw, nothing_drawn
from radarode.stream.lane import Lane, LaneState
from radarode.stream.settle import HORIZON_S, SETTLE_S, settle
from radarode.stream.stills import Stills, StillsState
from radarode.stream.types import Signal, StreamSettings
from radarode.stream.vitals import Vitals, last_movement, vitals
from radarode.tasks import TaskSettings

QUICK_SUPPORT_S = 0.6
"""Half length of the longest wavelet of the quick transform."""

QUICK_HORIZON_S = 16.0
SETTLED_WAIT_S = 5.0
"""Gap whose far end the settled ECG waits for."""

SETTLE_EVERY_S = 2.0

AHEAD_S = 0.25
"""The drawn ECG ends at least so long before the newest frame."""

QUIET_S = 2.0
"""Time without motion after which there is no signal."""


@dataclass(frozen=True, slots=True, eq=False)
class EngineState:
    """Hold all that a stream needs to go on.

    Attributes:
        waiting: (channel, time) samples of the hop that is not full yet.
        samples: taken in, `waiting` not counted.
        moved: number of the sample behind the last one that moved.
        value: (channel,) last known value of each channel.
        stills: of channels that repeat a value.
        later: (channel, time) samples that wait for the settled lane.
        quick_bridge, settled_bridge: of gaps.
        quick, settled: the two lanes.
        drawn: what was drawn.
        settled_to: samples settled so far.
    """

    waiting: NDArray[np.float32]
    samples: int
    moved: int
    value: NDArray[np.float32]
    stills: StillsState
    later: NDArray[np.float64]
    quick_bridge: BridgeState
    settled_bridge: BridgeState
    quick: LaneState
    settled: LaneState
    drawn: DrawState
    settled_to: int


@dataclass(frozen=True, slots=True, eq=False)
class EngineOutput:
    """Hold what one hop adds; the attributes are those of `Update`."""

    rcg: NDArray[np.float32]
    frames: NDArray[np.float32]
    drawn: NDArray[np.float32]
    drawn_beats: Beats
    settled: NDArray[np.float32]
    settled_beats: Beats
    signal: Signal
    quality: float
    heart_rate_bpm: float | None
    lag_s: float


class Engine:
    """Reconstruct streams of one shape; holds no stream itself.

    Args:
        weights: of radarODE-MTL.
        channels: of the motion.
        settings: hop, depth of drawing, least quality.

    Raises:
        InputError: the weights are of another framework, or want another number of channels.
    """

    def __init__(self, weights: Pretrained, channels: int, settings: StreamSettings) -> None:
        if weights.framework != DEFAULT_FRAMEWORK:
            raise InputError.of("weights", f"of {DEFAULT_FRAMEWORK}, which alone can stream", weights.framework)
        wanted = weights.model.config.channels
        if wanted is not None and wanted != channels:
            raise InputError.of("channels", f"{wanted}, which the network reads", channels)
        self.channels, self.settings = channels, settings
        self.hop = round(settings.hop_s * FS_HZ)
        self.tasks, self.choice = from_plain(TaskSettings, weights.tasks), ReconstructSettings()
        exact = fitting_transform(weights)
        quick = make_transform(**{**weights.transform, "support_s": QUICK_SUPPORT_S})
        self.freqs_hz = exact.freqs_hz
        self.quick = Lane(weights, quick, self.choice, grid=False, horizon_s=QUICK_HORIZON_S)
        horizon_s = HORIZON_S + SETTLE_S + WINDOW_S + SETTLE_EVERY_S
        self.settled = Lane(weights, exact, self.choice, grid=True, horizon_s=horizon_s)
        self._stills = Stills(round(FLAT_S * FS_HZ))
        fade = round(FADE_S * FS_HZ)
        self._quick_bridge = Bridge(round(BRIDGE_S * FS_HZ), fade)
        self._settled_bridge = Bridge(round(SETTLED_WAIT_S * FS_HZ), fade)

    def start(self) -> EngineState:
        """Return the state before the first sample."""
        n = self.channels
        return EngineState(
            waiting=np.empty((n, 0), np.float32),
            samples=0,
            moved=0,
            value=np.full(n, np.nan, np.float32),
            stills=self._stills.start(n),
            later=np.empty((n, 0)),
            quick_bridge=self._quick_bridge.start(n),
            settled_bridge=self._settled_bridge.start(n),
            quick=self.quick.start(n),
            settled=self.settled.start(n),
            drawn=nothing_drawn(),
            settled_to=0,
        )

    def step(
        self, state: EngineState, chunk: NDArray[np.float32], *, end: bool = False
    ) -> tuple[EngineState, list[EngineOutput]]:
        """Take in RCG (channel, time), NaN in gaps, and do the hops that are full.

        Args:
            state: the stream so far; it is not changed.
            chunk: the next samples, any number of them.
            end: nothing follows: everything is drawn and settled.
        """
        waiting, outputs = np.concatenate([state.waiting, chunk], axis=1), []
        done = 0
        while waiting.shape[1] - done >= self.hop:
            state, output = self._hop(state, waiting[:, done : done + self.hop], end=False)
            outputs.append(output)
            done += self.hop
        if end:
            state, output = self._hop(state, waiting[:, done:], end=True)
            return replace(state, waiting=waiting[:, :0]), [*outputs, output]
        return replace(state, waiting=waiting[:, done:].copy()), outputs

    def _hop(self, state: EngineState, rcg: NDArray[np.float32], *, end: bool) -> tuple[EngineState, EngineOutput]:
        samples = state.samples + rcg.shape[1]
        moved, value = last_movement(rcg, state.value)
        moved = state.moved if moved is None else state.samples + moved + 1
        stills, marked = self._stills.step(state.stills, rcg, end=end)
        quick_bridge, bridged = self._quick_bridge.step(state.quick_bridge, marked, end=end)
        quick, frames = self.quick.step(state.quick, bridged.filled, bridged.missing, end=end)
        drawn, ecg, beats, vital = self._draw(state, quick, samples, moved, end=end)
        later = np.concatenate([state.later, marked], axis=1)
        settled_bridge, settled, settled_to, settled_ecg, settled_beats = self._settle(state, later, samples, end=end)
        state = EngineState(
            waiting=state.waiting[:, :0],
            samples=samples,
            moved=moved,
            value=value,
            stills=stills,
            later=later[:, later.shape[1] if settled is not state.settled else 0 :],
            quick_bridge=quick_bridge,
            settled_bridge=settled_bridge,
            quick=quick,
            settled=settled,
            drawn=drawn,
            settled_to=settled_to,
        )
        shown = self.quick.mean_frames(quick, frames)
        lag_s = (samples - drawn.to) / FS_HZ
        output = EngineOutput(
            rcg, shown, ecg, beats, settled_ecg, settled_beats, vital.signal, vital.quality, vital.heart_rate_bpm, lag_s
        )  # fmt: skip
        return state, output

    def _draw(
        self, state: EngineState, quick: LaneState, samples: int, moved: int, *, end: bool
    ) -> tuple[DrawState, NDArray[np.float32], Beats, Vitals]:
        """Draw on as far as promised: what is drawn now must do until the next hop."""
        seen = round(quick.newest_end / FRAME_RATE_HZ * FS_HZ)
        newest = round(quick.n_frames / FRAME_RATE_HZ * FS_HZ)
        late = samples - round(self.settings.draw_after_s * FS_HZ) + self.hop
        to = samples if end else max(state.drawn.to, min(late, newest - round(AHEAD_S * FS_HZ)))
        warming = seen == 0 or newest - seen > FS_HZ
        if seen == 0 and not end and newest < round(4.0 * FS_HZ):
            to = state.drawn.to
        outputs = self.quick.outputs(quick, max(newest, to))
        drawn, ecg, beats = draw(
            state.drawn, outputs, quick.map_first, to, self.choice, r_fraction=self.tasks.r_fraction
        )  # fmt: skip
        quiet = samples - moved >= QUIET_S * FS_HZ
        vital = vitals(drawn, samples / FS_HZ, self.settings.min_quality, quiet=quiet, warming=warming)
        return drawn, ecg, beats, vital

    def _settle(
        self, state: EngineState, later: NDArray[np.float64], samples: int, *, end: bool
    ) -> tuple[BridgeState, LaneState, int, NDArray[np.float32], Beats]:
        """Settle on, once enough motion waits: the long wavelets are several times cheaper over a long stretch."""
        begin, none = state.settled_to, np.empty(0)
        if later.shape[1] < SETTLE_EVERY_S * FS_HZ and not end:
            return state.settled_bridge, state.settled, begin, none.astype(np.float32), Beats(none, none, none)
        bridge, bridged = self._settled_bridge.step(state.settled_bridge, later, end=end)
        lane, _ = self.settled.step(state.settled, bridged.filled, bridged.missing, end=end)
        final = samples if end else round(lane.next_start / FRAME_RATE_HZ * FS_HZ)
        to = samples if end else max(begin, final - round(SETTLE_S * FS_HZ))
        outputs = self.settled.outputs(lane, final)
        return bridge, lane, to, *settle(outputs, lane.map_first, (begin, to), self.tasks, self.choice)
