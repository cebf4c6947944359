"""A person for as long as wanted, in blocks: the motion of a live simulation.

Rhythm and breathing are drawn for an hour at a time; the next hour begins one interval after the last beat of the one
before, so that no beat is cut or doubled. Chest, sensor and the shape of the beats stay the same for ever. Noise and
body movement are drawn block by block and faded into each other with constant power. Memory does not grow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.types import STATUSES, Status
from radarode.simulate.breathing import GRID_HZ, Breathing, simulate_breathing
from radarode.simulate.chest import Timing, beat_timing, cardiac_rcg, sample_points
from radarode.simulate.heart import Rhythm, simulate_rhythm
from radarode.simulate.pace import Pace, check_pace, paced
from radarode.simulate.recording import Conditions
from radarode.simulate.sensor import MOVEMENT_PER_MIN, body_movement, constant_noise, sample_sensor
from radarode.simulate.traits import Person

FloatArray = NDArray[np.floating]
BLOCK_S = 20.0
FADE_S = 5.0
STRETCH_S = 3600.0
REACH_S = 3.0
"""How far from its R peak a beat moves the chest, generously."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Hold the next motion of an endless simulation.

    Attributes:
        first: number of its first sample, at 200 Hz.
        rcg: (channel, time) float32.
        r_s: (beat,) true R peaks in it, in seconds from the very first sample.
    """

    first: int
    rcg: NDArray[np.float32]
    r_s: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """An hour of heart and breathing; beats in seconds from the very first sample, breathing from `offset_s`."""

    offset_s: float
    until_s: float
    breathing: Breathing
    rhythm: Rhythm
    timing: Timing


def endless_motion(
    person: Person,
    status: Status,
    rng: np.random.Generator,
    conditions: Conditions | None = None,
    pace: Pace = (),
) -> Iterator[Block]:
    """Simulate a person block by block, without end.

    Args:
        person: who.
        status: "NB", "IB", "PE" (which calms down and after an hour becomes "NB") or "SP".
        rng: source of randomness; the same state gives the same motion.
        conditions: noise, channels, movement, rhythm; None for the defaults. No ECG is made, so `beats` is ignored.
        pace: heart rates to keep from given times on; the variability stays the person's own.

    Yields:
        Blocks of 20 s, consecutive.

    Raises:
        InputError: status or pace out of range.

    Example:
        >>> from radarode.simulate import person_of
        >>> motion = endless_motion(person_of(1, 0), "NB", np.random.default_rng(0), Conditions(n_channels=2))
        >>> block = next(motion)
        >>> block.rcg.shape, next(motion).first
        ((2, 4000), 4000)
    """
    if status not in STATUSES:
        raise InputError.of("status", f"one of {', '.join(STATUSES)}", repr(status))
    check_pace(pace)
    return _Endless(person, status, rng, conditions or Conditions(), pace).blocks()


class _Endless:
    """Draw stretches of physiology as they are needed and render blocks of motion from them."""

    def __init__(
        self, person: Person, status: Status, rng: np.random.Generator, conditions: Conditions, pace: Pace
    ) -> None:
        self.person, self.conditions, self.pace = person, conditions, pace
        self.status: Status = status
        self.heart_rng, chest_rng, self.noise_rng, self.movement_rng = rng.spawn(4)
        self.sensor = sample_sensor(FS_HZ, chest_rng)
        self.points = sample_points(conditions.n_channels, chest_rng)
        self.shape_seed = int(chest_rng.integers(2**32))
        own_db = float(np.clip(person.snr_db + self.noise_rng.normal(0, 1.5) + 3.0 * (status == "SP"), 0, 18))
        self.snr_db = own_db if conditions.snr_db is None else conditions.snr_db
        self.stretches = [self._stretch(None)]
        self.reference = self._reference()
        self.tail: FloatArray | None = None

    def blocks(self) -> Iterator[Block]:
        number = 0
        while True:
            yield self._block(number)
            number += 1

    def _block(self, number: int) -> Block:
        start_s, n = number * BLOCK_S, round(BLOCK_S * FS_HZ)
        stop_s = start_s + BLOCK_S
        while self.stretches[-1].until_s < stop_s + REACH_S:
            self.stretches.append(self._stretch(self.stretches[-1]))
        self.stretches = [kept for kept in self.stretches if kept.until_s > start_s - 2 * REACH_S]
        rhythm, timing = self._beats(start_s, stop_s)
        rcg = self._cardiac(rhythm, timing, n) + self._disturbance(n)
        gain = self.points.breathing_gain * self.sensor.response(np.array([0.7]))
        rcg += np.outer(gain, self._breathing(start_s + np.arange(n) / FS_HZ)).astype(np.float32)
        r_s = rhythm.r_s[(rhythm.r_s >= 0) & (rhythm.r_s < BLOCK_S)] + start_s
        return Block(number * n, np.ascontiguousarray(rcg, np.float32), r_s)

    def _stretch(self, before: _Stretch | None) -> _Stretch:
        person, status = self.person, self.status
        if before is not None and status == "PE":
            calm_bpm = 60 / float(np.mean(np.diff(before.rhythm.r_s[-60:]))) if len(before.rhythm.r_s) > 60 else None
            heart = person.heart if calm_bpm is None else replace(person.heart, rate_bpm=calm_bpm)
            self.person, self.status = replace(person, heart=heart), "NB"
            person, status = self.person, self.status
        rng, chosen = self.heart_rng, self.conditions
        breathing = simulate_breathing(person.breathing, STRETCH_S, status, rng)
        own = simulate_rhythm(person.heart, breathing, status, rng, chosen.ectopic_per_min, chosen.irregular)
        first, offset_s = (0, 0.0) if before is None else _join(before, own)
        rhythm = paced(own, first, offset_s, offset_s + STRETCH_S, self.pace)
        local = replace(rhythm, r_s=rhythm.r_s - offset_s)
        empty = np.empty(0)
        timing = Timing(empty, empty, empty, empty)
        if len(local.r_s):
            timing = beat_timing(person.mechanics, local, breathing, status, rng)
        timing = replace(timing, opening_s=timing.opening_s + offset_s, closure_s=timing.closure_s + offset_s)
        return _Stretch(offset_s, offset_s + STRETCH_S, breathing, rhythm, timing)

    def _beats(self, start_s: float, stop_s: float) -> tuple[Rhythm, Timing]:
        """Return the beats that move the chest between two times, counted from the first of them."""
        rows, irregular = [], False
        for part in self.stretches:
            r_s = part.rhythm.r_s
            near = (r_s >= start_s - REACH_S) & (r_s < min(stop_s + REACH_S, part.until_s))
            timing, irregular = part.timing, part.rhythm.irregular
            columns = (r_s, timing.opening_s, timing.closure_s, timing.gain, timing.turn, part.rhythm.kind)
            rows.append(np.stack([column[near] for column in columns]))
        r_s, opening_s, closure_s, gain, turn, kind = np.concatenate(rows, axis=1)
        rhythm = Rhythm(r_s - start_s, kind.astype(int), irregular)
        return rhythm, Timing(opening_s - start_s, closure_s - start_s, gain, turn)

    def _cardiac(self, rhythm: Rhythm, timing: Timing, n: int) -> FloatArray:
        shapes = np.random.default_rng(self.shape_seed)  # the same shapes in every block
        return cardiac_rcg(self.person, rhythm, timing, self.points, self.sensor, n, shapes)

    def _reference(self) -> FloatArray:
        """Return beats at the person's own rate, which set the level of noise even while the heart stands still."""
        duration_s, traits = BLOCK_S + FADE_S, self.person
        rng = np.random.default_rng(self.shape_seed)
        breathing = simulate_breathing(traits.breathing, duration_s, self.status, rng)
        rhythm = simulate_rhythm(traits.heart, breathing, self.status, rng)
        timing = beat_timing(traits.mechanics, rhythm, breathing, self.status, rng)
        return self._cardiac(rhythm, timing, round(duration_s * FS_HZ))

    def _disturbance(self, n: int) -> FloatArray:
        """Return the next block of noise and movement, faded into the one before."""
        wanted = self.conditions.movement_per_min
        per_min = MOVEMENT_PER_MIN[self.status] if wanted is None else wanted
        fresh = constant_noise(self.reference, self.sensor, self.snr_db, self.noise_rng)
        fresh = fresh + body_movement(self.reference, FS_HZ, per_min, self.movement_rng)[0]
        fade = self.reference.shape[1] - n
        if self.tail is not None:
            turn = 0.5 * np.pi * (np.arange(fade) + 0.5) / fade
            fresh[:, :fade] = np.sin(turn) * fresh[:, :fade] + np.cos(turn) * self.tail
        self.tail = fresh[:, n:].copy()
        return fresh[:, :n]

    def _breathing(self, time_s: FloatArray) -> FloatArray:
        """Return the chest's slow acceleration; where two stretches meet, one fades into the other within 2 s."""
        total = np.zeros(len(time_s))
        for order, part in enumerate(self.stretches):
            begins = np.clip((time_s - part.offset_s + 1.0) / 2.0, 0, 1) if part.offset_s > 0 or order else 1.0
            ends = np.clip((part.until_s + 1.0 - time_s) / 2.0, 0, 1)
            local_s = np.clip(time_s - part.offset_s, part.breathing.time_s[0], part.breathing.time_s[-1])
            total += begins * ends * _acceleration(part.breathing, local_s)
        return total


def _join(before: _Stretch, own: Rhythm) -> tuple[int, float]:
    """Return the first beat of a new stretch that is used, and where its time begins."""
    first = int(np.searchsorted(own.r_s, 0.0))
    beats = before.rhythm.r_s[before.rhythm.r_s < before.until_s]
    if len(beats) < 2 or before.until_s - beats[-1] > REACH_S:
        return first, before.until_s
    return first, float(2 * beats[-1] - beats[-2] - own.r_s[first])


def _acceleration(breathing: Breathing, time_s: FloatArray) -> FloatArray:
    """Return the second derivative at increasing times, from the part of the grid around them alone."""
    first, last = np.searchsorted(breathing.time_s, (time_s[0], time_s[-1]))
    near = slice(max(0, first - round(2 * GRID_HZ)), last + round(2 * GRID_HZ))
    part = Breathing(
        breathing.time_s[near], breathing.phase_rad[near], breathing.depth[near], breathing.displacement_mm[near]
    )
    return part.acceleration(time_s)
