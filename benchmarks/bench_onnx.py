"""Time the exported network `small` in onnxruntime beside torch: 50 channels, 71 rows, 120 frames a window.

Both get two threads, the same scaled windows and the settings that `radarode reconstruct` gives them, in one process,
one after the other in turns. The spectrogram is not counted. `best` is the fastest run: what other programs on the
machine take from the median, they take less from it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from radarode.core.allocator import keep_freed_memory
from radarode.data.scaling import scale_windows
from radarode.export.onnx import OnnxOptions, export_onnx, relative_difference
from radarode.models.pretrained import load_model

THREADS = 2
CHANNELS = 50
RUNS = {1: 60, 16: 8}
"""Timed runs of each side by batch."""


def turns(sides: dict[str, Callable[[], object]], runs: int) -> dict[str, list[float]]:
    """Return the seconds of each run of each side, taken in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for run in sides.values():
        run()
    for _ in range(runs):
        for name, run in sides.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return seconds


@torch.inference_mode()
def main() -> None:
    keep_freed_memory()
    torch.set_num_threads(THREADS)
    original = load_model("default")
    sides = {"torch": original.model}
    with tempfile.TemporaryDirectory() as folder:
        for deform in ("native", "grid-sample"):
            path = Path(folder) / f"{deform}.onnx"
            export_onnx(path, original, OnnxOptions(deform=deform, with_scaling=False))
            sides[f"onnx_{deform.replace('-', '_')}"] = load_model(path).model
    generator = torch.Generator().manual_seed(1)
    worst = 0.0
    for batch, runs in RUNS.items():
        x = scale_windows(torch.rand(batch, CHANNELS, 71, 120, generator=generator), original.scaling)
        wanted = sides["torch"](x)
        for model in sides.values():
            pairs = zip(model(x).items(), wanted.items(), strict=True)
            worst = max(worst, *(relative_difference(one.numpy(), other.numpy()) for (_, one), (_, other) in pairs))
        seconds = turns({name: lambda model=model, x=x: model(x) for name, model in sides.items()}, runs)
        for name, taken in seconds.items():
            per_window = 1e3 / batch * np.array(taken)
            print(
                f"{name}_ms_per_window_batch{batch}: {statistics.median(per_window):.1f} (best {min(per_window):.1f})"
            )
            if name != "torch":
                ratio = statistics.median(seconds["torch"]) / statistics.median(taken)
                print(f"{name}_speedup_vs_torch_batch{batch}: {ratio:.1f}")
    print(f"onnx_max_relative_difference: {worst:.1e}")


if __name__ == "__main__":
    main()
