"""The real recordings with motion and ECG that are free to have, and where they are looked for.

None of them is radar: one person before a laser-speckle camera, two with an accelerometer on the chest.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from radarode.core.errors import InputError

VARIABLE = "RADARODE_REAL_DATA"
DEFAULT_FOLDER = Path("../shared/data")


@dataclass(frozen=True, slots=True)
class RealFile:
    """Name one recording.

    Attributes:
        key: short name, for tables and `results.json`.
        label: name for people.
        file: below the folder of real recordings.
    """

    key: str
    label: str
    file: str


FILES = (
    RealFile("camera-1-1", "camera 1-1", "camera_scg_multipoint/1-1.mat"),
    RealFile("camera-1-2", "camera 1-2", "camera_scg_multipoint/1-2.mat"),
    RealFile("nilspod-Vp01", "accelerometer Vp01", "nilspod_ecg_imu_biopsykit/Vp01_decoded.npz"),
    RealFile("nilspod-Vp02", "accelerometer Vp02", "nilspod_ecg_imu_biopsykit/Vp02_decoded.npz"),
)


def real_folder(given: Path | str | None = None) -> Path:
    """Return the folder of real recordings: the given one, that of the environment, or `../shared/data`.

    Raises:
        FileNotFoundError: it is not there.
    """
    folder = Path(given) if given is not None else Path(os.environ.get(VARIABLE) or DEFAULT_FOLDER)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"the real recordings are not at {folder}. Name their folder with --data, or set {VARIABLE}."
        )
    return folder


def real_files(folder: Path) -> tuple[tuple[tuple[RealFile, Path], ...], tuple[RealFile, ...]]:
    """Return the recordings that are in a folder with their paths, and those that are not.

    Raises:
        InputError: none of them is there.
    """
    found = tuple((one, folder / one.file) for one in FILES if (folder / one.file).is_file())
    if not found:
        names = ", ".join(one.file for one in FILES)
        raise InputError(f"{folder} holds none of {names}. Name the folder that holds these.")
    there = {one.key for one, _ in found}
    return found, tuple(one for one in FILES if one.key not in there)
