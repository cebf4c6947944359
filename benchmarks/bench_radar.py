"""Time the focusing of raw frames and the whole chain on a simulated capture; compare the two scores of voxels.

    python benchmarks/bench_radar.py [--minutes 10]

Prints one `name: value` per line; MMECG's radar (12 virtual channels, 256 samples, 200 frames/s) and grid (1377
voxels), two threads. Every capture here is simulated.

    radar_focus_speedup_vs_einsum   the sum over channels and samples as one einsum with its kernels made beforehand,
    over
                                    ours (basis, coefficients, voxels) on the same frames, medians, alternating
    radar_focus_error               largest difference between the two over the largest value
    radar_focus_times_realtime      seconds of capture focused on all voxels per second
    radar_extract_times_realtime    seconds of capture per second of the whole chain, 1377 voxels to 50 signals
    radar_extract_peak_gb           peak memory of that process
    radar_score_auc_NAME            chance that a voxel whose motion follows the heart (|r| > 0.5) scores higher than
    one
                                    whose motion does not (|r| < 0.2), over simulated scenes with a heart in the chest
                                    only
    radar_score_seconds_NAME        time for 1377 voxels and 20 s
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path

SETTINGS = {"OMP_NUM_THREADS": "2", "MALLOC_TRIM_THRESHOLD_": "268435456"}
FRAMES = 1000
REPEATS = 5
SCENES = 6
NOISES = (0.5, 2.0, 6.0)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "radar"))


def focusing() -> None:
    """Measure the focusing against one einsum, on noise."""
    import numpy as np
    import torch

    from radarode.radar.backprojection import RangeBasis, form, kernels, span_of
    from radarode.radar.grid import VoxelGrid, round_trips_m
    from radarode.radar.presets import PRESETS

    radar, points_m = PRESETS["awr1843"], VoxelGrid().points_m
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(FRAMES, 12, 256, 2)).astype(np.float32).view(np.complex64)[..., 0]
    basis = RangeBasis.over(span_of(points_m, radar), radar)
    weights = basis.weights(points_m)
    filters = torch.from_numpy((kernels(round_trips_m(points_m, radar), radar) / 12).astype(np.complex64))
    tensor = torch.from_numpy(frames)
    times: dict[str, list[float]] = {"ours": [], "einsum": []}
    ours = direct = None
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        ours = form(basis.compress(frames), weights)
        times["ours"].append(time.perf_counter() - start)
        start = time.perf_counter()
        direct = torch.einsum("tni,pni->tp", tensor, filters).numpy()
        times["einsum"].append(time.perf_counter() - start)
    median = {name: float(np.median(values[1:])) for name, values in times.items()}
    print(f"radar_focus_speedup_vs_einsum: {median['einsum'] / median['ours']:.1f}")
    print(f"radar_focus_error: {np.abs(ours - direct).max() / np.abs(direct).max():.1e}")
    print(f"radar_focus_times_realtime: {FRAMES / 200 / median['ours']:.0f}")


def scores() -> None:
    """Compare the two scores on simulated scenes."""
    import numpy as np
    from scene import CLUTTER, ArrayCapture, beat_signals, person, small_radar
    from scipy.signal import butter, sosfiltfilt

    from radarode.radar.dtw import template_score
    from radarode.radar.fields import FmcwField
    from radarode.radar.grid import VoxelGrid
    from radarode.radar.heart import ENERGY_HZ, repetition, shared_period, velocity, vibration_envelope

    radar, points_m, n = small_radar(), VoxelGrid().points_m, 4000
    sos = butter(3, (5, 25), "bandpass", fs=200, output="sos")
    areas: dict[str, list[float]] = {"repetition": [], "template": []}
    seconds: dict[str, list[float]] = {"repetition": [], "template": []}
    for seed in range(SCENES):
        rng = np.random.default_rng(seed)
        targets, _ = person(radar, n, 0.45, rng)
        frames = beat_signals(radar, targets + CLUTTER, n, NOISES[seed % len(NOISES)], rng)
        z = FmcwField(ArrayCapture(radar, frames), points_m).signals(points_m)
        speed = velocity(z, 200.0, radar.wavelength_m)
        power = z.var(axis=0)
        heart = sosfiltfilt(
            sos, targets[0].moved_m - 0.75 * targets[3].moved_m
        )  # the breath, of another gain, is far below
        moved = sosfiltfilt(sos, np.cumsum(speed, axis=1), axis=1)
        follows = np.abs([np.corrcoef(heart[200:-200], row[200:-200])[0, 1] for row in moved])
        envelope = vibration_envelope(speed, 200.0)
        start = time.perf_counter()
        period, products = shared_period(envelope, power)
        shared = time.perf_counter() - start
        for name, score in (
            ("repetition", lambda p=products, q=period: repetition(p, q)),
            ("template", lambda e=envelope, q=period: template_score(e, ENERGY_HZ, q)),
        ):
            start = time.perf_counter()
            value = score()
            seconds[name].append(shared + time.perf_counter() - start)
            strong = power > 0.01 * power.max()
            hits, misses = value[strong & (follows > 0.5)], value[strong & (follows < 0.2)]
            if len(hits) and len(misses):
                areas[name].append(float((hits[:, None] > misses).mean()))
    for name, values in areas.items():
        print(f"radar_score_auc_{name}: {np.mean(values):.3f} (lowest {np.min(values):.3f}, {len(values)} scenes)")
        print(f"radar_score_seconds_{name}: {np.median(seconds[name]):.2f}")


def chain(minutes: float) -> None:
    """Measure the whole chain on a simulated capture that is made piece by piece, as a file would be read."""
    import numpy as np
    from scene import CLUTTER, ArrayCapture, beat_signals, person

    from radarode.radar.chain import extract_motion
    from radarode.radar.extracted import ExtractSettings
    from radarode.radar.presets import PRESETS

    radar, piece = PRESETS["awr1843"], 4000
    rng = np.random.default_rng(0)
    targets, _ = person(radar, piece, 0.45, rng)
    frames = beat_signals(radar, targets + CLUTTER, piece, 1.0, rng)
    stored = (frames.view(np.float32) * 100).astype(np.int16)
    n = round(minutes * 60 * 200)

    class Repeated(ArrayCapture):
        """The same 20 s again and again, as int16, so that memory holds little and reading has its cost."""

        def _read(self, first: int, last: int) -> np.ndarray:
            return stored[np.arange(first, last) % piece].astype(np.float32).view(np.complex64)

    capture = Repeated(radar, np.empty(n))
    del frames
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    found = extract_motion(capture, ExtractSettings(exact=True))
    took = time.perf_counter() - start
    print(f"radar_extract_times_realtime: {n / 200 / took:.1f}")
    print(f"radar_extract_signals: {len(found.displacement_m)}")
    print(f"radar_extract_minutes: {minutes:g}")
    print(
        f"radar_extract_peak_gb: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} "
        f"(before {base / 1e6:.2f})"
    )


def main() -> None:
    """Measure and print."""
    import torch

    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--only", choices=("focusing", "scores", "chain"))
    chosen = parser.parse_args()
    torch.set_num_threads(2)
    parts = {"focusing": focusing, "chain": lambda: chain(chosen.minutes), "scores": scores}
    for name, part in parts.items():
        if chosen.only in (None, name):
            part()


if __name__ == "__main__":
    if any(os.environ.get(key) != value for key, value in SETTINGS.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **SETTINGS})
    main()
