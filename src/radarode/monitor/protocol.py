"""The messages between server and page: JSON for what people read, binary float32 for what they look at.

A binary message is a header of 24 bytes, little-endian, and float32 values:

    byte 0      version, 1
    byte 1      kind: 1 drawn ECG, 2 motion, 3 spectrogram
    bytes 2-3   number of the stream in the hello message
    bytes 4-7   rows: 1 for the ECG and for the motion (the channel that moves most, scaled), rows of the spectrogram
    bytes 8-11  columns: samples or frames
    bytes 12-15 rate in units of 1/1000 Hz: 200000 for samples, 30000 for frames
    bytes 16-23 float64, stream time of the first column in seconds
    then        rows x columns float32, row by row; NaN in gaps

JSON messages have a `type`:

    hello    streams: [{number, name, channels, fs_hz, kind, simulated, warnings, freqs_hz, limits}], notice, version,
             history_s; sent once per connection, and again when streams change
    beats    stream, r_s, quality (lists; beats of the drawn ECG), in stream time
    state    stream, stream_s (newest motion), signal, quality, heart_rate_bpm or null, interval_ms or null, lag_s,
             counts {...}, lost_share, drift_ppm, alarms: [{name, text, since_s, level}], recording: {path, bytes, error} or
             null; once or twice a second
    restart  stream: its time begins anew at 0
    event    stream, at_s, text: a mark that somebody made
    error    text

From page to server, JSON only, at most 4 KiB: {"type": "mark", "stream": n, "at_s": t, "text": "..."},
{"type": "limits", "stream": n, "low_bpm": 40, "high_bpm": 130, "delay_s": 5}, {"type": "silence", "stream": n, "for_s": 60}.
"""

from __future__ import annotations

import struct
from typing import Literal

import numpy as np
from numpy.typing import NDArray

VERSION = 1
KINDS = {"ecg": 1, "motion": 2, "spectrogram": 3}
HEADER = struct.Struct("<BBHIIId")

Kind = Literal["ecg", "motion", "spectrogram"]


def pack(kind: Kind, stream: int, first_s: float, rate_hz: float, values: NDArray[np.floating]) -> bytes:
    """Return a binary message.

    Args:
        kind: what the values are.
        stream: number of the stream in the hello message.
        first_s: stream time of the first column.
        rate_hz: columns per second.
        values: (column,) or (row, column).

    Example:
        >>> message = pack("ecg", 0, 1.5, 200.0, np.zeros(4, np.float32))
        >>> len(message), unpack(message)[:5]
        (40, ('ecg', 0, 1.5, 200.0, (1, 4)))
    """
    rows = np.atleast_2d(np.asarray(values, dtype="<f4"))
    header = HEADER.pack(VERSION, KINDS[kind], stream, *rows.shape, round(1000 * rate_hz), first_s)
    return header + rows.tobytes()


def unpack(message: bytes) -> tuple[str, int, float, float, tuple[int, int], NDArray[np.float32]]:
    """Return (kind, stream, first_s, rate_hz, (rows, columns), values), for tests and other clients.

    Raises:
        ValueError: it is not such a message.
    """
    if len(message) < HEADER.size:
        raise ValueError("shorter than a header")
    version, number, stream, rows, columns, rate, first_s = HEADER.unpack_from(message)
    names = {value: name for name, value in KINDS.items()}
    if version != VERSION or number not in names or len(message) != HEADER.size + 4 * rows * columns:
        raise ValueError(f"version {version}, kind {number}, {rows} x {columns} values in {len(message)} bytes")
    values = np.frombuffer(message, "<f4", offset=HEADER.size).reshape(rows, columns)
    return names[number], stream, first_s, rate / 1000, (rows, columns), values
