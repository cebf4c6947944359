"""What stands in front of a simulated radar: chests that move, and a room that does not.

Coordinates as in `radarode.radar.description`: x to the right as seen from the radar, y up, z away from it. A person
faces the radar, so x runs to the person's left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.types import STATUSES, Recording, Status
from radarode.signal.differentiate import second_derivative
from radarode.simulate.breathing import simulate_breathing
from radarode.simulate.chest import beat_timing
from radarode.simulate.ecg import simulate_ecg
from radarode.simulate.heart import simulate_rhythm
from radarode.simulate.motion import ChestMotion, chest_motion
from radarode.simulate.traits import Person

FloatArray = NDArray[np.floating]

CHEST_M = (0.13, 0.16)
"""Half width and half height of the patch of chest that reflects."""

LONGEST_S = 3600.0


@dataclass(frozen=True)
class Reflector:
    """Describe something that stands still.

    Attributes:
        place_m: (x, y, z).
        reflectivity: amplitude of its echo at 1 m; a whole chest has 1.
    """

    place_m: tuple[float, float, float]
    reflectivity: float


ROOM = (
    Reflector((0.03, 0.0, 0.04), 0.02),
    Reflector((0.28, -0.25, 0.62), 0.6),
    Reflector((-0.45, 0.1, 0.95), 2.5),
    Reflector((0.5, 0.3, 1.9), 6.0),
    Reflector((0.0, 0.1, 2.8), 30.0),
)
"""Leakage from transmitter to receiver, an armrest, a cupboard, a shelf and the wall, about as strong as a chest."""


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Hold the scatterers of a chest.

    Attributes:
        places_m: (scatterer, 3) at rest.
        inward: (scatterer, 3) unit vectors into the body, along which they move.
        reflectivity: (scatterer,) amplitude of each echo at 1 m; their squares add up to 1.
        local_m: (scatterer, 2) place on the chest, x to the left side, y to the head.
    """

    places_m: FloatArray
    inward: FloatArray
    reflectivity: FloatArray
    local_m: FloatArray


@dataclass(frozen=True)
class Placement:
    """Say where a person is and how finely the chest is resolved.

    Attributes:
        range_m: from the radar to the nearest place of the chest, about the sternum.
        azimuth_deg: direction, positive to the right as seen from the radar.
        scatterers: number of reflecting places.
        shifts_per_min: shifts of the whole body a minute.

    Raises:
        InputError: a value is out of range.
    """

    range_m: float = 0.45
    azimuth_deg: float = 0.0
    scatterers: int = 150
    shifts_per_min: float = 0.0

    def __post_init__(self) -> None:
        if not 0.15 <= self.range_m <= 20:
            raise InputError.of("range_m", "between 0.15 and 20 m", self.range_m)
        if not -80 <= self.azimuth_deg <= 80:
            raise InputError.of("azimuth_deg", "between -80 and 80 degrees", self.azimuth_deg)
        if not 1 <= self.scatterers <= 4096:
            raise InputError.of("scatterers", "between 1 and 4096", self.scatterers)
        if not 0 <= self.shifts_per_min <= 60:
            raise InputError.of("shifts_per_min", "between 0 and 60", self.shifts_per_min)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """Hold one person in view with everything that is true about them.

    Attributes:
        surface: the chest.
        motion: how it moves.
        person: who.
        ecg_mv: (time,) ECG at 200 Hz.
        r_peaks_s: (beat,) R peaks.
        status: MMECG status.
    """

    surface: Surface
    motion: ChestMotion
    person: Person
    ecg_mv: FloatArray
    r_peaks_s: FloatArray
    status: Status

    def displacement_m(self) -> FloatArray:
        """Return (scatterer, time) displacement at 200 Hz, metres away from the radar."""
        return self.motion.displacement_m(np.arange(len(self.ecg_mv)) / FS_HZ)

    def truth(self, notes: dict[str, str]) -> Recording:
        """Return the true motion of all scatterers as a recording: RCG in mm/s^2, ECG, R peaks, places."""
        return Recording(
            rcg=second_derivative(1000 * self.displacement_m(), FS_HZ),
            fs_hz=FS_HZ,
            ecg_mv=self.ecg_mv,
            r_peaks_s=self.r_peaks_s,
            positions_m=self.surface.places_m,
            subject=self.person.subject,
            status=self.status,
            source="simulated",
            motion="displacement",
            notes=notes,
        )


def sample_surface(placement: Placement, rng: np.random.Generator) -> Surface:
    """Draw the scatterers of a chest: a curved patch on a jittered grid, rough by about a millimetre.

    Radii of curvature are 0.18-0.3 m across and 0.6-1.2 m along the body. Reflectivity is Rayleigh-distributed and
    falls with the angle between the surface's normal and the line to the radar (cosine to the eighth: skin reflects
    like a rough mirror).

    Args:
        placement: where.
        rng: source of randomness.

    Returns:
        The surface, facing the radar.
    """
    local_m = _jittered(placement.scatterers, rng)
    across_m, along_m = rng.uniform(0.18, 0.3), rng.uniform(0.6, 1.2)
    x, y = local_m.T
    depth_m = x**2 / (2 * across_m) + y**2 / (2 * along_m) + 0.001 * rng.standard_normal(len(x))
    places_m = np.column_stack([x, y, placement.range_m + depth_m])
    inward = np.column_stack([-x / across_m, -y / along_m, np.ones(len(x))])
    inward /= np.linalg.norm(inward, axis=1, keepdims=True)
    sight = places_m / np.linalg.norm(places_m, axis=1, keepdims=True)
    mirror = np.maximum((inward * sight).sum(axis=1), 0.0) ** 8
    strength = rng.rayleigh(1.0, len(x)) * np.maximum(mirror, 1e-3)
    turn = np.radians(placement.azimuth_deg)
    about_y = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    return Surface(places_m @ about_y.T, inward @ about_y.T, strength / np.linalg.norm(strength), local_m)


def simulate_subject(
    person: Person, duration_s: float, status: Status, placement: Placement, rng: np.random.Generator
) -> Subject:
    """Put a person in view.

    Args:
        person: who.
        duration_s: length, 2 s to 1 h.
        status: "NB", "IB", "PE" or "SP".
        placement: where.
        rng: source of randomness.

    Returns:
        The person, with a chest whose motion is known at any time of the recording.

    Raises:
        InputError: length or status out of range.

    Example:
        >>> from radarode.simulate import sample_person
        >>> rng = np.random.default_rng(0)
        >>> subject = simulate_subject(sample_person(rng), 5.0, "NB", Placement(scatterers=9), rng)
        >>> subject.displacement_m().shape
        (9, 1000)
    """
    if not 2.0 <= duration_s <= LONGEST_S:
        raise InputError.of("duration_s", "between 2 s and 1 h", duration_s)
    if status not in STATUSES:
        raise InputError.of("status", f"one of {', '.join(STATUSES)}", repr(status))
    heart_rng, chest_rng, motion_rng, ecg_rng = rng.spawn(4)
    n = round(duration_s * FS_HZ)
    breathing = simulate_breathing(person.breathing, duration_s, status, heart_rng)
    rhythm = simulate_rhythm(person.heart, breathing, status, heart_rng)
    timing = beat_timing(person.mechanics, rhythm, breathing, status, heart_rng)
    surface = sample_surface(placement, chest_rng)
    events = (rhythm, timing, breathing)
    motion = chest_motion(person, surface.local_m, events, placement.shifts_per_min, motion_rng)
    ecg_mv = simulate_ecg(person.ecg, rhythm, n, FS_HZ, ecg_rng)
    inside = (rhythm.r_s >= 0) & (rhythm.r_s <= (n - 1) / FS_HZ)
    return Subject(surface, motion, person, ecg_mv, rhythm.r_s[inside], status)


def _jittered(count: int, rng: np.random.Generator) -> FloatArray:
    """Return (count, 2) places spread evenly over the patch, each shifted within its cell."""
    width_m, height_m = CHEST_M
    columns = max(1, round(np.sqrt(count * width_m / height_m)))
    rows = -(-count // columns)
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij"), axis=-1).reshape(-1, 2)
    chosen = cells[np.sort(rng.permutation(len(cells))[:count])]
    return ((chosen + rng.uniform(0.1, 0.9, chosen.shape)) / (columns, rows) * 2 - 1) * (width_m, height_m)
