"""Print the results table of the README: unseen simulated people, and the real recordings where they are.

    python benchmarks/results.py [--finetuned RUN/weights] [--people 20]

Simulated people come from a seed that no training used. Real recordings are looked for in ../shared/data
(RADARODE_REAL_DATA); `--finetuned` names weights that were fine-tuned on session 1-1 of the camera.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from radarode import load, load_model, reconstruct
from radarode.core.allocator import keep_freed_memory
from radarode.core.types import Recording
from radarode.data.noise import Noise, noisy_recording
from radarode.evaluation import evaluate, summarise
from radarode.metrics.labels import cell
from radarode.models.pretrained import Pretrained
from radarode.simulate import Conditions, iter_recordings
from radarode.simulate.cohort import plain_cohort

SEED = 1000
MINUTES = 2.0
CASES: dict[str, Noise | None] = {
    "simulated, clean": None,
    "simulated, 0 dB white noise": Noise("constant", 0.0),
    "simulated, 3-s extensive movement (-9 dB)": Noise("abrupt", -9.0, seconds=3.0),
}
CAMERA = Path("camera_scg_multipoint/1-2.mat")
NILSPOD = ("nilspod_ecg_imu_biopsykit/Vp01_decoded.npz", "nilspod_ecg_imu_biopsykit/Vp02_decoded.npz")
COLUMNS = (
    ("deployable", "f1"),
    ("deployable", "ppi_error_ms"),
    ("deployable", "hr_error_bpm"),
    ("calibrated", "f1"),
    ("calibrated", "r_timing_ms"),
    ("calibrated", "pcc"),
    ("calibrated", "rmse_mv"),
    ("calibrated", "coverage"),
)
HEADS = (
    "F1, deployable", "PPI error [ms], deployable", "heart-rate error [bpm], deployable", "F1, calibrated",
    "R timing [ms], calibrated", "PCC per cycle, calibrated", "RMSE [mV], calibrated", "reconstructed share",
)  # fmt: skip


def people(count: int) -> list[Recording]:
    """Simulate people that no training saw, in all four statuses, without noise or movement."""
    conditions = Conditions(snr_db=float("inf"), movement_per_min=0.0)
    return list(iter_recordings(replace(plain_cohort(SEED, count, 60.0 * MINUTES), conditions=conditions)))


def row(name: str, recordings: Iterator[Recording], weights: Pretrained) -> str:
    """Return one line of the table: medians over the recordings."""
    cases = [(recording, evaluate(reconstruct(recording, weights), recording)) for recording in recordings]
    overall = summarise(cases).overall
    cells = [cell(overall, column, key) for column, key in COLUMNS]
    return f"| {name} | {len(cases)} | " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--finetuned", type=Path, help="weights fine-tuned on camera session 1-1")
    parser.add_argument("--people", type=int, default=20)
    options = parser.parse_args()
    keep_freed_memory()
    default = load_model()
    print("| recordings (medians) | n | " + " | ".join(HEADS) + " |\n|---|" + "---|" * (len(HEADS) + 1))
    clean = people(options.people)
    for name, noise in CASES.items():
        noisy = (
            one if noise is None else noisy_recording(one, noise, np.random.default_rng([1, number]))
            for number, one in enumerate(clean)
        )
        print(row(name, noisy, default), flush=True)
    data = Path(os.environ.get("RADARODE_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    if not data.is_dir():
        print(f"\nReal recordings are not at {data}.")
        return
    print(row("real: camera, session 1-2", iter([load(data / CAMERA)]), default), flush=True)
    if options.finetuned:
        tuned = load_model(options.finetuned)
        print(row("real: camera, session 1-2, fine-tuned on 1-1", iter([load(data / CAMERA)]), tuned), flush=True)
    for name in NILSPOD:
        print(row(f"real: accelerometer, {Path(name).name[:4]}", iter([load(data / name)]), default), flush=True)


if __name__ == "__main__":
    main()
