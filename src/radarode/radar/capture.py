"""One door for every raw capture: `open_capture(path, radar)` recognises the layout and reads frames on demand."""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

import numpy as np

from radarode.core.config import from_plain
from radarode.core.errors import InputError
from radarode.radar.capture_facts import CaptureFacts, CaptureOptions
from radarode.radar.description import Radar
from radarode.radar.sidecar import marked_simulated

_HEAD_BYTES = 4096


class Capture(ABC):
    """Frames of a raw radar file, read on demand; the file is never loaded whole.

    Attributes:
        radar: its description.
        source: the file.
        facts: what was found when it was opened.
    """

    def __init__(self, radar: Radar, source: Path, facts: CaptureFacts) -> None:
        self.radar = radar
        self.source = source
        self.facts = facts

    @abstractmethod
    def _read(self, first: int, last: int) -> np.ndarray:
        """Return frames [first, last), which lie within the capture."""

    def read(self, first: int = 0, last: int | None = None) -> np.ndarray:
        """Return frames [first, last), complex64; lost samples are 0.

        Args:
            first: index of the first frame, from 0.
            last: index after the last frame; None reads to the end.

        Returns:
            (frame, chirp, rx, sample) of a chirping radar (the imaginary part of real samples is 0), (frame, point)
            of a pulsed one, the sweeps of a frame averaged, and (time,) of a continuous-wave one.

        Raises:
            InputError: the range lies outside the capture, or the file cannot be read.
        """
        end = self.n_frames if last is None else last
        if not 0 <= first <= end <= self.n_frames:
            raise InputError.of("frames", f"a range within 0 to {self.n_frames}", f"{first} to {end}")
        values = np.ascontiguousarray(self._read(first, end), dtype=np.complex64)
        if not np.isfinite(values.view(np.float32)).all():
            raise InputError(f"{self.source} holds samples that are not finite between frames {first} and {end}.")
        return values

    def chunks(self, frames: int) -> Iterator[tuple[int, np.ndarray]]:
        """Yield (index of its first frame, frames) pieces of at most `frames` frames, in order."""
        for first in range(0, self.n_frames, frames):
            yield first, self.read(first, min(first + frames, self.n_frames))

    @property
    def n_frames(self) -> int:
        """Return the number of whole frames."""
        return self.facts.n_frames

    @property
    def frame_rate_hz(self) -> float:
        """Return the frames per second; frames are equidistant."""
        return self.radar.frame_rate_hz

    @property
    def duration_s(self) -> float:
        """Return the length in seconds."""
        return self.n_frames / self.frame_rate_hz

    @property
    def lost(self) -> np.ndarray:
        """Return (frame,) share of each frame's bytes that is missing."""
        return self.facts.lost

    @property
    def simulated(self) -> bool:
        """Return whether the capture is simulated, which everything made of it must say."""
        return marked_simulated(self.source, self.radar.name)


class Reader(Protocol):
    """What a module in `readers/` offers."""

    NAME: ClassVar[str]
    LAYOUT: ClassVar[str]
    SUFFIXES: ClassVar[tuple[str, ...]]
    PRIORITY: ClassVar[int]

    @staticmethod
    def recognises(path: Path, head: bytes) -> bool:
        """Tell whether the file is one of this reader's, from its name and first bytes."""
        ...

    @staticmethod
    def open(path: Path, radar: Radar | None, options: CaptureOptions) -> Capture:
        """Open the file."""
        ...


def open_capture(path: Path | str, radar: Radar | None = None, **options: Any) -> Capture:
    """Open a raw capture of any known layout.

    Args:
        path: the file.
        radar: its description; needed where the file does not describe its radar (TI raw data).
        options: fields of `CaptureOptions`.

    Returns:
        The capture, checked; see `Capture.facts` for what was lost, cut off or doubtful.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: no reader knows the layout, or the contents break a rule.
    """
    target, chosen = Path(path), from_plain(CaptureOptions, options)
    if not target.exists():
        raise FileNotFoundError(f"there is no file {target}.")
    if not target.is_file():
        raise InputError(f"{target} is not a regular file. Name a capture.")
    with target.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise InputError(f"{target} is empty. Copy or record it again.")
    try:
        return _reader(target, head, chosen).open(target, radar, chosen)
    except InputError as error:
        if target.name in str(error):
            raise
        raise InputError(f"{target}: {error}") from error


@cache
def known_readers() -> dict[str, Reader]:
    """Return every reader in `radar/readers` by name, in the order in which they are tried."""
    from radarode.radar import readers

    modules = [import_module(f"{readers.__name__}.{found.name}") for found in pkgutil.iter_modules(readers.__path__)]
    found = [cast(Reader, module) for module in modules if hasattr(module, "NAME")]
    return {reader.NAME: reader for reader in sorted(found, key=lambda reader: reader.PRIORITY)}


def _reader(path: Path, head: bytes, options: CaptureOptions) -> Reader:
    readers = known_readers()
    if options.layout is not None:
        if options.layout not in readers:
            raise InputError.of("layout", f"one of {', '.join(readers)}", options.layout)
        return readers[options.layout]
    for reader in readers.values():
        if reader.recognises(path, head):
            return reader
    expected = [reader.LAYOUT for reader in readers.values() if path.suffix.lower() in reader.SUFFIXES]
    known = "; ".join(expected) or f"known layouts are {', '.join(readers)} (choose one with `layout`)"
    raise InputError(f"{path} is foreign, truncated or lacks the needed fields: {known}.")
