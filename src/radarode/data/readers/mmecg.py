"""MMECG: 50 chest points by 77-GHz radar with ECG, `N.mat` in MATLAB v5 or v7.3 (HDF5).

Layout: one struct `data` with RCG (35505, 50), ECG (35505, 1), posXYZ (50, 3), id, age, gender, physistatus; all
at 200 Hz, RCG already being the second derivative of displacement. v7.3 stores every array transposed
and text as uint16 codes.

One field is this project's own: `source`, the text "simulated", in files that `data/mmecg_write.py` made of
simulated recordings. They stay "simulated" when read, and their persons are called `sim-mmecg-ID`.

Reference: Chen et al., IEEE TMC 2022, doi 10.1109/TMC.2022.3214721. The trial is N and the subject
    that of the published order of trials, even where a file's id says otherwise (noted then): folds are split by
    subject, so one person must not go by two names. For other N the id counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.hdf5 import child_group, members, open_hdf5, read_array, read_attribute
from radarode.core.limits import BYTES_PER_NUMBER, MAX_BYTES
from radarode.core.mat import is_mat5, is_mat73, load_variables, numeric, variables
from radarode.core.mmecg import subject_of_trial
from radarode.core.types import STATUSES, Recording, Status
from radarode.data.readers import ReadOptions
from radarode.data.to_rcg import RawRecording, to_recording

NAME = "MMECG"
LAYOUT = "an MMECG .mat has a struct data with RCG, ECG, posXYZ"
SUFFIXES = (".mat",)
PRIORITY = 10

FIELDS = ("RCG", "ECG", "posXYZ", "id", "age", "gender", "physistatus", "source")
SIMULATED = "simulated"
"""What the field `source` of a simulated file says."""
_MAY_BE_TEXT = ("id", "age", "gender", "physistatus", "source")
_MAX_TEXT = 64


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether a MATLAB file holds a struct `data`, or is v7.3 (which no other reader takes)."""
    if is_mat5(head):
        return variables(path).get("data", ((), ""))[1] == "struct"
    return is_mat73(head)


def read(path: Path, options: ReadOptions) -> Recording:
    """Read one trial.

    Raises:
        InputError: a field is missing or of the wrong shape, or the file is damaged.
    """
    options.check_stated(FS_HZ, "displacement", path)
    fields = read_fields(path)
    if "RCG" not in fields:
        found = ", ".join(sorted(fields)) or "none of them"
        raise InputError(f"{path} has no RCG in its struct data ({found}); it is not an MMECG recording.")
    ecg = fields["ECG"].reshape(-1) if "ECG" in fields else None
    rcg = _channels_first(fields["RCG"], None if ecg is None else len(ecg), path)
    positions = _positions(fields["posXYZ"], len(rcg), path) if "posXYZ" in fields else None
    subject, notes = _who(fields, path)
    status = str(fields.get("physistatus", "")).upper()
    recording = to_recording(
        RawRecording(
            motion=rcg,
            fs_hz=FS_HZ,
            kind="acceleration",
            channel_names=[f"point {i + 1}" for i in range(len(rcg))],
            ecg_mv=ecg,
            positions_m=positions,
            subject=subject,
            trial=path.stem,
            status=cast(Status, status) if status in STATUSES else "unknown",
            source=SIMULATED if is_simulated(fields) else "mmecg",
            notes=notes,
        )
    )
    return replace(recording, motion="displacement")


def read_fields(path: Path) -> dict[str, Any]:
    """Read the fields of one trial as they are stored: text as str, the rest as float64 in MATLAB's shape.

    Fields that are absent or empty are left out.

    Raises:
        InputError: the file is damaged or holds no struct `data`.
    """
    with path.open("rb") as file:
        head = file.read(512)
    if not is_mat5(head):
        return _fields_v73(path)
    if "data" not in variables(path):
        raise InputError(f"{path} holds no struct `data`; it is not an MMECG recording.")
    return _fields_v5(path)


def is_simulated(fields: Mapping[str, Any]) -> bool:
    """Tell whether the fields of a trial are marked as simulated."""
    return fields.get("source") == SIMULATED


def stated_id(fields: Mapping[str, Any]) -> str:
    """Return the person's id as the file states it; empty where it does not."""
    stated = _as_text(fields["id"]) if "id" in fields else ""
    return "" if stated == "nan" else stated


def _fields_v5(path: Path) -> dict[str, Any]:
    data = load_variables(path, ("data",))["data"]
    if data.dtype.names is None or data.size != 1:
        raise InputError(f"`data` in {path} must be one struct; got {data.dtype} of shape {data.shape}.")
    record = data.reshape(-1)[0]
    return _collect(data.dtype.names, lambda name: np.asarray(record[name]), path)


def _fields_v73(path: Path) -> dict[str, Any]:
    with open_hdf5(path) as file:
        if "data" not in members(file):
            raise InputError(f"{path} holds no struct `data`; of v7.3 files only MMECG's layout is known.")
        group = child_group(file, "data")
        left = MAX_BYTES

        def get(name: str) -> np.ndarray:
            nonlocal left
            array = _matlab_array(group, name, left)
            left -= array.size * BYTES_PER_NUMBER
            return array

        return _collect(members(group), get, path)


def _collect(names: tuple[str, ...], get: Callable[[str], np.ndarray], path: Path) -> dict[str, Any]:
    """Return the known, non-empty fields: text as str, the rest as float64."""
    fields: dict[str, Any] = {}
    for name in FIELDS:
        value = get(name) if name in names else np.empty(0)
        if value.dtype.kind == "U" and name in _MAY_BE_TEXT:
            fields[name] = "".join(value.reshape(-1)).strip()
        elif value.size:
            fields[name] = numeric(value, f"{name} in {path}")
    return fields


def _matlab_array(group: h5py.Group, name: str, max_bytes: int) -> np.ndarray:
    """Return a v7.3 array as MATLAB shows it: not transposed, text as text, and empty where it is empty."""
    array, dataset = read_array(group, name, max_bytes=max_bytes), cast(h5py.Dataset, group[name])
    if read_attribute(dataset, "MATLAB_empty"):
        return np.empty(0)
    if read_attribute(dataset, "MATLAB_class") == "char":
        return np.array(_text(array.reshape(-1)[:_MAX_TEXT].astype(np.float64), f"{name} in {group.file.filename}"))
    return array.T


def _text(codes: np.ndarray, what: str) -> str:
    """Return the text of character codes."""
    with np.errstate(invalid="ignore"):
        valid = (codes >= 0) & (codes < 0x110000) & ~((codes >= 0xD800) & (codes < 0xE000))
    if not valid.all():
        raise InputError(f"{what} is marked as text, but holds numbers that are no characters; the file is damaged.")
    return "".join(chr(int(code)) for code in codes)


def _channels_first(rcg: np.ndarray, n_samples: int | None, path: Path) -> np.ndarray:
    """Return (channel, time); time is the axis as long as the ECG, else the longer one."""
    if rcg.ndim != 2:
        raise InputError(f"RCG in {path} must be (time, channel); got shape {rcg.shape}.")
    if n_samples is None:
        return rcg if rcg.shape[1] > rcg.shape[0] else rcg.T
    if n_samples not in rcg.shape:
        raise InputError(f"RCG in {path} has shape {rcg.shape}, which does not fit an ECG of {n_samples} samples.")
    return rcg.T if rcg.shape[0] == n_samples else rcg


def _positions(positions: np.ndarray, n_channels: int, path: Path) -> np.ndarray:
    if positions.shape == (3, n_channels) and n_channels != 3:
        positions = positions.T
    if positions.shape != (n_channels, 3):
        raise InputError(f"posXYZ in {path} must be ({n_channels}, 3); got shape {positions.shape}.")
    return positions


def _who(fields: Mapping[str, Any], path: Path) -> tuple[str, dict[str, str]]:
    """Return the subject, and what else the file says about the person."""
    notes = {"units": "RCG, positions and ECG as stored in the file"}
    notes |= {name: text for name in ("age", "gender") if name in fields and (text := _as_text(fields[name]))}
    published = subject_of_trial(int(path.stem)) if path.stem.isdecimal() and len(path.stem) < 6 else None
    stated = stated_id(fields)
    prefix = "sim-mmecg" if is_simulated(fields) else "mmecg"
    if is_simulated(fields):
        notes["units"] = "simulated, written in the layout of MMECG"
    if published is not None and stated not in ("", str(published)):
        notes["subject_check"] = f"the file says {stated}, the published order of trials {published}"
    if published is not None:
        return f"{prefix}-{published}", notes
    return (f"{prefix}-{stated}" if stated else "unknown"), notes


def _as_text(value: str | np.ndarray) -> str:
    return value if isinstance(value, str) else f"{value.reshape(-1)[0]:g}"
