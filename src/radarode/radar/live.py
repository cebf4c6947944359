"""Extraction while the radar runs: frames in, motion of points on the chest out.

    frames ─ collect `warmup_s` ─► person, points (the functions of `chain`)
           ─ coefficients ─► holes bridged ─► focused on the points ─► phase steps ─► displacement

Nothing is lost to the search: once the points are chosen, the motion of the collected stretch comes first. The focus is
checked every 10 s, as offline. If no point shows a heart any more, or none did to begin with, the search is repeated
from scratch on the frames that come next while the old points go on; if it finds nobody, output ends until somebody
comes.

Memory: the frames of `warmup_s` while points are searched (100 MB for 20 s of MMECG's radar), afterwards their
coefficients (2 KB a frame).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.radar.capture import Capture
from radarode.radar.capture_facts import CaptureFacts
from radarode.radar.chain import Findings, Places, find_places
from radarode.radar.extracted import ExtractSettings
from radarode.radar.fields import frames_at_once
from radarode.radar.fmcw import FmcwRadar
from radarode.radar.live_follow import Block, ComplexArray, Follower, Moved, Start

__all__ = ["Collected", "LiveExtractor", "Moved"]

MOST_LOST = 0.2
"""A stretch that lost more of its bytes is not searched."""

_HEARTLESS = 2
"""So many checks in a row must find no heart before everything is searched anew."""


class Collected(Capture):
    """Keep frames of a stream as a capture, until they are many enough.

    Args:
        radar: the radar.
        seconds: how many are enough.
        first: number of the first frame that is added.

    Attributes:
        first: number of the oldest frame that is kept.
        most: frames that are enough.
    """

    radar: FmcwRadar

    def __init__(self, radar: FmcwRadar, seconds: float, first: int = 0) -> None:
        super().__init__(radar, Path("live"), CaptureFacts("live", 0, np.zeros(0, dtype=np.float32)))
        self.first, self.most = first, round(seconds * radar.frame_rate_hz)
        self.blocks: list[Block] = []

    def add(self, frames: ComplexArray, lost: NDArray[np.floating]) -> None:
        """Add frames."""
        self.blocks.append((frames.astype(np.complex64, copy=False), lost.astype(np.float32)))
        self.drop(0)

    def shorten(self) -> None:
        """Leave out the oldest frames, so that a quarter of what is enough is to come."""
        self.drop(self.n_frames - self.most + self.most // 4)

    def drop(self, count: int) -> None:
        """Leave out the `count` oldest frames."""
        while count > 0:
            frames, lost = self.blocks[0]
            take = min(count, len(frames))
            self.blocks[:1] = [(frames[take:].copy(), lost[take:])] if take < len(frames) else []
            self.first, count = self.first + take, count - take
        lost = [lost for _, lost in self.blocks]
        share = np.concatenate(lost) if lost else np.zeros(0, dtype=np.float32)
        self.facts = replace(self.facts, n_frames=len(share), lost=share)

    @property
    def full(self) -> bool:
        """Return whether enough frames are there."""
        return self.n_frames >= self.most

    def _read(self, first: int, last: int) -> ComplexArray:
        parts, at = [np.empty((0, *self.radar.frame_shape), dtype=np.complex64)], 0
        for frames, _ in self.blocks:
            parts.append(frames[max(0, first - at) : max(0, last - at)])
            at += len(frames)
        return np.concatenate(parts)


class LiveExtractor:
    """Find a person in frames that come in, and follow the motion of the chest.

    The number of signals is that of the first choice for good. Not thread-safe.

    Args:
        radar: the radar.
        settings: as of `chain.extract_motion`.
        warmup_s: so much is collected before points are chosen; more finds them more surely.
        places: points that were chosen before, followed from the first frame on; None searches them.

    Attributes:
        places: where the points are; None before they are chosen.
        channels: number of signals; 0 before points are chosen.
        warnings: what a person should know about the points, one line each.
        facts: further facts about them.
        progress: what is going on, one line.
        searches: how often points were searched.

    Raises:
        InputError: a value is out of range.
    """

    def __init__(
        self,
        radar: FmcwRadar,
        settings: ExtractSettings | None = None,
        warmup_s: float = 20.0,
        places: Places | None = None,
    ) -> None:
        if not 8 <= warmup_s <= 60:
            raise InputError.of("warmup_s", "between 8 and 60", warmup_s)
        self.radar, self.settings, self.warmup_s = radar, settings or ExtractSettings(), warmup_s
        self.places, self.channels = places, 0
        self.warnings: tuple[str, ...] = ()
        self.facts: dict[str, str] = {}
        self.progress = "waiting for the first frame"
        self.searches = 0
        self._start = Start()
        self._tried = False
        self._collected: Collected | None = None
        self._follower: Follower | None = None
        if places is None:
            self._collected = Collected(radar, warmup_s)
        else:
            self._settle(places, self._start)

    def push(self, frames: ComplexArray, lost: NDArray[np.floating]) -> list[Moved]:
        """Take the next frames; takes seconds when points are searched.

        Args:
            frames: (frame, chirp, rx, sample), zeros where samples were lost.
            lost: (frame,) share of the bytes that was lost.

        Returns:
            What is known by now, in order and without overlap; frames that are passed over are never told later.
        """
        step = max(1, min(frames_at_once(self.radar), round(self.radar.frame_rate_hz)))
        found: list[Moved] = []
        for at in range(0, len(frames), step):
            found += self._push(frames[at : at + step], lost[at : at + step])
        return found

    def gap(self, count: int) -> list[Moved]:
        """Take `count` frames of which nothing arrived; more than are kept are passed over without output."""
        found = self._follower.gap(count) if self._follower is not None else []
        if self._collected is not None:
            if count > self._collected.most // 4 or not self._collected.n_frames:
                end = self._collected.first + self._collected.n_frames + count
                self._collected = Collected(self.radar, self.warmup_s, end)
            else:
                blank = np.zeros((count, *self.radar.frame_shape), dtype=np.complex64)
                self._collected.add(blank, np.ones(count))
        return found

    def restart(self) -> None:
        """Count frames from 0 again, since the radar began anew; points that were chosen stay."""
        self._start = Start(level_m=self._start.level_m)
        if self._collected is not None:
            self._collected = Collected(self.radar, self.warmup_s)
        if self._follower is not None:
            self._follower.begin(Start())

    def search(self) -> None:
        """Search everything anew, on the frames that come next; the old points go on meanwhile."""
        if self._collected is None and self._follower is not None:
            self._collected = Collected(self.radar, self.warmup_s, self._follower.end)

    def finish(self) -> list[Moved]:
        """Return the last frames of a stream that ends here."""
        return self._follower.finish() if self._follower is not None else []

    def _push(self, frames: ComplexArray, lost: NDArray[np.floating]) -> list[Moved]:
        found: list[Moved] = []
        if self._follower is not None:
            found = self._follower.push(frames, lost)
        if self._collected is not None:
            self._collected.add(frames, lost)
            if self._collected.full:
                return found + self._search(self._collected)
            if self._follower is None and not self._tried:
                seconds = self._collected.n_frames / self.radar.frame_rate_hz
                self.progress = f"warming up: {seconds:.0f} of {self.warmup_s:g} s"
        elif self._follower is not None and self._follower.heartless >= _HEARTLESS:
            self.search()
        return found

    def _search(self, collected: Collected) -> list[Moved]:
        """Search points in what was collected; without success, go on collecting."""
        share = float(collected.lost.mean())
        if share > MOST_LOST:
            self.progress, self._tried = f"{share:.0%} of the bytes are lost, too many to look for a person", True
            collected.shorten()
            return []
        self.searches, self._tried = self.searches + 1, True
        findings = Findings([], {})
        try:
            places = find_places(collected, self._settings(), findings)
        except InputError as error:
            self.progress = str(error)
            self._leave()
            collected.shorten()
            return []
        if self._follower is not None and not places.voxels.has_heart:
            self.progress = "no heartbeat stands out at any point; the old points are kept"
            self._collected, self._follower.heartless = None, 0
            return []
        self._leave()
        start = Start(collected.first, max(collected.first, self._start.emit_from), self._start.level_m)
        follower = self._settle(places, start)
        self.warnings, self.facts = tuple(findings.warnings), findings.facts
        self._collected = None
        return follower.whole(collected.blocks)

    def _settings(self) -> ExtractSettings:
        return self.settings if not self.channels else replace(self.settings, points=self.channels)

    def _settle(self, places: Places, start: Start) -> Follower:
        """Follow new places from now on."""
        self.places, self.channels = places, self.channels or len(places.points_m)
        self._follower = Follower(places, self.channels, max(20.0, self.warmup_s), start)
        self._follower.heartless = 0 if places.voxels.has_heart else _HEARTLESS - 1
        self.progress = f"following {len(places.points_m)} points"
        return self._follower

    def _leave(self) -> None:
        """Give the old points up, and remember how far their motion was given out."""
        if self._follower is not None:
            motion = self._follower.motion
            self._start = Start(emit_from=motion.next, level_m=motion.level_m)
            self._follower = None
