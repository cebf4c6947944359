"""WFDB records (PhysioNet): a header `.hea` beside its signal files, annotations where there are any.

ECG channels are told by their name, motion channels by their unit or name. Radar and accelerometer records
need a motion channel; `read_wfdb_ecg` reads the ECG of records that have none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np

from radarode.core.errors import InputError
from radarode.core.limits import check_bytes
from radarode.core.types import FloatArray, Motion, Recording
from radarode.data.readers import ReadOptions
from radarode.data.to_rcg import RawRecording, check_rate, to_recording

NAME = "WFDB"
LAYOUT = "a WFDB record is a .hea header beside its .dat files"
SUFFIXES = (".hea", ".dat")
PRIORITY = 40

ECG_LEADS = {"i", "ii", "iii", "avr", "avl", "avf", "v", *(f"v{i}" for i in range(1, 10)), "vx", "vy", "vz"}
ECG_PREFIXES = ("ecg", "ml", "mcl", "lead")
MOTION_PREFIXES = ("rcg", "radar", "scg", "acc", "motion", "disp", "vel", "gyr", "chest")
UNITS: tuple[tuple[Motion, tuple[str, ...]], ...] = (
    ("displacement", ("m", "cm", "mm", "um")),
    ("velocity", ("m/s", "cm/s", "mm/s", "dps", "deg/s", "rad/s")),
    ("acceleration", ("m/s2", "m/s^2", "mm/s2", "mm/s^2", "g", "mg")),
)
_MV_PER_UNIT = {"mv": 1.0, "uv": 1e-3, "v": 1e3}
_ANNOTATIONS = ("atr", "qrs", "ecg")
_BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
_DAMAGED = (ValueError, TypeError, KeyError, IndexError, OSError, EOFError, AttributeError, OverflowError)


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether the file is a WFDB header, or a signal file beside one."""
    return path.suffix in SUFFIXES and path.with_suffix(".hea").is_file() and bool(head)


def read(path: Path, options: ReadOptions) -> Recording:
    """Read the motion channels of one kind, the first ECG channel, and annotated beats.

    Raises:
        InputError: there is no motion channel, its kind is not known, or the record is damaged.
    """
    record = _record(path)
    kinds: dict[int, Motion | None] = {i: _kind(record, i) for i in range(record.n_sig) if _is_motion(record, i)}
    if not kinds:
        raise InputError(
            f"{path} has no motion channel (channels: {', '.join(record.sig_name)}); ECG alone is not enough."
        )
    stated: list[Motion] = [own for own in kinds.values() if own is not None]
    kind: Motion | None = options.motion or (stated[0] if stated else None)
    if kind is None:
        raise InputError(
            f"{path} does not say what its sensor measured. Add --motion displacement|velocity|acceleration."
        )
    options.check_stated(float(record.fs), kind, path)
    chosen = [i for i, own in kinds.items() if own in (kind, None)]
    if not chosen:
        raise InputError(f"{path} has no {kind} channel (its units: {', '.join(record.units)}). Leave --motion out.")
    used = [record.sig_name[i] for i in chosen]
    ecg = _first_ecg(record)
    return to_recording(
        RawRecording(
            motion=record.p_signal[:, chosen].T,
            fs_hz=float(record.fs),
            kind=kind,
            channel_names=used,
            ecg_mv=ecg,
            ecg_fs_hz=float(record.fs),
            r_peaks_s=None if ecg is None else _beats(path, float(record.fs)),
            trial=path.stem,
            source="wfdb",
            notes={"channels": ", ".join(used), "all_channels": ", ".join(record.sig_name)},
        )
    )


def read_wfdb_ecg(path: Path | str) -> tuple[FloatArray, float, FloatArray | None]:
    """Read the first ECG channel of a record, with or without motion, at its own rate.

    Args:
        path: the header, a signal file, or the record's name without a suffix.

    Returns:
        (time,) ECG in mV with NaN where invalid; its sampling rate in Hz; (beat,) annotated R peaks in
        seconds, or None when there are no annotations.

    Raises:
        FileNotFoundError: there is no such record.
        InputError: the record has no ECG, or is damaged.
    """
    header = Path(path) if Path(path).suffix in SUFFIXES else Path(f"{path}.hea")
    if not header.with_suffix(".hea").is_file():
        raise FileNotFoundError(f"there is no WFDB header {header.with_suffix('.hea')}.")
    record = _record(header)
    ecg = _first_ecg(record)
    if ecg is None:
        raise InputError(f"{path} has no ECG channel (channels: {', '.join(record.sig_name)}).")
    return ecg, float(record.fs), _beats(header, float(record.fs))


def _record(path: Path) -> Any:
    import wfdb

    name = str(path.with_suffix(""))
    _check_first_line(path.with_suffix(".hea"))
    try:
        header = cast(Any, wfdb.rdheader(name))
        _check_header(header, path)
        record = cast(Any, wfdb.rdrecord(name))
    except InputError:
        raise
    except _DAMAGED as error:
        raise InputError(f"{path} is not a readable WFDB record: a file is missing, truncated or damaged.") from error
    check_rate(float(record.fs))
    record.sig_name = [name or f"channel {i + 1}" for i, name in enumerate(record.sig_name)]
    record.units = [unit or "" for unit in record.units]
    return record


def _check_first_line(path: Path) -> None:
    """Refuse a record line without a rate: the format's default of 250 Hz would be a guess."""
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = (line.split() for line in file if line.strip() and not line.startswith("#"))
        words = next(lines, [])
    if len(words) < 3 or not words[1].isdecimal() or not words[2][0].isdecimal():
        raise InputError(f"{path} is not a WFDB header: its first line must be NAME SIGNALS RATE LENGTH.")


def _check_header(header: Any, path: Path) -> None:
    """Refuse what would read other folders, allocate without bound, or is not one plain record."""
    if not hasattr(header, "sig_name") or not header.n_sig or not header.sig_name:
        raise InputError(f"{path} is a multi-segment or empty WFDB record; convert it to one segment.")
    for name in header.file_name:
        if Path(name).name != name or not path.with_name(name).is_file():
            raise InputError(f"{path} names the signal file {name!r}, which is not in its folder.")
    check_bytes((header.sig_len or 0) * header.n_sig * 8, str(path))


def _is_ecg(record: Any, i: int) -> bool:
    name = record.sig_name[i].strip().lower()
    return (name in ECG_LEADS or name.startswith(ECG_PREFIXES)) and record.units[i].lower() in _MV_PER_UNIT


def _is_motion(record: Any, i: int) -> bool:
    return _kind(record, i) is not None or record.sig_name[i].strip().lower().startswith(MOTION_PREFIXES)


def _kind(record: Any, i: int) -> Motion | None:
    unit = record.units[i].strip().lower()
    return next((kind for kind, units in UNITS if unit in units), None)


def _first_ecg(record: Any) -> FloatArray | None:
    found = next((i for i in range(record.n_sig) if _is_ecg(record, i)), None)
    if found is None:
        return None
    return record.p_signal[:, found] * _MV_PER_UNIT[record.units[found].lower()]


def _beats(path: Path, fs_hz: float) -> FloatArray | None:
    """Return the annotated beats in seconds, or None where no annotation file stands beside the header."""
    import wfdb

    extension = next((e for e in _ANNOTATIONS if path.with_suffix(f".{e}").is_file()), None)
    if extension is None:
        return None
    try:
        annotation = wfdb.rdann(str(path.with_suffix("")), extension)
    except _DAMAGED as error:
        raise InputError(f"{path.with_suffix(f'.{extension}')} is not a readable annotation file.") from error
    is_beat = np.isin(np.asarray(annotation.symbol), list(_BEATS))
    return np.unique(np.asarray(annotation.sample)[is_beat]) / fs_hz
