"""CSV: the ECG sample by sample and its beats, each headed by a comment that says what it is."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from radarode.core.files import atomic_path
from radarode.core.notice import SHORT_NOTICE
from radarode.core.types import ReconstructedEcg
from radarode.export.about import SIMULATED_TEXT, About

ECG_HEADER = "time_s,ecg_nominal,gap"
BEATS_HEADER = "r_s,length_s,quality"
EVENTS_HEADER = "at_s,text"


def write_csv(folder: Path | str, name: str, ecg: ReconstructedEcg, about: About | None = None) -> tuple[Path, ...]:
    """Write `name`.csv (time, ECG, gap flag) and `name`-beats.csv into `folder`, replacing old ones.

    Where there are events, `name`-events.csv holds them.

    Args:
        folder: an existing folder.
        name: file name without its suffix.
        ecg: what to write; the ECG is empty where the gap flag is 1.
        about: what the files say beyond it.

    Returns:
        The files.

    Raises:
        FileNotFoundError: the folder does not exist.
    """
    about = about or About()
    notice = f"{SHORT_NOTICE}; {SIMULATED_TEXT}" if about.simulated else SHORT_NOTICE
    values = np.asarray(ecg.ecg, np.float64)
    times_s = np.arange(len(values)) / ecg.fs_hz
    rows = (
        f"{t:.4f},,1" if np.isnan(value) else f"{t:.4f},{value:.5f},0" for t, value in zip(times_s, values, strict=True)
    )
    beats = ecg.beats
    beat_rows = (
        f"{r:.4f},{length:.4f},{quality:.3f}"
        for r, length, quality in zip(beats.r_s, beats.length_s, beats.quality, strict=True)
    )
    signal_path, beats_path = Path(folder) / f"{name}.csv", Path(folder) / f"{name}-beats.csv"
    for path, header, lines in ((signal_path, ECG_HEADER, rows), (beats_path, BEATS_HEADER, beat_rows)):
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
            file.write(f"# {notice}\n{header}\n")
            file.writelines(f"{line}\n" for line in lines)
    if not about.events:
        return signal_path, beats_path
    return signal_path, beats_path, _write_events(Path(folder) / f"{name}-events.csv", notice, about)


def _write_events(path: Path, notice: str, about: About) -> Path:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(f"# {notice}\n{EVENTS_HEADER}\n")
        for at_s, text in about.events:
            plain = f"'{text}" if text[:1] in "=+-@" else text  # spreadsheets must not take it for a formula
            csv.writer(file, lineterminator="\n").writerow((f"{at_s:.4f}", plain))
    return path
