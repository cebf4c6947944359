"""A stream that is made up, as messages of the monitor's protocol."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from radarode.core.constants import BAND_HZ, FRAME_RATE_HZ, FS_HZ, N_ROWS
from radarode.monitor.protocol import pack

FREQS_HZ = np.geomspace(*BAND_HZ, N_ROWS)
DRAW_AFTER_S = 2.5
WAVES = ((-0.19, 0.025, 0.14), (-0.035, 0.009, -0.12), (0.0, 0.011, 1.0), (0.033, 0.010, -0.22), (0.27, 0.055, 0.3))
"""(seconds from R, width in seconds, height) of P, Q, R, S and T."""


@dataclass
class FakeStream:
    """Make a stream up; whoever holds it may change it while it runs.

    Attributes:
        number: in the hello message.
        name: for people.
        bpm: heart rate from now on.
        simulated: whether it says so.
        signal: what it says that it sees; with "no signal" its time stands still.
        quality: of its beats.
        low_bpm: its alarm limit.
        before_s: how long it has been running when the server begins.
        run: tells beginnings apart.
    """

    number: int = 0
    name: str = "bed 1"
    bpm: float = 72.0
    simulated: bool = True
    signal: str = "ok"
    quality: float = 0.9
    low_bpm: float = 40.0
    high_bpm: float = 130.0
    delay_s: float = 1.0
    before_s: float = 60.0
    run: str | None = None
    gaps_s: list[tuple[float, float]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now_s, self.drawn_s = self.before_s, self.before_s - DRAW_AFTER_S
        self.beats: list[tuple[float, float]] = []
        self.low_since_s: float | None = None
        self.silenced_until_s = 0.0
        self._rng = np.random.default_rng(7 + self.number)
        self._next_r_s = 0.4
        self._grow()

    def _grow(self) -> None:
        while self._next_r_s < self.now_s + 2:
            self.beats.append((self._next_r_s, self.quality))
            self._next_r_s += 60 / self.bpm * (1 + 0.02 * float(self._rng.standard_normal()))

    def facts(self) -> dict[str, Any]:
        """Return what the hello message says."""
        return {
            "number": self.number,
            "name": self.name,
            "channels": 50,
            "fs_hz": 200.0,
            "kind": "acceleration",
            "simulated": self.simulated,
            "warnings": [],
            "freqs_hz": FREQS_HZ.tolist(),
            "limits": self.limits(),
            "run": self.run,
        }

    def limits(self) -> dict[str, float]:
        """Return the alarm limits."""
        return {"low_bpm": self.low_bpm, "high_bpm": self.high_bpm, "delay_s": self.delay_s}

    def _blank(self, time_s: np.ndarray, values: np.ndarray) -> np.ndarray:
        for from_s, to_s in self.gaps_s:
            values[..., (time_s >= from_s) & (time_s < to_s)] = np.nan
        return values.astype(np.float32)

    def _peaks(self, from_s: float, to_s: float) -> np.ndarray:
        return np.array([r_s for r_s, _ in self.beats if from_s - 2 < r_s < to_s + 2])

    def ecg(self, first: int, end: int) -> np.ndarray:
        """Return samples of the ECG."""
        time_s = np.arange(first, end) / FS_HZ
        value = np.full(len(time_s), 0.2)
        for r_s in self._peaks(first / FS_HZ, end / FS_HZ):
            for shift_s, width_s, height in WAVES:
                value += 0.75 * height * np.exp(-0.5 * ((time_s - r_s - shift_s) / width_s) ** 2)
        return self._blank(time_s, value)

    def motion(self, first: int, end: int) -> np.ndarray:
        """Return samples of the motion."""
        time_s = np.arange(first, end) / FS_HZ
        value = 0.25 * np.sin(2 * np.pi * 0.25 * time_s) + 0.05 * np.sin(2 * np.pi * 7.3 * time_s)
        for r_s in self._peaks(first / FS_HZ, end / FS_HZ):
            for delay_s, hz, size in ((0.09, 14.0, 0.55), (0.38, 18.0, 0.35)):
                swing = np.cos(2 * np.pi * hz * (time_s - r_s - delay_s))
                value += size * swing * np.exp(-0.5 * ((time_s - r_s - delay_s) / 0.045) ** 2)
        return self._blank(time_s, value)

    def frames(self, first: int, end: int) -> np.ndarray:
        """Return (row, frame) of the spectrogram."""
        time_s = np.arange(first, end) / FRAME_RATE_HZ
        rows = 0.02 + 0.02 * np.random.default_rng(first).random((N_ROWS, len(time_s)))
        for r_s in self._peaks(first / FRAME_RATE_HZ, end / FRAME_RATE_HZ):
            for delay_s, hz, size in ((0.09, 14.0, 1.0), (0.38, 18.0, 0.6), (0.2, 3.0, 0.3)):
                tone = np.exp(-0.5 * (np.log(FREQS_HZ / hz) / 0.22) ** 2)
                rows += size * tone[:, None] * np.exp(-0.5 * ((time_s - r_s - delay_s) / 0.06) ** 2)
        return self._blank(time_s, rows)

    def messages(self, from_s: float, to_s: float) -> list[str | bytes]:
        """Return all of a stretch that has been drawn, as `/history` gives it."""
        from_s, to_s = max(0.0, from_s), min(self.drawn_s, to_s)
        if to_s <= from_s:
            return []
        first, end = round(from_s * FS_HZ), round(to_s * FS_HZ)
        frames = round(from_s * FRAME_RATE_HZ), round(to_s * FRAME_RATE_HZ)
        beats = [(r_s, quality) for r_s, quality in self.beats if from_s <= r_s < to_s and not self._in_gap(r_s)]
        return [
            pack("ecg", self.number, first / FS_HZ, FS_HZ, self.ecg(first, end)),
            pack("motion", self.number, first / FS_HZ, FS_HZ, self.motion(first, end)),
            pack("spectrogram", self.number, frames[0] / FRAME_RATE_HZ, FRAME_RATE_HZ, self.frames(*frames)),
            self._json("beats", r_s=[r_s for r_s, _ in beats], quality=[quality for _, quality in beats]),
            *(self._json("event", **event) for event in self.events if from_s <= event["at_s"] < to_s),
        ]

    def _in_gap(self, time_s: float) -> bool:
        return any(from_s <= time_s < to_s for from_s, to_s in self.gaps_s)

    def _json(self, kind: str, **fields: Any) -> str:
        return json.dumps({"type": kind, "stream": self.number, **fields})

    def advance(self, by_s: float) -> list[str | bytes]:
        """Let time pass; return what is new."""
        if self.signal == "no signal":
            return []
        before_s = self.drawn_s
        self.now_s += by_s
        self.drawn_s = self.now_s - DRAW_AFTER_S
        self._grow()
        return self.messages(before_s, self.drawn_s)

    def alarms(self) -> list[dict[str, Any]]:
        """Return the alarms that stand."""
        now_s = time.monotonic()
        low = self.rate() is not None and self.bpm < self.low_bpm
        self.low_since_s = (self.low_since_s or now_s) if low else None
        found = []
        if self.low_since_s is not None and now_s - self.low_since_s >= self.delay_s:
            text = f"heart rate {self.bpm:.0f} bpm, below {self.low_bpm:g}"
            found.append(("low rate", text, "medium", now_s - self.low_since_s))
        if self.signal == "no signal":
            found.append(("no signal", "no signal: nothing arrives from the source", "technical", 3.0))
        if self.signal == "no heartbeat":
            found.append(("asystole", "no heartbeat for 8 s: asystole, or nobody before the sensor", "high", 2.0))
        silenced = now_s < self.silenced_until_s
        keys = ("name", "text", "level", "since_s")
        return [{**dict(zip(keys, alarm, strict=True)), "active": True, "silenced": silenced} for alarm in found]

    def rate(self) -> float | None:
        """Return the heart rate, where the quality carries one."""
        return self.bpm if self.signal == "ok" and self.quality >= 0.3 else None

    def state(self) -> str:
        """Return the state message."""
        rate = self.rate()
        zero = {"late_packets": 3, "dropped_packets": 0, "refused_packets": 0, "restarts": 0, "lost_samples": 40}
        return self._json(
            "state",
            stream_s=self.now_s,
            signal=self.signal,
            quality=self.quality,
            heart_rate_bpm=rate,
            interval_ms=None if rate is None else 60000 / rate,
            lag_s=DRAW_AFTER_S,
            counts={"samples": round(self.now_s * FS_HZ), **zero},
            lost_share=0.004,
            drift_ppm=12.4,
            alarms=self.alarms(),
            limits=self.limits(),
            recording={"path": "/data/bed1", "bytes": round(2e4 * self.now_s), "error": None},
        )
