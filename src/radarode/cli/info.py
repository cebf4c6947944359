"""`radarode info`: what a recording file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from radarode.core.types import Motion, Recording


def info(
    file: Path,
    *,
    fs: float | None = None,
    motion: Motion | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show what a recording holds, as the other commands will see it: 200 Hz RCG.

    Args:
        file: a native .h5, MMECG .mat, camera .mat, NilsPod .npz, WFDB record, CSV or NPZ table.
        fs: sampling rate in Hz, for tables that do not state it.
        motion: what the sensor measured, for formats that do not state it.
        json: print one JSON object instead of a table.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from radarode.data.load import load

    facts = describe(load(file, fs_hz=fs, motion=motion))
    console = Console()
    if json:
        console.print_json(data={"file": str(file), **facts})
        return
    table = Table(title=escape(str(file)), show_header=False, title_justify="left")
    for name, value in facts.items():
        if name != "notes":
            table.add_row(name, escape(_text(value)))
    for name, value in facts["notes"].items():
        table.add_row(f"note: {escape(name)}", escape(value))
    console.print(table)


def describe(recording: Recording) -> dict[str, Any]:
    """Return the facts about a recording, ready for JSON; what is not known is None.

    `gap_s` counts samples that are missing in every channel, `partly_missing_s` those missing in some.
    """
    import numpy as np

    from radarode.signal.gaps import find_gaps

    missing = np.isnan(recording.rcg)
    nowhere = missing.all(axis=0)
    peaks = recording.r_peaks_s
    intervals = np.diff(peaks) if peaks is not None else np.empty(0)
    return {
        "source": recording.source,
        "simulated": recording.simulated,
        "subject": recording.subject,
        "trial": recording.trial,
        "status": recording.status,
        "measured": recording.motion,
        "channels": recording.n_channels,
        "positions": recording.positions_m is not None,
        "fs_hz": recording.fs_hz,
        "duration_s": round(recording.duration_s, 3),
        "gaps": len(find_gaps(nowhere)),
        "gap_s": round(float(nowhere.sum()) / recording.fs_hz, 3),
        "partly_missing_s": round(float((missing.any(axis=0) & ~nowhere).sum()) / recording.fs_hz, 3),
        "ecg": recording.ecg_mv is not None,
        "r_peaks": None if peaks is None else len(peaks),
        "heart_rate_bpm": round(60 / float(np.median(intervals)), 1) if len(intervals) else None,
        "notes": dict(recording.notes),
    }


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not known" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
