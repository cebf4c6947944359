"""Time free-running MMECG inference on one thread, against real time and against recomputing the receptive field.

The recomputation is the best that an eager network without kept state can do: 512 samples in, the head for the last one
only. Both run in one process on the same conditions and must give the same curve. Weights are untrained: time does not
depend on them.
"""

from __future__ import annotations

import os
import statistics
import sys
import time

import numpy as np
import torch

from radarode.core.allocator import keep_freed_memory
from radarode.core.constants import FS_HZ
from radarode.core.types import Recording
from radarode.frameworks.mmecg_run import curve_of
from radarode.models.causal_tcn import CausalTcn, shift_past
from radarode.models.networks import build_network, preset_of
from radarode.models.tcn_stepper import free_run, read_out
from radarode.reconstruction.settings import ReconstructSettings

SECONDS = 60.0
CHANNELS = 8
REPEATS = 5
RECOMPUTED = 200
"""Samples per repeat that are recomputed; the stepper runs as many."""


def recording(rng: np.random.Generator) -> Recording:
    return Recording(rng.standard_normal((CHANNELS, round(SECONDS * FS_HZ))).astype(np.float32), FS_HZ)


@torch.inference_mode()
def recompute(tcn: CausalTcn, conditions: np.ndarray, curve: np.ndarray) -> tuple[np.ndarray, float]:
    """Run free behind `curve` to the end of `conditions` with nothing kept; return the curve and the seconds."""
    field, known = tcn.receptive_field, curve.shape[1]
    told = torch.from_numpy(np.pad(curve, ((0, 0), (0, conditions.shape[2] - known)), constant_values=np.nan))
    given = torch.from_numpy(conditions)
    start = time.perf_counter()
    for t in range(known, conditions.shape[2]):
        first = t + 1 - field
        past = shift_past(told[:, first - 1 : t + 1])[:, :, 1:]
        told[:, t] = torch.from_numpy(read_out(tcn.last(given[:, :, first : t + 1], past).T.numpy(), "expectation"))
    return told[:, known:].numpy(), time.perf_counter() - start


def main() -> None:
    keep_freed_memory()
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    model = build_network("mmecg", preset_of("mmecg", "small"), seed=1).eval()
    whole, wanted = [], recording(rng)
    for _ in range(REPEATS):
        start = time.perf_counter()
        curve_of(model, wanted, ReconstructSettings())
        whole.append(time.perf_counter() - start)
    warm = model.decoder.receptive_field + 1
    conditions = rng.standard_normal((1, model.config.conditions, warm + RECOMPUTED)).astype(np.float32)
    before = free_run(model.decoder, conditions[:, :, :warm])
    stepped, recomputed = [], []
    for _ in range(REPEATS):
        start = time.perf_counter()
        curve = free_run(model.decoder, conditions)
        stepped.append((time.perf_counter() - start) / conditions.shape[2])
        anew, seconds = recompute(model.decoder, conditions, before)
        recomputed.append(seconds / RECOMPUTED)
    print(f"mmecg_realtime_factor_small: {SECONDS / statistics.median(whole):.0f}")
    print(f"mmecg_speedup_vs_receptive_field: {statistics.median(recomputed) / statistics.median(stepped):.0f}")
    print(f"mmecg_step_us_small: {1e6 * statistics.median(stepped):.0f}")
    print(f"mmecg_max_difference: {np.abs(curve[:, warm:] - anew).max():.1e}")


if __name__ == "__main__":
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    if not single.items() <= os.environ.items():  # libraries read these once, when they are loaded
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **single})
    main()
