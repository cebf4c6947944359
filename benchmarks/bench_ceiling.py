"""The ceiling of the representation: `decode(encode(ecg))` against real ECG, the first five minutes of each record."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from radarode.core.constants import FS_HZ
from radarode.core.types import Recording
from radarode.data.readers.wfdb_record import read_wfdb_ecg
from radarode.evaluation import evaluate
from radarode.reconstruction.ceiling import decode_of_encode
from radarode.signal.peaks import detect_r_peaks
from radarode.signal.resample import resample

SECONDS = 300
RECORDS = {"mitbih_100": "wfdb_sample_ecg/100", "neurokit": "neurokit_ecg_rsp/bio_resting_5min_100hz.csv"}


def read_ecg(path: Path) -> np.ndarray:
    """Return the ECG of a WFDB record or of a NeuroKit table, at 200 Hz."""
    if path.suffix == ".csv":
        names = path.read_text().split("\n", 1)[0].replace('"', "").split(",")
        ecg, fs_hz = np.loadtxt(path, delimiter=",", skiprows=1, usecols=names.index("ECG")), 100.0
    else:
        ecg, fs_hz, _ = read_wfdb_ecg(path)
    return resample(ecg[: round(SECONDS * fs_hz)], fs_hz, FS_HZ)


def ceiling_scores(path: Path) -> dict[str, float]:
    """Return the metrics of a perfect network on one real ECG."""
    ecg_mv = read_ecg(path)
    r_s = detect_r_peaks(ecg_mv, FS_HZ)
    recording = Recording(rcg=np.zeros((1, len(ecg_mv))), fs_hz=FS_HZ, ecg_mv=ecg_mv, r_peaks_s=r_s)
    return dict(evaluate(decode_of_encode(ecg_mv, r_s), recording).deployable)


def main() -> None:
    """Print PCC per cycle (median) and over the whole record, which baseline and artefacts lower."""
    data = Path(os.environ.get("RADARODE_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    for name, record in RECORDS.items():
        if not data.is_dir():
            print(f"ceiling_pcc_{name}: skipped, no real recordings; set RADARODE_REAL_DATA")
            continue
        scores = ceiling_scores(data / record)
        print(f"ceiling_pcc_{name}: {scores['pcc']:.4f}")
        print(f"ceiling_pcc_longterm_{name}: {scores['pcc_longterm']:.4f}")
        print(f"ceiling_ppi_error_ms_{name}: {scores['ppi_error_ms']:.3f}")


if __name__ == "__main__":
    main()
