"""Mechanical events of each heartbeat, read from the motion: an estimate, not a measurement.

A heartbeat shakes the chest twice: v1 around the opening of the aortic valve (AO), v2 around its closing (AC). From
the pooled band energy of the motion, stretch by stretch of 60 s:

1. The energy around the R peaks is averaged. v1 is its highest maximum in a window around R + PEP - 40 ms, v2 that
   around R - 40 ms + PEP + LVET, both from Weissler's regressions with the heart rate; the windows are wide.
2. In each beat, the part of the average around each event is matched over all channels within 50 ms of its usual place.
3. The onset of an event is where the average rises through half of its height, moved like the peak.

AO is taken to be the peak of v1, AC the peak of v2. What is not validated: neither was compared with an echocardiogram
or an impedance cardiogram; on simulated motion the errors are known (tests), on people they are not. A reconstruction
that takes v2 for v1 makes both wrong.

Reference: Weissler, Harris, Schoenfeld, Circulation 37, 1968 (regressions of PEP, LVET and QS2, means of both sexes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.types import Beats, Recording
from radarode.reconstruction.mechanical_events import LAGS_S, average_energy, find_event, whole_beats
from radarode.signal.motion_energy import EnergySettings, motion_energy
from radarode.signal.reference import reference_r_peaks

FloatArray = NDArray[np.floating]

STRETCH_S = 60.0
FEWEST_BEATS = 5
"""Fewer beats in a stretch are too few for an average: their events are NaN."""

MEANING = (
    "Estimates from chest motion: AO is taken to be the peak of v1, AC the peak of v2. Not validated against "
    "echocardiography or impedance cardiography."
)


@dataclass(frozen=True, slots=True, eq=False)
class MechanicalBeats:
    """Hold the estimated events of every beat; times in s from the start of the recording, NaN where not clear.

    Attributes:
        r_s: (beat,) reconstructed R peaks that the search started from.
        v1_onset_s, v1_peak_s: (beat,) rise and peak of the vibration at ejection; the peak is the estimate of AO.
        v2_onset_s, v2_peak_s: (beat,) the same at valve closure; the peak is the estimate of AC.
        v1_confidence, v2_confidence: (beat,) in [0, 1].
        pep_like_s: (beat,) reference R to AO, if there is a reference. PEP proper counts from Q, some 40 ms earlier; a
            constant delay between motion and ECG is in it.
        lvet_like_s: (beat,) AO to AC, named so only beside a reference; it equals `v1_v2_s`.
        lag_s, average: (lag,) mean energy over all beats around R, in units of its local median.
    """

    r_s: FloatArray
    v1_onset_s: FloatArray
    v1_peak_s: FloatArray
    v2_onset_s: FloatArray
    v2_peak_s: FloatArray
    v1_confidence: FloatArray
    v2_confidence: FloatArray
    pep_like_s: FloatArray | None
    lvet_like_s: FloatArray | None
    lag_s: FloatArray
    average: FloatArray

    @property
    def v1_v2_s(self) -> FloatArray:
        """Return the (beat,) interval between the peaks of v1 and v2."""
        return self.v2_peak_s - self.v1_peak_s

    def __len__(self) -> int:
        return len(self.r_s)

    def summary(self) -> dict[str, Any]:
        """Return medians and interquartile ranges in ms, and the share of beats with each event, for JSON."""
        intervals = {
            "r_to_v1_onset_ms": self.v1_onset_s - self.r_s,
            "r_to_v1_peak_ms": self.v1_peak_s - self.r_s,
            "r_to_v2_onset_ms": self.v2_onset_s - self.r_s,
            "r_to_v2_peak_ms": self.v2_peak_s - self.r_s,
            "v1_v2_ms": self.v1_v2_s,
            "pep_like_ms": self.pep_like_s,
            "lvet_like_ms": self.lvet_like_s,
        }
        found = {name: np.isfinite(getattr(self, f"{name}_peak_s")).mean() if len(self) else 0.0 for name in _EVENTS}
        return {
            "what": MEANING,
            "beats": len(self),
            **{f"{name}_found": round(float(share), 3) for name, share in found.items()},
            **{name: _median_iqr(values) for name, values in intervals.items() if values is not None},
        }


_EVENTS = ("v1", "v2")


def _median_iqr(values_s: FloatArray) -> dict[str, float] | None:
    known = values_s[np.isfinite(values_s)]
    if len(known) == 0:
        return None
    low, middle, high = 1000.0 * np.percentile(known, (25, 50, 75))
    return {"median": round(float(middle), 1), "iqr": round(float(high - low), 1)}


def mechanical_beats(recording: Recording, beats: Beats, settings: EnergySettings | None = None) -> MechanicalBeats:
    """Estimate the mechanical events of every beat.

    Args:
        recording: motion at 200 Hz; its reference, if any, gives `pep_like_s` and nothing else.
        beats: of its reconstruction.
        settings: band and smoothing of the energy.

    Raises:
        InputError: the recording is at another rate.
    """
    if recording.fs_hz != FS_HZ:
        raise InputError.of("fs_hz", f"{FS_HZ:g} Hz", recording.fs_hz, "Use radarode.load, which resamples")
    motion = motion_energy(recording.rcg, settings or EnergySettings(smooth_s=0.02))
    events = {name: np.full((3, len(beats)), np.nan) for name in _EVENTS}
    for rows in events.values():
        rows[2] = 0.0
    clear = whole_beats(motion, beats.r_s)
    stretch = np.floor(beats.r_s / STRETCH_S)
    for number in np.unique(stretch):
        members = np.flatnonzero((stretch == number) & clear)
        if len(members) < FEWEST_BEATS:
            continue
        for name in _EVENTS:
            events[name][:, members] = find_event(motion, beats.r_s[members], beats.length_s[members], name)
    pep_like_s = _pep_like(recording, events["v1"][1])
    v1, v2 = events["v1"], events["v2"]
    return MechanicalBeats(
        beats.r_s, v1[0], v1[1], v2[0], v2[1], v1[2], v2[2],
        pep_like_s=pep_like_s,
        lvet_like_s=None if pep_like_s is None else v2[1] - v1[1],
        lag_s=LAGS_S,
        average=average_energy(motion, beats.r_s[clear])[0],
    )  # fmt: skip


def _pep_like(recording: Recording, opening_s: FloatArray) -> FloatArray | None:
    """Return the (beat,) time from the last reference R to AO, NaN where that is not within -50 to 300 ms."""
    if recording.ecg_mv is None and recording.r_peaks_s is None:
        return None
    reference_s = reference_r_peaks(recording)
    if len(reference_s) == 0:
        return np.full(len(opening_s), np.nan)
    index = np.clip(np.searchsorted(reference_s, opening_s + 0.05, side="right") - 1, 0, None)
    since_s = opening_s - reference_s[index]
    return np.where((since_s >= -0.05) & (since_s <= 0.3), since_s, np.nan)
