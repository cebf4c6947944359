"""Print what the radar front end recovers: simulated captures against their truth, real ones against what is known.

    python benchmarks/results_radar.py [--captures 5] [--pictures FOLDER]

Simulated captures: AWR1843 as MMECG sets it, 60 s, a person at 0.45 m, room and thermal noise; each is read whole, and
as packets of which 1 % and 10 % are lost singly, and 10 % in breaks of half a second. "Motion" is the correlation with
the true displacement of the nearest scatterer at the best point; "heart" the same in 0.7-20 Hz, where breathing is
not; "RCG" the same after two derivatives. F1 is calibrated, of the default weights, outside gaps: on the extracted
points, and on the true motion of 50 scatterers of the same person ("direct").

Real captures have no reference ECG; see docs/radar.md for what is known of them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from radarode import load_model, reconstruct
from radarode.core.allocator import keep_freed_memory
from radarode.core.constants import FS_HZ
from radarode.core.types import Recording
from radarode.data.capture import capture_to_recording
from radarode.evaluation import evaluate
from radarode.models.pretrained import Pretrained
from radarode.radar.capture import open_capture
from radarode.radar.chain import extract_motion
from radarode.radar.describe_file import read_radar
from radarode.radar.extracted import Extracted
from radarode.report.radar_figures import save_radar_pictures
from radarode.signal.differentiate import second_derivative
from radarode.signal.gaps import fill_gaps
from radarode.simulate.capture import CaptureSettings, simulate_capture
from radarode.simulate.packets import Link

LOSSES = {
    "whole": None,
    "1 % of the packets": Link(0.01),
    "10 % of the packets": Link(0.1),
    "10 % in breaks of 0.5 s": Link(0.1, 844),
}
EDGE_S = 1.0
BESIDE_GAP_S = 0.5
REAL = {
    "IWR6843": (
        "iwr6843_dca1000_coderookie/demo.bin", str(Path(__file__).with_name("iwr6843_demo.toml")),
        "person at 0.70 m, breathing 15.2 /min, heart band 69.3-69.6 bpm",
    ),
    "A121 with presence": ("acconeer_60ghz_breathing/a121_breathing-sitting.h5", None, "18.0 /min, 65.5 bpm"),
    "A121": ("acconeer_60ghz_breathing/a121_breathing-sitting-no-presence.h5", None, "20.9 /min, 63.3 bpm"),
    "A111, asleep": ("acconeer_60ghz_breathing/a111_sleep_breathing.h5", None, "10.4 /min"),
}  # fmt: skip
"""File, radar (None: the file says it), and what its source or an independent look says of it."""

FloatArray = NDArray[np.floating]


def heart_band(moved_m: FloatArray) -> FloatArray:
    """Return the part of (point, time) motion in 0.7-20 Hz."""
    sos = butter(4, (0.7, 20.0), "bandpass", fs=FS_HZ, output="sos")
    return sosfiltfilt(sos, moved_m, axis=-1)


def correlations(found: FloatArray, true: FloatArray) -> FloatArray:
    """Return (point,) the correlation of each row with the same row of the truth, ends and gaps left out."""
    edge = round(EDGE_S * FS_HZ)
    kept = np.all(np.isfinite(found), axis=0).copy()
    kept[:edge] = kept[-edge:] = False
    return np.array([np.corrcoef(a[kept], b[kept])[0, 1] for a, b in zip(found, true, strict=True)])


def best_correlations(found: Extracted, truth: Recording, displacement_m: FloatArray) -> tuple[float, float, float]:
    """Return the correlation at the best point: whole motion, heart band, RCG."""
    assert truth.positions_m is not None
    away = np.linalg.norm(found.positions_m[:, None] - truth.positions_m[None], axis=2)
    moved = found.displacement_m[:, : displacement_m.shape[1]]
    true = displacement_m[away.argmin(axis=1), : moved.shape[1]]
    filled = true + fill_gaps(moved - true)[0]  # only so that filters run; gaps are left out of the result
    gaps = np.where(np.isfinite(moved), 0.0, np.nan)
    views = (lambda x: x, heart_band, lambda x: second_derivative(x, FS_HZ))
    one, two, three = (float(correlations(view(filled) + gaps, view(true)).max()) for view in views)
    return one, two, three


def f1(recording: Recording, weights: Pretrained) -> float:
    """Return the calibrated F1 of a recording; beats within half a second of a gap do not count."""
    assert recording.ecg_mv is not None
    reach = round(BESIDE_GAP_S * FS_HZ)
    near = np.convolve(np.isnan(recording.rcg).all(axis=0), np.ones(2 * reach + 1), "same") > 0.5
    judged = replace(recording, ecg_mv=np.where(near, np.nan, recording.ecg_mv))
    return evaluate(reconstruct(recording, weights), judged).calibrated["f1"]


def with_reference(recording: Recording, truth: Recording) -> Recording:
    """Give extracted motion the true ECG and R peaks."""
    assert truth.ecg_mv is not None
    assert truth.r_peaks_s is not None
    length = recording.rcg.shape[1]
    inside = truth.r_peaks_s[truth.r_peaks_s < recording.duration_s]
    return replace(recording, ecg_mv=truth.ecg_mv[:length], r_peaks_s=inside)


def simulated_row(folder: Path, seed: int, loss: str, weights: Pretrained) -> tuple[str, dict[str, float]]:
    """Simulate one capture, extract it, and return its line of the table and its numbers."""
    link = LOSSES[loss]
    settings = CaptureSettings(seed=seed) if link is None else CaptureSettings(seed=seed, link=link, layout="packets")
    made = simulate_capture(folder, read_radar("awr1843"), settings)
    capture = open_capture(folder / "capture.bin", made.radar)
    found = extract_motion(capture)
    (folder / "capture.bin").unlink()
    truth = made.subjects[0].truth({})
    moved_m = made.subjects[0].displacement_m()
    recording = with_reference(capture_to_recording(found), truth)
    picks = np.sort(np.random.default_rng(seed).permutation(len(truth.rcg))[:50])
    direct = replace(recording, rcg=truth.rcg[picks, : recording.rcg.shape[1]], positions_m=None)
    counted = capture.facts.packets
    exact = made.sent is None or (counted is not None and counted.lost == len(made.sent.lost))
    motion, heart, rcg = best_correlations(found, truth, moved_m)
    numbers = {
        "motion": motion,
        "heart": heart,
        "rcg": rcg,
        "f1": f1(recording, weights),
        "direct": f1(direct, weights),
    }
    bridged = found.facts.get("frames_with_losses", "none")
    line = (
        f"| {loss} | {seed} | {len(found.positions_m)} | {motion:.3f} | {heart:.3f} | {rcg:.3f} | "
        f"{'yes' if exact else 'NO'} | {bridged} | {numbers['f1']:.3f} | {numbers['direct']:.3f} |"
    )
    return line, numbers


def simulated_table(captures: int, weights: Pretrained) -> None:
    """Print a line per capture and loss, and the worst of each column."""
    print(
        "| simulated capture | seed | points | motion | heart | RCG | counted exactly | frames | F1 | F1, direct |",
    )
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    worst: dict[str, float] = {}
    for loss in LOSSES:
        for seed in range(captures):
            with tempfile.TemporaryDirectory() as folder:
                line, numbers = simulated_row(Path(folder), seed, loss, weights)
            print(line, flush=True)
            off = {"F1 off the direct one by": -abs(numbers["f1"] - numbers["direct"])}
            for name, value in {"motion": numbers["motion"], "heart": numbers["heart"], **off}.items():
                worst[name] = min(worst.get(name, 1.0), value)
    print("\nworst: " + ", ".join(f"{name} {abs(value):.3f}" for name, value in worst.items()) + "\n")


def real_files() -> Iterator[tuple[str, Path, str | None, str]]:
    """Yield (name, file, radar, what is known) of the real captures that are here."""
    root = Path(os.environ.get("RADARODE_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    for name, (file, radar, known) in REAL.items():
        if (root / file).is_file():
            yield name, root / file, radar, known


def real_table(pictures: Path | None) -> None:
    """Print what is found in each real capture, told nothing but the radar."""
    print("| real capture | person [m] | breathing [/min] | heart band [bpm] | known |")
    print("|---|---|---|---|---|")
    for name, path, radar, known in real_files():
        found = extract_motion(open_capture(path, None if radar is None else read_radar(radar)))
        rates = found.rates
        assert rates is not None
        where = found.facts["person"].split()[0]
        print(f"| {name} | {where} | {rates.breathing_per_min:.1f} | {rates.heart_bpm:.1f} | {known} |", flush=True)
        if pictures is not None:
            save_radar_pictures(new_directory(pictures / name.replace(" ", "-")), found)


def new_directory(path: Path) -> Path:
    """Create a folder and return it."""
    path.mkdir(parents=True)
    return path


def main() -> None:
    """Print both tables."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captures", type=int, default=5)
    parser.add_argument("--pictures", type=Path)
    arguments = parser.parse_args()
    simulated_table(arguments.captures, load_model("default"))
    real_table(arguments.pictures)


if __name__ == "__main__":
    main()
