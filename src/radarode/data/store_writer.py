"""Write the spectrograms of many recordings as a store, whose layout `radarode.data.store` describes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.files import new_folder
from radarode.core.types import Recording
from radarode.data.store import FORMAT, INDEX, VERSION
from radarode.signal.blocks import Transform
from radarode.signal.gaps import fill_gaps, frame_gaps, missing_samples
from radarode.signal.reference import reference_r_peaks
from radarode.signal.timefrequency import make_transform, resolve_settings

MOST_MISSING = 0.5
"""A channel that misses a larger share of its samples is not stored."""

LARGEST_MOTION = 1000.0
"""Motion is clipped at so many standard deviations, within what float16 holds well."""


def write_store(
    path: Path | str,
    recordings: Iterable[Recording],
    transform: Mapping[str, Any],
    *,
    max_channels: int | None = None,
    rng: np.random.Generator | None = None,
    made_from: Mapping[str, Any] | None = None,
    motion: bool = False,
) -> list[dict[str, Any]]:
    """Transform recordings one at a time and write them as a store.

    Args:
        path: the folder to create.
        recordings: with reference R peaks, at 200 Hz; read lazily, so a cohort never lies in memory. Without an
            ECG there is no shape to learn; an empty list of R peaks says that no heart is in view.
        transform: settings of the transform, as `make_transform` takes them.
        max_channels: keep a random choice of so many channels (needs `rng`); `None` keeps all.
        rng: for the choice of channels.
        made_from: facts about the source to keep in the index.
        motion: also store the motion itself, for networks that read it.

    Returns:
        The index entries.

    Raises:
        InputError: a recording has no reference, or there is no recording at all.
    """
    entries: list[dict[str, Any]] = []
    transformer = make_transform(**transform)
    with new_folder(path) as folder:
        for number, recording in enumerate(recordings):
            chosen = _choose_channels(recording, max_channels, rng)
            entries.append(_write_one(folder, f"{number:04d}", chosen, transformer, motion))
        if not entries:
            raise InputError("no recording to store. Name a folder that holds recordings.")
        index = {
            "format": FORMAT,
            "version": VERSION,
            "transform": resolve_settings(**transform),
            "freqs_hz": [float(f) for f in transformer.freqs_hz],
            "made_from": dict(made_from or {}),
            "recordings": entries,
        }
        (folder / INDEX).write_text(json.dumps(index, indent=1))
    return entries


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """A recording with the channels of it that are stored."""

    recording: Recording
    rcg: NDArray[np.float32]
    missing: NDArray[np.bool_]
    positions_m: NDArray[np.floating] | None


def _choose_channels(recording: Recording, max_channels: int | None, rng: np.random.Generator | None) -> _Chosen:
    """Keep the channels that are there most of the time, and of these no more than asked for."""
    if recording.fs_hz != FS_HZ:
        raise InputError.of("fs_hz", f"{FS_HZ:g} Hz for a store", recording.fs_hz)
    rcg, missing, live = _live_channels(recording)
    positions = None if recording.positions_m is None else recording.positions_m[live]
    if max_channels is not None and len(rcg) > max_channels:
        if rng is None:
            raise TypeError("max_channels needs rng")
        chosen = np.sort(rng.choice(len(rcg), max_channels, replace=False))
        rcg, missing = rcg[chosen], missing[chosen]
        positions = None if positions is None else positions[chosen]
    return _Chosen(recording, rcg, missing, positions)


def _write_one(folder: Path, key: str, chosen: _Chosen, transform: Transform, motion: bool) -> dict[str, Any]:
    recording, rcg, missing = chosen.recording, chosen.rcg, chosen.missing
    known_empty = recording.r_peaks_s is not None and len(recording.r_peaks_s) == 0
    r_peaks_s = np.empty(0) if known_empty else reference_r_peaks(recording)
    values = transform(rcg).values.numpy()
    scale = values.max(axis=(1, 2))
    stored = values / np.where(scale > 0, scale, 1.0)[:, None, None]
    frames = np.ascontiguousarray(stored.transpose(2, 0, 1), dtype=np.float16)
    unknown = np.full(recording.rcg.shape[1], np.nan, dtype=np.float32)
    ecg_mv = unknown if recording.ecg_mv is None else recording.ecg_mv
    # Where the reference is missing an empty anchor map would be a lie; without any ECG, given beats are trusted.
    untold = np.isnan(ecg_mv) if recording.ecg_mv is not None else np.zeros(len(ecg_mv), dtype=bool)
    gaps = frame_gaps(missing.any(axis=0) | untold, values.shape[2])
    np.save(folder / f"{key}.frames.npy", frames)
    np.savez(
        folder / f"{key}.reference.npz",
        ecg_mv=ecg_mv,
        r_peaks_s=r_peaks_s,
        gaps=gaps,
        scale=scale,
        positions_m=np.empty((0, 3), np.float32) if chosen.positions_m is None else chosen.positions_m,
    )
    if motion:
        np.save(folder / f"{key}.motion.npy", _as_motion(rcg))
    names = ("subject", "trial", "status", "source")
    facts = {name: getattr(recording, name) for name in names}
    digest = hashlib.sha256(frames.tobytes() + ecg_mv.tobytes() + r_peaks_s.tobytes()).hexdigest()
    return {"key": key, **facts, "frames": len(frames), "sha256": digest}


def _as_motion(rcg: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return (time, channel) motion in units of each channel's standard deviation."""
    spread = rcg.std(axis=1, keepdims=True)
    units = (rcg - rcg.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    return np.ascontiguousarray(units.clip(-LARGEST_MOTION, LARGEST_MOTION).T, dtype=np.float16)


def _live_channels(recording: Recording) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the bridged motion of the channels that are there most of the time, where it is missing, and which."""
    missing = missing_samples(recording.rcg, recording.fs_hz)
    live = missing.mean(axis=1) <= MOST_MISSING
    if not live.any():
        raise InputError(f"recording {recording.name}: every channel misses more than half of its samples.")
    filled, _ = fill_gaps(np.where(missing, np.float32(np.nan), recording.rcg)[live])
    return filled, missing[live], live
