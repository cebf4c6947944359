"""`radarode convert`: any readable recording to the native file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from radarode.core.errors import InputError
from radarode.core.files import refuse_existing_file
from radarode.core.types import Motion


def convert(
    source: Path,
    out: Path,
    *,
    fs: float | None = None,
    motion: Motion | None = None,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Read a recording of any known format and write it as a native .h5 of 200 Hz RCG.

    Args:
        source: the recording to read.
        out: the native file to write; its name ends in .h5.
        fs: sampling rate in Hz, for tables that do not state it.
        motion: what the sensor measured, for formats that do not state it.
        overwrite: replace `out` if it exists.
    """
    from rich.console import Console
    from rich.markup import escape

    from radarode.data.load import load
    from radarode.data.native import SUFFIX, save_recording

    if out.suffix.lower() != SUFFIX:
        raise InputError.of("out", f"a file name that ends in {SUFFIX}", str(out))
    refuse_existing_file(out, overwrite=overwrite)
    if out.is_dir():
        raise InputError(f"{out} is a folder. Name a file in it.")
    recording = load(source, fs_hz=fs, motion=motion)
    save_recording(out, recording)
    size_mb = out.stat().st_size / 1e6
    Console(soft_wrap=True).print(
        f"{escape(str(out))}: {recording.n_channels} channels, {recording.duration_s:.1f} s, {size_mb:.1f} MB"
    )
