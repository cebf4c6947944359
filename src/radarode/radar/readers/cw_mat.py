"""Continuous-wave I and Q in a MATLAB file: `radar_i`, `radar_q`, `fs_radar` (Schellenberger et al. 2020).

MATLAB v5 variables are compressed whole, so I and Q are held in memory: an hour at 2 kHz is 58 MB.
Samples that are NaN count as lost and are read as 0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from radarode.core.errors import InputError
from radarode.core.hdf5 import members, open_hdf5, read_array
from radarode.core.mat import is_mat5, is_mat73, load_variables, numeric, variables
from radarode.radar.capture import Capture
from radarode.radar.capture_facts import CaptureFacts, CaptureOptions, check_shares
from radarode.radar.description import CwRadar, Radar

NAME = "cw-mat"
LAYOUT = "continuous-wave .mat: radar_i, radar_q and fs_radar"
SUFFIXES = (".mat",)
PRIORITY = 50
CARRIER_HZ = 24.17e9
"""Centre of the 24 GHz band that the six-port radar of the published data set works in."""
_NAMES = ("radar_i", "radar_q", "fs_radar")
_FLAT = 3
"""So many equal samples in a row at the largest or smallest value are clipping."""


class CwCapture(Capture):
    """Read I and Q from memory."""

    def __init__(self, radar: CwRadar, source: Path, facts: CaptureFacts, samples: np.ndarray) -> None:
        super().__init__(radar, source, facts)
        self._samples = samples

    def _read(self, first: int, last: int) -> np.ndarray:
        return self._samples[first:last]


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether the file is a MATLAB file with I and Q."""
    try:
        if is_mat5(head):
            return set(_NAMES[:2]) <= set(variables(path))
        if is_mat73(head):
            with open_hdf5(path) as file:
                return set(_NAMES[:2]) <= set(members(file))
    except InputError:
        return True
    return False


def open(path: Path, radar: Radar | None, options: CaptureOptions) -> Capture:
    """Open continuous-wave I and Q.

    Raises:
        InputError: missing or unequal variables, an infinite sample, too much lost or clipped, or damaged.
    """
    i, q, fs_hz = _load(path)
    if i.size != q.size or i.size < 2:
        raise InputError(f"radar_i and radar_q must be equally long, two samples or more; got {i.size} and {q.size}.")
    if radar is not None and not isinstance(radar, CwRadar):
        raise InputError(
            f"{path.name} comes from a continuous-wave radar; {radar.name} describes a {radar.kind} radar."
        )
    if fs_hz is None and radar is None:
        raise InputError(f"{path.name} lacks fs_radar, the sampling rate. Name a description of the radar.")
    described = radar or CwRadar("cw 24 GHz", CARRIER_HZ, fs_hz or 0.0)
    if fs_hz is not None and abs(described.fs_hz - fs_hz) > 1e-6 * fs_hz:
        raise InputError(f"{path.name} was sampled at {fs_hz:g} Hz; {described.name} says {described.fs_hz:g} Hz.")
    lost = np.isnan(i) | np.isnan(q)
    if np.isinf(i).any() or np.isinf(q).any():
        raise InputError(f"{path.name} holds infinite samples.")
    samples = np.where(lost, 0, i) + 1j * np.where(lost, 0, q)
    facts = CaptureFacts(NAME, i.size, lost.astype(np.float32), max(_clipped(i), _clipped(q)))
    check_shares(facts, options, path.name)
    return CwCapture(described, path, facts, samples.astype(np.complex64))


def _load(path: Path) -> tuple[np.ndarray, np.ndarray, float | None]:
    with path.open("rb") as file:
        head = file.read(128)
    if is_mat73(head):
        with open_hdf5(path) as file:
            found = {name: read_array(file, name) for name in _NAMES if name in members(file)}
    else:
        found = load_variables(path, _NAMES)
    for name in _NAMES[:2]:
        if name not in found:
            raise InputError(f"{path.name} lacks {name}.")
    i, q = (numeric(found[name], name).reshape(-1) for name in _NAMES[:2])
    rate = numeric(found["fs_radar"], "fs_radar").reshape(-1) if "fs_radar" in found else None
    if rate is not None and (rate.size != 1 or not np.isfinite(rate[0])):
        raise InputError(f"fs_radar in {path.name} must be one number, the sampling rate in Hz.")
    return i, q, None if rate is None else float(rate[0])


def _clipped(values: np.ndarray) -> float:
    """Return the share of samples in flat stretches at the largest or smallest value."""
    known = values[~np.isnan(values)]
    if not known.size or known.min() == known.max():
        return 1.0
    share = 0
    for edge in (known.min(), known.max()):
        at = np.flatnonzero(np.diff(np.concatenate(([False], values == edge, [False])).astype(np.int8)))
        runs = at[1::2] - at[::2]
        share += int(runs[runs >= _FLAT].sum())
    return share / known.size
