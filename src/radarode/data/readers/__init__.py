"""One file per format, found by name; `radarode.data.load` tries them in the order of `PRIORITY`.

A reader is a module with

    NAME: str          what the format is called
    LAYOUT: str        what such a file must hold, for the message "fits no known format"
    SUFFIXES: tuple    how its files usually end
    PRIORITY: int      lower is tried first; content signatures before generic tables
    recognises(path, head) -> bool
                       a cheap look: the first 512 bytes, names of variables, never the data
    read(path, options) -> Recording
                       at 200 Hz; wrong contents raise `InputError`
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from radarode.core.errors import InputError
from radarode.core.types import MOTIONS, Motion, Recording


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Hold what the user says about a file.

    Attributes:
        fs_hz: sampling rate for formats that do not state it, or None.
        motion: kind of motion for formats that do not state it, or None.
    """

    fs_hz: float | None = None
    motion: Motion | None = None

    def __post_init__(self) -> None:
        if self.motion is not None and self.motion not in MOTIONS:
            raise InputError.of("motion", f"one of {', '.join(MOTIONS)}", repr(self.motion))

    def check_stated(self, fs_hz: float, motion: Motion, path: Path) -> None:
        """Refuse options that contradict what the format itself states."""
        if self.fs_hz is not None and abs(self.fs_hz - fs_hz) > 0.01 * fs_hz:
            raise InputError(f"{path} is sampled at {fs_hz:g} Hz, not {self.fs_hz:g}. Leave --fs out.")
        if self.motion is not None and self.motion != motion:
            raise InputError(f"{path} holds {motion}, not {self.motion}. Leave --motion out.")


class Reader(Protocol):
    """What a module in this folder offers."""

    NAME: str
    LAYOUT: str
    SUFFIXES: tuple[str, ...]
    PRIORITY: int

    def recognises(self, path: Path, head: bytes) -> bool:
        """Tell from a cheap look whether the file is of this format."""
        ...

    def read(self, path: Path, options: ReadOptions) -> Recording:
        """Read it."""
        ...
