"""Put heart, breathing, chest and sensor together into one simulated recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.types import STATUSES, Recording, Status
from radarode.simulate.breathing import simulate_breathing
from radarode.simulate.chest import Timing, beat_timing, cardiac_rcg, sample_points
from radarode.simulate.ecg import RealBeats, place_beats, simulate_ecg
from radarode.simulate.heart import Rhythm, simulate_rhythm
from radarode.simulate.sensor import MOVEMENT_PER_MIN, body_movement, constant_noise, sample_sensor
from radarode.simulate.traits import Person

FloatArray = NDArray[np.floating]

CLEAN = float("inf")
"""`Conditions.snr_db` for no sensor noise at all."""

LONGEST_S = 24 * 3600.0
MOST_CHANNEL_SECONDS = 500_000.0
"""Channels times seconds of one recording: 50 channels for 2.8 h, about 3 GB at work."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Choose what a simulated recording contains; the defaults draw what a person of that status shows.

    Attributes:
        snr_db: cardiac motion against constant noise within 1-25 Hz, median over points. None draws around
            the person's own level in 0-15 dB (SP: 3 dB better); infinity leaves the noise out.
        n_channels: number of observed points.
        movement_per_min: mean number of body movements a minute; None takes the status's own rate.
        ectopic_per_min: mean number of premature beats a minute; above 0 at least one occurs.
        irregular: atrial-fibrillation-like rhythm.
        beats: real beats (`cut_beats`) that replace the ECG model.
    """

    snr_db: float | None = None
    n_channels: int = 50
    movement_per_min: float | None = None
    ectopic_per_min: float = 0.0
    irregular: bool = False
    beats: RealBeats | None = None

    def __post_init__(self) -> None:
        if self.snr_db is not None and not self.snr_db >= -60:
            raise InputError.of("snr_db", "at least -60 dB (inf for no noise)", self.snr_db)
        if not 1 <= self.n_channels <= 4096:
            raise InputError.of("n_channels", "between 1 and 4096", self.n_channels)
        if self.movement_per_min is not None and not 0 <= self.movement_per_min <= 60:
            raise InputError.of("movement_per_min", "between 0 and 60", self.movement_per_min)
        if not 0 <= self.ectopic_per_min <= 30:
            raise InputError.of("ectopic_per_min", "between 0 and 30", self.ectopic_per_min)


def simulate_recording(
    person: Person,
    duration_s: float,
    status: Status,
    rng: np.random.Generator,
    conditions: Conditions | None = None,
    trial: str = "1",
) -> Recording:
    """Simulate one recording of a person.

    Heart, chest, noise, movement and ECG draw from separate streams, so two recordings from equal generators
    that differ only in `snr_db` or `movement_per_min` have the same beats and the same cardiac motion.

    Args:
        person: who.
        duration_s: length, 2 s to 24 h.
        status: "NB", "IB", "PE" or "SP".
        rng: source of randomness.
        conditions: noise, channels, movement, rhythm; None for the defaults.
        trial: which recording of that person.

    Returns:
        A recording at 200 Hz with `source="simulated"`, true sub-sample R peaks, ECG and point positions.

    Raises:
        InputError: length, status or size out of range.

    Example:
        >>> from radarode.simulate import Conditions, sample_person
        >>> rng = np.random.default_rng(1)
        >>> clean = Conditions(snr_db=float("inf"), n_channels=4)
        >>> recording = simulate_recording(sample_person(rng), 10.0, "NB", rng, clean)
        >>> recording.rcg.shape, recording.source
        ((4, 2000), 'simulated')
    """
    if not 2.0 <= duration_s <= LONGEST_S:
        raise InputError.of("duration_s", "between 2 s and 24 h", duration_s)
    if status not in STATUSES:
        raise InputError.of("status", f"one of {', '.join(STATUSES)}", repr(status))
    chosen = conditions or Conditions()
    if duration_s * chosen.n_channels > MOST_CHANNEL_SECONDS:
        rule = f"at most {MOST_CHANNEL_SECONDS / chosen.n_channels:g} s with {chosen.n_channels} channels"
        raise InputError.of("duration_s", rule, duration_s, "Make several recordings")
    n = round(duration_s * FS_HZ)
    heart_rng, chest_rng, noise_rng, movement_rng, ecg_rng = rng.spawn(5)
    breathing = simulate_breathing(person.breathing, duration_s, status, heart_rng)
    rhythm = simulate_rhythm(person.heart, breathing, status, heart_rng, chosen.ectopic_per_min, chosen.irregular)
    timing = beat_timing(person.mechanics, rhythm, breathing, status, heart_rng)
    sensor = sample_sensor(FS_HZ, chest_rng)
    points = sample_points(chosen.n_channels, chest_rng)
    cardiac = cardiac_rcg(person, rhythm, timing, points, sensor, n, chest_rng)
    snr_db = _snr_db(person, status, chosen, noise_rng)
    rcg = cardiac + constant_noise(cardiac, sensor, snr_db, noise_rng)
    per_min = MOVEMENT_PER_MIN[status] if chosen.movement_per_min is None else chosen.movement_per_min
    movement, spans_s = body_movement(cardiac, FS_HZ, per_min, movement_rng)
    rcg += movement
    residue = breathing.acceleration(np.arange(n) / FS_HZ) * sensor.response(np.array([0.7]))
    rcg += np.outer(points.breathing_gain, residue).astype(np.float32)
    if chosen.beats is None:
        ecg_mv = simulate_ecg(person.ecg, rhythm, n, FS_HZ, ecg_rng)
    else:
        ecg_mv = place_beats(chosen.beats, rhythm, n, FS_HZ, ecg_rng)
    inside = (rhythm.r_s >= 0) & (rhythm.r_s <= (n - 1) / FS_HZ)
    return Recording(
        rcg=rcg,
        fs_hz=FS_HZ,
        ecg_mv=ecg_mv,
        r_peaks_s=rhythm.r_s[inside],
        positions_m=points.positions_m,
        subject=person.subject,
        trial=trial,
        status=status,
        source="simulated",
        motion="displacement",
        notes=_notes(snr_db, rhythm, inside, timing, spans_s, chosen),
    )


def _snr_db(person: Person, status: Status, conditions: Conditions, rng: np.random.Generator) -> float:
    draw_db = float(np.clip(person.snr_db + rng.normal(0, 1.5) + (3.0 if status == "SP" else 0.0), 0, 18))
    return draw_db if conditions.snr_db is None else conditions.snr_db


def _notes(
    snr_db: float,
    rhythm: Rhythm,
    inside: NDArray[np.bool_],
    timing: Timing,
    spans_s: FloatArray,
    conditions: Conditions,
) -> dict[str, str]:
    return {
        "snr_db": f"{snr_db:.2f}",
        "ectopic_beats": str(int(np.count_nonzero(rhythm.kind[inside]))),
        "irregular": str(rhythm.irregular).lower(),
        "movements_s": " ".join(f"{start:.2f}-{stop:.2f}" for start, stop in spans_s),
        "r_to_opening_ms": f"{1000 * np.median(timing.opening_s - rhythm.r_s):.1f}",
        "ecg": "model" if conditions.beats is None else "real beats at simulated times",
    }
