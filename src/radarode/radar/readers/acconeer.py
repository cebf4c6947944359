"""Acconeer recordings (.h5 of the exploration tool): pulsed coherent radar, A121 sparse I/Q and A111 I/Q.

A121: `sessions/session_0/group_0/entry_0/result/frame` (frame, sweep, point), int16 fields real and imag, with `tick`
(`server_info` states the ticks per second) and JSON texts that describe ranges and rates. A111: `data` (frame, 1,
point) complex with `sample_times` in seconds. Frames come at the rate that their own times state; where times leap, the
missing frames are put in as lost.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from radarode.core.errors import InputError
from radarode.core.hdf5 import SIGNATURE, child_group, find_dataset, members, open_hdf5, read_array, read_text
from radarode.radar.capture import Capture
from radarode.radar.capture_facts import CaptureFacts, CaptureOptions, check_shares
from radarode.radar.description import PulsedRadar, Radar

NAME = "acconeer"
LAYOUT = "Acconeer .h5: A121 sparse I/Q frames, or A111 I/Q data"
SUFFIXES = (".h5", ".hdf5")
PRIORITY = 40
CARRIER_HZ = 60.5e9
_A121 = ("sessions", "session_0", "group_0", "entry_0")
_MOST_FRAMES = 50_000_000
_TICKS_PER_SECOND = 1e6
"""Of an A121 file that does not state it."""

_RATE_TOLERANCE = 0.01
_RANGE_TOLERANCE_M = 1e-4


class AcconeerCapture(Capture):
    """Read frames of an Acconeer file, which is opened for each read.

    Args:
        radar: its description.
        source: the file.
        facts: what was found.
        place: groups and the dataset that holds the frames.
        stored: (frame,) index of each frame in the file, -1 for lost ones.
    """

    def __init__(
        self, radar: PulsedRadar, source: Path, facts: CaptureFacts, place: tuple[str, ...], stored: np.ndarray
    ) -> None:
        super().__init__(radar, source, facts)
        self._place, self._stored = place, stored
        self._points = radar.points

    def _read(self, first: int, last: int) -> np.ndarray:
        stored = self._stored[first:last]
        out = np.zeros((last - first, self._points), dtype=np.complex64)
        there = np.flatnonzero(stored >= 0)
        if not there.size:
            return out
        begin, end = int(stored[there[0]]), int(stored[there[-1]]) + 1
        with open_hdf5(self.source) as file:
            dataset = find_dataset(
                _group(file, self._place[:-1]), self._place[-1], max_bytes=None, complex_numbers=True
            )
            block = _block(dataset, begin, end, self.source.name)
        out[there] = _complex(block).mean(axis=1)
        return out


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether the file is HDF5 with the groups of an Acconeer recording."""
    if not head.startswith(SIGNATURE):
        return False
    try:
        with open_hdf5(path) as file:
            names = members(file)
    except InputError:
        return path.suffix.lower() in SUFFIXES
    return "sessions" in names or {"data", "sensor_config_dump"} <= set(names)


def open(path: Path, radar: Radar | None, options: CaptureOptions) -> Capture:
    """Open an Acconeer recording; it describes its own radar.

    Raises:
        InputError: links, other modes, several sensors or ranges, too much lost, or damaged.
    """
    with open_hdf5(path) as file:
        described, place, times_s, saturated, warnings = _a121(file) if "sessions" in members(file) else _a111(file)
    stored, rate_hz = _places(times_s, options)
    described = _checked(described, rate_hz, radar)
    lost = (stored < 0).astype(np.float32)
    facts = CaptureFacts(NAME, len(stored), lost, saturated, warnings=warnings)
    check_shares(facts, options, path.name)
    capture = AcconeerCapture(described, path, facts, place, stored)
    capture.read(0, min(len(stored), 1))
    return capture


def _checked(found: dict[str, Any], rate_hz: float, radar: Radar | None) -> PulsedRadar:
    """Return the description in the file, or the user's where it agrees with the file."""
    own = PulsedRadar(frame_rate_hz=rate_hz, **found)
    if radar is None:
        return own
    if not isinstance(radar, PulsedRadar) or radar.points != own.points:
        raise InputError(f"it holds {own.points} points per sweep of a pulsed radar; {radar.name} says otherwise.")
    if abs(radar.frame_rate_hz / rate_hz - 1) > _RATE_TOLERANCE:
        raise InputError(f"it holds {rate_hz:.5g} frames/s; {radar.name} says {radar.frame_rate_hz:.5g}.")
    for name in ("start_m", "step_m"):
        stated, said = getattr(own, name), getattr(radar, name)
        if abs(stated - said) * (own.points if name == "step_m" else 1) > _RANGE_TOLERANCE_M:
            raise InputError(f"it states {name} = {stated:.5g}; {radar.name} says {said:.5g}.")
    return radar


Found = tuple[dict[str, Any], tuple[str, ...], np.ndarray, float | None, tuple[str, ...]]


def _a121(file: h5py.File) -> Found:
    entry = _group(file, _A121)
    result = child_group(entry, "result")
    frame = find_dataset(result, "frame", max_bytes=None, complex_numbers=True)
    _, sweeps, points = _shape(frame)
    meta = _json(entry, "metadata")
    subsweep, several = _subsweep(_json(_group(file, _A121[:2]), "session_config"))
    step = _number(meta, "base_step_length_m")
    ranges = {
        "start_m": step * _number(subsweep, "start_point"),
        "step_m": step * _number(subsweep, "step_length"),
    }
    found = {"name": "acconeer a121", "carrier_hz": CARRIER_HZ, "points": points, "sweeps": sweeps, **ranges}
    saturated = float(read_array(result, "data_saturated").mean()) if "data_saturated" in members(result) else None
    warnings = ("only the first sensor of the first group is read",) if several else ()
    times_s = read_array(result, "tick").astype(np.float64) / _ticks_per_second(file)
    return found, (*_A121, "result", "frame"), _one_per_frame(times_s, frame), saturated, warnings


def _ticks_per_second(file: h5py.File) -> float:
    info = _json(file, "server_info") if "server_info" in members(file) else {}
    if info.get("ticks_per_second") is None:
        return _TICKS_PER_SECOND
    ticks = _number(info, "ticks_per_second")
    if not 0 < ticks < np.inf:
        raise InputError(f"its ticks_per_second must be a positive number; got {ticks}.")
    return ticks


def _subsweep(config: dict[str, Any]) -> tuple[Any, bool]:
    """Return the one subsweep of the first sensor, and whether there are further sensors or groups."""
    groups = config.get("groups")
    sensors = groups[0] if isinstance(groups, list) and groups else None
    if not isinstance(groups, list) or not isinstance(sensors, dict) or not sensors:
        raise InputError("its session_config must list groups of sensors; it does not.")
    first = next(iter(sensors.values()))
    subsweeps = first.get("subsweeps") if isinstance(first, dict) else None
    if not isinstance(subsweeps, list) or len(subsweeps) != 1:
        count = len(subsweeps) if isinstance(subsweeps, list) else "no"
        raise InputError(f"it holds {count} subsweeps; exactly one range is read. Record one subsweep.")
    return subsweeps[0], len(groups) > 1 or len(sensors) > 1


def _a111(file: h5py.File) -> Found:
    data = find_dataset(file, "data", max_bytes=None, complex_numbers=True)
    _, sensors, points = _shape(data)
    if sensors != 1:
        raise InputError(f"it holds {sensors} sensors; exactly one is read. Record one sensor.")
    if data.dtype.kind != "c":
        raise InputError(f"it holds {data.dtype} envelopes or sweeps without phase. Record in the I/Q mode.")
    info = _json(file, "session_info")
    ranges = {"start_m": _number(info, "range_start_m"), "step_m": _number(info, "step_length_m")}
    found = {"name": "acconeer a111", "carrier_hz": CARRIER_HZ, "points": points, "sweeps": 1, **ranges}
    return found, ("data",), _one_per_frame(read_array(file, "sample_times"), data), None, ()


def _places(times_s: np.ndarray, options: CaptureOptions) -> tuple[np.ndarray, float]:
    """Return (index of each frame in the file, -1 for lost ones; frames per second)."""
    steps_s = np.diff(times_s)
    if len(times_s) < 2 or not np.isfinite(times_s).all() or not (steps_s > 0).all():
        raise InputError("its times of frames must be two or more, finite and rising; they are not.")
    steps = np.maximum(np.rint(steps_s / np.median(steps_s)), 1)
    total = float(steps.sum()) + 1
    if total > _MOST_FRAMES or 1 - len(times_s) / total > options.max_lost:
        lost = f"{1 - len(times_s) / total:.1%}"
        raise InputError(f"its times leave out {lost} of the frames, more than max_lost = {options.max_lost:.1%}.")
    at = np.concatenate(([0], np.cumsum(steps.astype(np.int64))))
    stored = np.full(int(at[-1]) + 1, -1, dtype=np.int64)
    stored[at] = np.arange(len(at))
    return stored, float(at[-1] / (times_s[-1] - times_s[0]))


def _one_per_frame(times_s: np.ndarray, frames: h5py.Dataset) -> np.ndarray:
    if times_s.shape != frames.shape[:1]:
        raise InputError(f"it holds {frames.shape[0]} frames and {times_s.size} times; there must be one per frame.")
    return times_s


def _shape(dataset: h5py.Dataset) -> tuple[int, int, int]:
    if len(dataset.shape) != 3 or 0 in dataset.shape:
        raise InputError(f"{dataset.name} must have three axes (frame, sweep, point); got shape {dataset.shape}.")
    return dataset.shape


def _block(dataset: h5py.Dataset, begin: int, end: int, what: str) -> np.ndarray:
    try:
        return np.asarray(dataset[begin:end])
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        raise InputError(f"{what} cannot be read: the file is truncated or damaged.") from error


def _complex(block: np.ndarray) -> np.ndarray:
    if block.dtype.names:
        return block["real"].astype(np.complex64) + np.complex64(1j) * block["imag"]
    return block.astype(np.complex64)


def _group(file: h5py.File, names: tuple[str, ...]) -> h5py.Group:
    group: h5py.Group = file
    for name in names:
        group = child_group(group, name)
    return group


def _json(group: h5py.Group, name: str) -> dict[str, Any]:
    text = read_text(group, name)
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError) as error:
        raise InputError(f"its text {name} must be JSON; it is missing or damaged.") from error
    if not isinstance(value, dict):
        raise InputError(f"its text {name} must be a JSON object; it is not.")
    return value


def _number(values: Any, name: str) -> float:
    value = values.get(name) if isinstance(values, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"its description must state the number {name}; it does not.")
    return float(value)
