"""Write recordings in the layout of MMECG's `N.mat`, to see that layout and to try on it what is meant for MMECG.

MMECG itself is handed out by its authors and may not be passed on. A recording whose source is "simulated" is marked
in its file (field `source`) and stays simulated when it is read; `README.txt` says so beside the files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from scipy.io import savemat

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.files import atomic_path
from radarode.core.types import Recording

SAMPLES, CHANNELS = 35505, 50
"""Length and points of a published trial (177.525 s)."""

README = "README.txt"
SIMULATED_README = """\
Recordings in the layout of the MMECG data set. They are SIMULATED: no person was measured.
Every file says so in the field `source` of its struct `data`; whatever is computed from them is a result on
simulated data and must be called so.

Struct `data` of N.mat: RCG (time, 50), ECG (time, 1), posXYZ (50, 3), id, age, gender, physistatus; 200 Hz.
"""

Gender = Literal["boy", "girl"]


def write_mmecg_mat(
    path: Path | str,
    recording: Recording,
    person: int,
    *,
    age: float | None = None,
    gender: Gender | None = None,
) -> None:
    """Write one trial: struct `data` with RCG (time, 50), ECG (time, 1), posXYZ (50, 3), id, age, gender, physistatus.

    The layout has no R peaks: they are found in the ECG again when the file is read.

    Args:
        path: the file, `N.mat`; N is the trial's number. It is replaced if it is there.
        recording: 50 channels at 200 Hz; without ECG or positions those fields are empty.
        person: number of the person, `id`.
        age: in years; empty where unknown.
        gender: empty where unknown.

    Raises:
        InputError: another number of channels or another rate, or the path does not end in `.mat`.
        FileNotFoundError: the folder does not exist.
    """
    if Path(path).suffix != ".mat":
        raise InputError.of("path", "a file that ends in .mat", path)
    if recording.n_channels != CHANNELS:
        raise InputError.of("recording", f"of {CHANNELS} channels, as MMECG's", recording.n_channels)
    if recording.fs_hz != FS_HZ:
        raise InputError.of("recording.fs_hz", f"{FS_HZ:g} Hz, as MMECG's", recording.fs_hz)
    empty = np.empty((0, 0))
    data = {
        "RCG": recording.rcg.T.astype(np.float64),
        "ECG": empty if recording.ecg_mv is None else recording.ecg_mv[:, None].astype(np.float64),
        "posXYZ": empty if recording.positions_m is None else recording.positions_m.astype(np.float64),
        "id": float(person),
        "age": empty if age is None else float(age),
        "gender": gender or "",
        "physistatus": "" if recording.status == "unknown" else recording.status,
    }
    if recording.simulated:
        data["source"] = recording.source
    with atomic_path(path) as temporary:
        savemat(temporary, {"data": data})
