"""Read only the ECG of a file: records and tables that hold no motion serve, too."""

from __future__ import annotations

from pathlib import Path

from radarode.core.errors import InputError
from radarode.core.types import FloatArray
from radarode.data.columns import columns_to_ecg
from radarode.data.load import existing, load
from radarode.data.readers import csv_table, wfdb_record


def read_ecg(path: Path | str, fs_hz: float | None = None) -> tuple[FloatArray, float]:
    """Read the first ECG of a WFDB record, a CSV table, or any recording that `load` takes without options.

    Args:
        path: the file; for WFDB the header, a signal file or the record's name.
        fs_hz: rate, for tables that do not state it.

    Returns:
        (time,) ECG in mV with NaN in gaps, and its sampling rate in Hz.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: no ECG, or a damaged or foreign file.
    """
    target = existing(Path(path))
    with target.open("rb") as file:
        head = file.read(512)
    if wfdb_record.recognises(target, head):
        ecg_mv, rate_hz, _ = wfdb_record.read_wfdb_ecg(target)
        return ecg_mv, rate_hz
    if head and csv_table.recognises(target, head):
        return columns_to_ecg(csv_table.read_columns(target), target, fs_hz)
    recording = load(target, fs_hz=fs_hz)
    if recording.ecg_mv is None:
        raise InputError(f"{target} holds no ECG.")
    return recording.ecg_mv, recording.fs_hz
