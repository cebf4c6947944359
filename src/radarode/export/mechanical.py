"""CSV: the estimated mechanical events of each beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from radarode.core.files import atomic_path
from radarode.core.notice import SHORT_NOTICE
from radarode.reconstruction.mechanical import MEANING, MechanicalBeats

COLUMNS = (
    "r_s", "v1_onset_s", "v1_peak_s", "v2_onset_s", "v2_peak_s", "v1_v2_s", "v1_confidence", "v2_confidence",
    "pep_like_s", "lvet_like_s",
)  # fmt: skip


def write_mechanical_csv(path: Path | str, beats: MechanicalBeats) -> Path:
    """Write one row per beat; what is not clear, or needs a reference that is not there, is empty.

    Args:
        path: the file to create or replace; its folder must exist.
        beats: what to write.

    Raises:
        FileNotFoundError: the folder does not exist.
    """
    target = Path(path)
    columns = [getattr(beats, name) for name in COLUMNS]
    filled = [np.full(len(beats), np.nan) if column is None else column for column in columns]
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(f"# {SHORT_NOTICE}. {MEANING}\n{','.join(COLUMNS)}\n")
        for row in zip(*filled, strict=True):
            file.write(",".join("" if np.isnan(value) else f"{value:.4f}" for value in row) + "\n")
    return target
