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

    hello    streams: [{number, name, channels, fs_hz, kind, simulated, warnings, freqs_hz, limits, run}], notice,
             version, history_s; sent once per connection, and again when streams change; `run` is another one whenever
             a stream's time began anew, null before it began
    beats    stream, r_s, quality (lists; beats of the drawn ECG), in stream time
    state    stream, stream_s (newest motion), signal, quality, heart_rate_bpm or null, interval_ms or null, lag_s,
             counts {...}, lost_share (of the last 60 s), drift_ppm, alarms: [{name, text, since_s, level, active,
             silenced}], limits: {low_bpm, high_bpm, delay_s}, recording: {path, bytes, error,
             lost_samples (that no file has, the disk was full), sink_errors (of the other sinks)} or null; once or
             twice a second
    restart  stream: its time begins anew at 0
    event    stream, at_s, text: a mark that somebody made
    error    text

An alarm's name is one of asystole (level high), low rate, high rate (medium), no signal, no heartbeat, low quality
(technical). `since_s` is for how long it has been raised, `active` whether its cause holds now: alarms of level high
and medium stay raised until they are acknowledged, which silencing does.

From page to server, JSON only, at most 4 KiB: {"type": "mark", "stream": n, "at_s": t, "text": "..."},
{"type": "limits", "stream": n, "low_bpm": 40, "high_bpm": 130, "delay_s": 5}, {"type": "silence", "stream": n,
"for_s": 60} (0 acknowledges only). Where the server wants a token, {"type": "token", "token": "..."} comes first,
within 5 s, or the token comes as a subprotocol, ["radarode", "radarode.token.TOKEN"].

`GET /history?stream=n&from_s=a&to_s=b` answers with messages as above (binary ones, beats, events), each behind its
length in bytes as a little-endian uint32; a message that begins with "{" is JSON. With a token, it and `/export` want
the header `Authorization: Bearer TOKEN`.

Codes of a closed websocket: 4401 no token or a wrong one, 4400 a message that nobody can read, 4408 the client does not
read, 4429 too many messages, 1009 too long a message, 1013 too many clients
or too many that have not said their token, 1012 the server stops.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

VERSION = 1
KINDS = {"ecg": 1, "motion": 2, "spectrogram": 3}
HEADER = struct.Struct("<BBHIIId")
LENGTH = struct.Struct("<I")

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


def pack_many(messages: Sequence[str | bytes]) -> bytes:
    """Return messages one behind the other, each behind its length, as `/history` sends them.

    Example:
        >>> [bytes(message) for message in unpack_many(pack_many(["{}", b"ab"]))]
        [b'{}', b'ab']
    """
    parts = (message.encode() if isinstance(message, str) else message for message in messages)
    return b"".join(LENGTH.pack(len(part)) + part for part in parts)


def unpack_many(body: bytes) -> list[bytes]:
    """Return the messages of a body that `pack_many` made.

    Raises:
        ValueError: it ends within a message.
    """
    messages, at = [], 0
    while at < len(body):
        end = at + LENGTH.size
        if end > len(body) or (end := end + LENGTH.unpack_from(body, at)[0]) > len(body):
            raise ValueError("the body ends within a message")
        messages.append(body[at + LENGTH.size : end])
        at = end
    return messages


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
