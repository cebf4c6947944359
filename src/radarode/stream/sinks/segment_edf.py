"""An EDF+ file that grows and can be read at any moment.

`edfio` writes whole files only, so header and data records (1 s of ECG and motion, and their annotations) are written
here. A record is put in place first, and then the header's number of records is set, eight bytes at once: whoever reads
the file meanwhile sees whole records only. The last second, which has no whole record yet, is padded when the file is
closed. Gaps are zeros under an annotation, as in `radarode.export.edf`.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.files import atomic_path
from radarode.core.notice import NOTICE
from radarode.export.edf import BEAT_TEXT, GAP_TEXT, PADDING_TEXT
from radarode.signal.gaps import find_gaps
from radarode.stream.sinks.segment import (
    ECG_UNITS_PER_MV,
    LIMIT,
    MOTION_SPAN,
    Head,
    to_ascii,
    to_steps,
    write_at,
    write_through,
)
from radarode.stream.sinks.timeline import Window

PER_RECORD = round(FS_HZ)
NOTES_BYTES = 480
MOST_GAPS = 3
"""Gaps told apart within one record; more are told as one."""

_HEADER_BYTES = 4 * 256
_COUNT_AT, _COUNT_BYTES = 236, 8
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


class EdfSegment:
    """Write NAME.edf; it is created with its first record.

    Args:
        folder: an existing folder.
        head: what the file is.
    """

    def __init__(self, folder: Path, head: Head) -> None:
        self.head, self.path = head, folder / f"{head.name}.edf"
        self._records, self._kept = 0, head.first
        self._rest = Window(head.first, np.empty(0), np.empty((1, 0)), np.empty(0, np.int64))
        self._marks: dict[int, list[str]] = {}
        self._handle = -1

    @property
    def end(self) -> int:
        """Number of the sample behind the last that is in the file, or waits for its record to be full."""
        return max(self._kept, self._rest.end)

    @property
    def kept(self) -> int:
        """Number of the sample behind the last that is in the file."""
        return self._kept

    @property
    def bytes(self) -> int:
        """Size of the file."""
        return (_HEADER_BYTES + self._records * _RECORD_BYTES) if self._records else 0

    def put(self, window: Window) -> None:
        """Replace everything from the window's start, which is at the start of a record, on by the window.

        Raises:
            OSError: the disk is full; what was there before stays.
        """
        self._rest = window.cut(window.first, window.first)  # nothing, should the disk be full
        number = (window.first - self.head.first) // PER_RECORD
        while window.end - (self.head.first + number * PER_RECORD) >= PER_RECORD:
            start = self.head.first + number * PER_RECORD
            self._put_record(number, window.cut(start, start + PER_RECORD), PER_RECORD)
            number += 1
        self._rest = window.cut(self.head.first + number * PER_RECORD, window.end)

    def mark(self, sample: int, text: str) -> None:
        """Note what a person wrote about a moment, in the first record from there on that has room for it."""
        place = max(0, sample - self.head.first)
        note = f"+{place / FS_HZ:.3f}\x14{to_ascii(text)}\x14\x00"
        for number in range(min(place // PER_RECORD, max(0, self._records - 1)), self._records):
            offset = _HEADER_BYTES + number * _RECORD_BYTES + 4 * PER_RECORD
            there = os.pread(self._handle, NOTES_BYTES, offset).rstrip(b"\x00") + b"\x00"
            if len(there) + len(note) < NOTES_BYTES:
                write_at(self._handle, (there + note.encode("ascii")).ljust(NOTES_BYTES, b"\x00"), offset)
                self._marks.setdefault(number, []).append(note)  # the record may be put again
                return
        self._marks.setdefault(self._records, []).append(note)

    def sync(self) -> None:
        """Bring everything to the disk."""
        if self._handle >= 0:
            os.fsync(self._handle)

    def close(self) -> None:
        """Write the last record, padded, and close."""
        try:
            n = len(self._rest.ecg)
            if n and self.kept < self.end:
                filling = np.zeros(PER_RECORD - n)
                motion = np.concatenate([self._motion(self._rest), filling])
                padded = Window(self._rest.first, np.concatenate([self._rest.ecg, filling]), motion[None], self._rest.r)
                self._put_record(self._records, padded, n)
            self.sync()
        finally:
            if self._handle >= 0:
                os.close(self._handle)
            self._handle = -1

    def _motion(self, window: Window) -> NDArray[np.floating]:
        return window.motion[self.head.channel if len(window.motion) > 1 else 0]

    def _put_record(self, number: int, window: Window, known: int) -> None:
        ecg = to_steps(window.ecg, ECG_UNITS_PER_MV, 0)
        motion = to_steps(self._motion(window), self.head.motion_units, 0)
        notes = _notes(number, window, known, self._marks.get(number, []))
        content = ecg.astype("<i2").tobytes() + motion.astype("<i2").tobytes() + notes
        if self._handle < 0:
            with atomic_path(self.path) as temporary:
                write_through(temporary, _header(self.head, records=1) + content)
            self._handle, self._records = os.open(self.path, os.O_RDWR), 1
            self._kept = self.head.first + known
            return
        try:
            write_at(self._handle, content, _HEADER_BYTES + number * _RECORD_BYTES)
        except OSError:
            os.ftruncate(self._handle, _HEADER_BYTES + self._records * _RECORD_BYTES)  # no part of a record stays
            raise
        if number >= self._records:
            write_at(self._handle, f"{number + 1:<{_COUNT_BYTES}}".encode(), _COUNT_AT)
            self._records = number + 1
        self._kept = max(self._kept, self.head.first + number * PER_RECORD + known)


_RECORD_BYTES = 4 * PER_RECORD + NOTES_BYTES


def _notes(number: int, window: Window, known: int, marks: list[str]) -> bytes:
    """Return the annotations of a record: its time, then marks, gaps and beats in it, as many as there is room for."""
    told = [f"+{number}\x14\x14\x00"]
    if number == 0:
        told.append(f"+0\x14{NOTICE}\x14\x00")
    if known < PER_RECORD:
        told.append(_note(number, known, PER_RECORD - known, PADDING_TEXT))
    gaps = find_gaps(np.isnan(window.ecg[:known]))
    if len(gaps) > MOST_GAPS:
        gaps = np.array([[gaps[0, 0], gaps[-1, 1]]])
    told += [_note(number, int(start), int(stop - start), GAP_TEXT) for start, stop in gaps]
    told += [_note(number, int(r - window.first), None, BEAT_TEXT) for r in window.r]
    content = b""
    for text in (*told, *marks):
        if len(content) + len(text) < NOTES_BYTES:
            content += text.encode("ascii")
    return content.ljust(NOTES_BYTES, b"\x00")


def _note(number: int, sample: int, samples: int | None, text: str) -> str:
    duration = "" if samples is None else f"\x15{samples / FS_HZ:.3f}"
    return f"+{number + sample / FS_HZ:.3f}{duration}\x14{text}\x14\x00"


def _header(head: Head, records: int) -> bytes:
    """Return the header: 256 bytes, and 256 for each of the three signals, field by field."""
    span = MOTION_SPAN * head.motion_scale
    ecg_mv = LIMIT / ECG_UNITS_PER_MV
    date = f"{head.started.day:02d}-{_MONTHS[head.started.month - 1]}-{head.started.year}"
    simulated = "SIMULATED " if head.simulated else ""
    told = f"Startdate {date} X X radarode {simulated}reconstructed,_not_measured"
    fixed = [
        ("0", 8),
        ("X X X X", 80),
        (told, 80),
        (f"{head.started:%d.%m.%y}", 8),
        (f"{head.started:%H.%M.%S}", 8),
        (str(_HEADER_BYTES), 8),
        ("EDF+C", 44),
        (str(records), 8),
        ("1", 8),
        ("3", 4),
    ]
    fields = [
        (("ECG nominal", f"RCG channel {head.channel + 1}", "EDF Annotations"), 16),
        (("reconstructed from chest motion, not measured", "chest motion", ""), 80),
        (("mV", "au", ""), 8),
        ((_number(-ecg_mv), _number(-span), "-1"), 8),
        ((_number(ecg_mv), _number(span), "1"), 8),
        ((str(-LIMIT), str(-LIMIT), "-32768"), 8),
        ((str(LIMIT), str(LIMIT), "32767"), 8),
        (("not for diagnosis; 1 mV is the range of one cycle", "", ""), 80),
        ((str(PER_RECORD), str(PER_RECORD), str(NOTES_BYTES // 2)), 8),
        (("", "", ""), 32),
    ]
    parts = [text.ljust(width)[:width] for text, width in fixed]
    parts += [text.ljust(width)[:width] for texts, width in fields for text in texts]
    return "".join(parts).encode("ascii", "replace")


def _number(value: float) -> str:
    """Return a number in eight characters, as exact as they allow.

    Example:
        >>> _number(-3.2767), _number(12345.678), _number(-0.00001234)
        ('-3.2767', '12345.68', '-1.2e-05')
    """
    for digits in range(8, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 8:
            return text
    raise AssertionError("every float has a short form")
