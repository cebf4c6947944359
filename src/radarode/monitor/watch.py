"""One stream as viewers see it: from its updates to messages, history and alarms."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.monitor.alarms import Alarm, AlarmState, Seen, begin_anew, silence, standing, step
from radarode.monitor.history import FRAME_RATE_HZ, Event, History
from radarode.monitor.limits import Limits
from radarode.monitor.messages import alarm_fields, beats_message, count_fields, encode
from radarode.monitor.motion_view import MotionView
from radarode.monitor.protocol import pack
from radarode.monitor.seen import Losses, seen_of
from radarode.monitor.settings import MonitorSettings
from radarode.stream.types import Counts, SourceFacts, Update

STATE_EVERY_S = 0.5
SILENT_S = 2.5
"""Without an update for so long, there is no signal, whatever the stream says."""

LONGEST_INTERVAL_S = 3.0

Message = str | bytes


class Watch:
    """Hold what viewers see of one stream.

    Args:
        number: of the stream in the hello message.
        name: of the stream.
        freqs_hz: rows of its spectrogram.
        settings: history and alarm limits.
        tell: sends a message to every viewer.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        number: int,
        name: str,
        freqs_hz: NDArray[np.floating],
        settings: MonitorSettings,
        tell: Callable[[Message], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.number, self.name = number, name
        self._freqs_hz, self._settings, self._tell, self._clock = np.asarray(freqs_hz), settings, tell, clock
        self.limits = settings.limits
        self.facts: SourceFacts | None = None
        self.last: Update | None = None
        self.recording: Callable[[], Mapping[str, Any] | None] = lambda: None
        self.run: str | None = None
        self._alarms = AlarmState()
        self._told_s, self._updated_s = float("-inf"), clock()
        self._empty()

    def _empty(self) -> None:
        self.history = History(self._settings.history_min, len(self._freqs_hz))
        self.stream_s = 0.0
        self._last_beats: deque[float] = deque(maxlen=2)
        self._losses = Losses()
        self._motion = MotionView(self.facts.channels if self.facts else 1)

    def begin(self, facts: SourceFacts) -> None:
        """Begin, or begin anew: the stream's time starts at 0 again and its history is empty."""
        again, self.facts = self.facts is not None, facts
        self.last, self.run = None, secrets.token_hex(8)
        self._empty()
        if again:
            self._alarms = begin_anew(self._alarms)
            self._tell(encode("restart", stream=self.number))

    def take(self, update: Update) -> None:
        """Take an update: keep it, tell viewers, look for alarms."""
        motion = self._motion.take(update.rcg)
        self.history.append(update, motion)
        self.last, self._updated_s = update, self._clock()
        self.stream_s = max(self.stream_s, (update.rcg_first + update.rcg.shape[1]) / FS_HZ)
        self._last_beats.extend(update.drawn_beats.r_s.tolist())
        self._losses.count(self.stream_s, update.counts)
        for message in self._new(update, motion):
            self._tell(message)
        self._step(seen_of(update))
        if self._clock() - self._told_s >= 0.8 * STATE_EVERY_S:
            self.tell_state()

    def tick(self) -> None:
        """Let time pass, about once a second: silence becomes an alarm even if nobody reports it."""
        if self._clock() - self._updated_s > SILENT_S:
            self._step(Seen("no signal"))
        if self._clock() - self._told_s >= 2 * STATE_EVERY_S:
            self.tell_state()

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """The alarms that stand."""
        return standing(self._alarms, self._clock())

    @property
    def signal(self) -> str:
        """What the stream sees now; "warming up" before it began."""
        if self._clock() - self._updated_s > SILENT_S:
            return "no signal"
        return "warming up" if self.last is None else self.last.signal

    @property
    def heart_rate_bpm(self) -> float | None:
        """The heart rate, where there is a signal and its quality carries one."""
        return self.last.heart_rate_bpm if self.last is not None and self.signal == "ok" else None

    @property
    def counts(self) -> Counts:
        """Totals so far."""
        return Counts() if self.last is None else self.last.counts

    def silence(self, for_s: float) -> None:
        """Acknowledge and silence the alarms that stand."""
        self._alarms = silence(self._alarms, self._clock(), for_s)
        self.tell_state()

    def set_limits(self, limits: Limits) -> None:
        """Take other alarm limits and tell every viewer."""
        self.limits = limits
        self.tell_state()

    def mark(self, at_s: float | None, text: str) -> Event:
        """Keep an event and tell every viewer.

        Raises:
            InputError: the time is not one of the stream's.
        """
        at_s = self.stream_s if at_s is None else at_s
        oldest_s = max(0.0, self.stream_s - 60 * self._settings.history_min)
        if not oldest_s <= at_s <= self.stream_s + 1.0:
            raise InputError.of("at_s", f"between {oldest_s:.1f} and {self.stream_s:.1f}", f"{at_s:g}")
        event = Event(at_s, text)
        self.history.mark(event)
        self._tell(encode("event", stream=self.number, at_s=at_s, text=text))
        return event

    def hello(self) -> dict[str, Any]:
        """Return the stream as the hello message holds it."""
        facts = self.facts or SourceFacts(self.name, 1, FS_HZ, "acceleration")
        return {
            "number": self.number,
            "name": self.name,
            "channels": facts.channels,
            "fs_hz": facts.fs_hz,
            "kind": facts.kind,
            "simulated": facts.simulated,
            "warnings": facts.warnings,
            "freqs_hz": self._freqs_hz.round(4).tolist(),
            "limits": _limit_fields(self.limits),
            "run": self.run,
        }

    def messages(self, from_s: float, to_s: float) -> list[Message]:
        """Return what is kept between two stream times, as messages."""
        history, messages = self.history, []
        first, values = history.samples(history.drawn, from_s, to_s)
        if values.size:
            messages.append(pack("ecg", self.number, first / FS_HZ, FS_HZ, values))
        first, values = history.samples(history.motion, from_s, to_s)
        if values.size:
            messages.append(pack("motion", self.number, first / FS_HZ, FS_HZ, values))
        first, frames = history.frames(from_s, to_s)
        if frames.size:
            messages.append(pack("spectrogram", self.number, first / FRAME_RATE_HZ, FRAME_RATE_HZ, frames))
        beats = history.beats(from_s, to_s)
        if len(beats):
            messages.append(beats_message(self.number, beats))
        for event in history.events(from_s, to_s):
            messages.append(encode("event", stream=self.number, at_s=event.at_s, text=event.text))
        return messages

    def greeting(self) -> list[Message]:
        """Return what a new viewer is filled with."""
        return [*self.messages(self.stream_s - self._settings.first_s, self.stream_s + 1.0), self.state_message()]

    def tell_state(self) -> None:
        """Tell every viewer how the stream is."""
        self._told_s = self._clock()
        self._tell(self.state_message())

    def state_message(self) -> str:
        """Return how the stream is, as a message."""
        last, signal = self.last, self.signal
        rate = self.heart_rate_bpm
        return encode(
            "state",
            stream=self.number,
            stream_s=self.stream_s,
            signal=signal,
            quality=0.0 if last is None or signal != "ok" else round(last.quality, 3),
            heart_rate_bpm=None if rate is None else round(rate, 1),
            interval_ms=None if rate is None else self._interval_ms(),
            lag_s=None if last is None else round(last.lag_s, 3),
            counts=count_fields(self.counts),
            lost_share=self.lost_share,
            drift_ppm=None if last is None or last.drift_ppm is None else round(last.drift_ppm, 1),
            alarms=[alarm_fields(alarm) for alarm in self.alarms],
            limits=_limit_fields(self.limits),
            recording=self.recording(),
        )

    @property
    def lost_share(self) -> float:
        """Share of the samples of the last minute that never arrived."""
        return self._losses.share

    def _interval_ms(self) -> float | None:
        if len(self._last_beats) < 2:
            return None
        interval_s = self._last_beats[1] - self._last_beats[0]
        return round(1000 * interval_s, 1) if 0 < interval_s < LONGEST_INTERVAL_S else None

    def _step(self, seen: Seen) -> None:
        self._alarms, _ = step(self._alarms, self._clock(), seen, self.limits)

    def _new(self, update: Update, motion: NDArray[np.float32]) -> list[Message]:
        messages: list[Message] = []
        if update.drawn.size:
            messages.append(pack("ecg", self.number, update.drawn_first / FS_HZ, FS_HZ, update.drawn))
        if motion.size:
            messages.append(pack("motion", self.number, update.rcg_first / FS_HZ, FS_HZ, motion))
        if update.frames.size:
            first_s = update.frames_first / FRAME_RATE_HZ
            messages.append(pack("spectrogram", self.number, first_s, FRAME_RATE_HZ, update.frames))
        if len(update.drawn_beats):
            messages.append(beats_message(self.number, update.drawn_beats))
        return messages


def _limit_fields(limits: Limits) -> dict[str, float]:
    return {"low_bpm": limits.low_bpm, "high_bpm": limits.high_bpm, "delay_s": limits.delay_s}
