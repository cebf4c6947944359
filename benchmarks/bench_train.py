"""Time training: what building batches takes of a step of `small`, and one step of `paper` against a plain convolution.

python benchmarks/bench_train.py            small: share of the data, windows per second, with and without prefetching
python benchmarks/bench_train.py --paper    also paper: seconds, GFLOP/s, peak memory at batch 8 and 32 (minutes)
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

from radarode.balance import Balancer
from radarode.core.allocator import keep_freed_memory
from radarode.core.types import Segments, TaskOutputs
from radarode.data.augment import AugmentSettings
from radarode.data.store import open_store
from radarode.data.store_writer import write_store
from radarode.models.config import preset
from radarode.models.radarode_mtl import RadarOdeMtl, build_model
from radarode.simulate import iter_recordings
from radarode.simulate.cohort import plain_cohort
from radarode.tasks import TaskSettings
from radarode.train.feed import WindowFeed, make_feed
from radarode.train.multitask import MultiTask
from radarode.train.prefetch import prefetched

BATCH = 32
STEPS = 12
EPOCHS = 5
PAPER_STEPS = 5
WARM_UP = 3
THREADS = int(os.environ.get("RADARODE_BENCH_THREADS", str(os.cpu_count() or 1)))
OBJECTIVE = MultiTask(TaskSettings())


class Stepper:
    """Take training steps as `radarode train` does, with EGA."""

    def __init__(self, model: RadarOdeMtl, *, bfloat16: bool = False) -> None:
        self.model = model.train()
        shared, tasks = OBJECTIVE.partition(model)
        self.balancer = Balancer("ega", shared=shared, tasks=tasks)
        self.optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
        self.bfloat16 = bfloat16

    def __call__(self, batch: Segments) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            losses, features = OBJECTIVE.losses(self.model, batch)
        self.balancer.backward(losses, features=features)
        self.optimizer.step()


def simulated_feed(folder: Path) -> WindowFeed:
    """Store eight simulated people and return their windows, 1 to 8 channels a batch."""
    write_store(
        folder, iter_recordings(plain_cohort(5, 8, 60.0)), {"name": "sst"}, max_channels=16,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    store = open_store(folder)
    return make_feed(
        store.recordings, TaskSettings(), step_s=0.8, scaling="log_mean", freqs_hz=np.asarray(store.index["freqs_hz"]),
        augment=AugmentSettings(), channels=(1, 8), seed=1,
    )  # fmt: skip


def timed(batches: Iterator[Segments], step: Stepper) -> tuple[float, float]:
    """Return the seconds spent waiting for batches and the seconds of all steps with their batches."""
    waited, begin = 0.0, time.perf_counter()
    while True:
        asked = time.perf_counter()
        batch = next(batches, None)
        waited += time.perf_counter() - asked
        if batch is None:
            return waited, time.perf_counter() - begin
        step(batch)


def bench_small() -> None:
    """Print the share that waiting for data has of an epoch, and windows per second, medians; ways take turns."""
    with tempfile.TemporaryDirectory() as folder:
        feed = simulated_feed(Path(folder) / "store")
        step = Stepper(build_model(preset("small"), seed=0))
        step(next(feed.epoch(0, BATCH, 1)))
        found: dict[str, list[tuple[float, float]]] = {"": [], "_prefetched": []}
        for epoch in range(1, EPOCHS + 1):
            found[""].append(timed(feed.epoch(epoch, BATCH, STEPS), step))
            found["_prefetched"].append(timed(prefetched(feed.epoch(epoch, BATCH, STEPS)), step))
    for way, pairs in found.items():
        share = statistics.median(waited / whole for waited, whole in pairs)
        whole = statistics.median(whole for _, whole in pairs)
        print(f"train_small_data_share{way}: {share:.4f}")
        print(f"train_small_windows_per_s{way}: {STEPS * BATCH / whole:.1f}")


def paper_batch(windows: int) -> Segments:
    """Return a random batch of the published size."""
    draw = torch.Generator().manual_seed(1)
    targets = TaskOutputs(
        torch.rand(windows, 200, generator=draw),
        torch.rand(windows, 260, generator=draw).softmax(dim=1),
        torch.rand(windows, 800, generator=draw),
    )
    return Segments(torch.rand(windows, 50, 71, 120, generator=draw), np.zeros(windows), targets)


def seconds(call: Callable[[], object], *, warm_up: int = 0, repeats: int = 1) -> float:
    """Return the median seconds of a call."""
    times = []
    for number in range(warm_up + repeats):
        begin = time.perf_counter()
        call()
        if number >= warm_up:
            times.append(time.perf_counter() - begin)
    return statistics.median(times)


def convolution() -> tuple[Callable[[], object], float]:
    """Return a large plain 3x3 convolution, forward and both gradients, and its floating-point operations."""
    x = torch.rand(8, 128, 71, 120, requires_grad=True)
    weight = torch.rand(128, 128, 3, 3, requires_grad=True)
    cotangent = torch.rand(8, 128, 71, 120)
    work = 3 * 2 * 8 * 71 * 120 * 128 * 128 * 9
    return lambda: torch.autograd.grad(conv2d(x, weight, padding=1), (x, weight), cotangent), work


def bench_paper() -> None:
    """Print time, speed and memory of one step of `paper`, batch 8; the work counts products of the algorithm alone."""
    batch, step = paper_batch(8), Stepper(build_model(preset("paper"), seed=0))
    plain, plain_work = convolution()
    with FlopCounterMode(display=False) as counter:
        step(batch)
    for _ in range(WARM_UP):  # until the process holds the memory of a step
        step(batch)
    times = [(seconds(lambda: step(batch)), seconds(plain, repeats=2)) for _ in range(PAPER_STEPS)]
    taken, taken_plain = (statistics.median(column) for column in zip(*times, strict=True))
    speed, plain_speed = counter.get_total_flops() / taken / 1e9, plain_work / taken_plain / 1e9
    print(f"train_paper_step_s: {taken:.2f}")
    print(f"train_paper_gflop: {counter.get_total_flops() / 1e9:.0f}")
    print(f"train_paper_gflops: {speed:.1f}")
    print(f"train_plain_convolution_gflops: {plain_speed:.1f}")
    print(f"train_paper_speed_vs_convolution: {speed / plain_speed:.2f}")
    for name in ("8", "8-recompute", "8-bfloat16", "8-recompute-bfloat16", "32-recompute", "32"):
        taken, memory = in_own_process(name)
        print(f"train_paper_batch_{name.replace('-', '_')}_peak_memory_gb: {memory:.2f}")
        print(f"train_paper_batch_{name.replace('-', '_')}_step_s: {taken:.2f}")


def in_own_process(name: str) -> tuple[float, float]:
    """Return the median seconds and the peak memory in GB of steps in a process of its own; NaN if that failed."""
    done = subprocess.run([sys.executable, __file__, "--one", name], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return float("nan"), float("nan")
    first, second = done.stdout.split()
    return float(first), float(second)


def one_step(name: str) -> None:
    """Take steps of one kind, such as 8-recompute, and print the seconds of the last ones and the peak memory."""
    windows, *ways = name.split("-")
    model = build_model(preset("paper"), seed=0)
    model.backbone.recompute = "recompute" in ways
    batch, step = paper_batch(int(windows)), Stepper(model, bfloat16="bfloat16" in ways)
    taken = seconds(lambda: step(batch), warm_up=2, repeats=3)
    # Not `getrusage`: its peak starts at that of the process that started this one.
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    print(taken, int(line.split()[1]) / 2**20)


def main() -> None:
    keep_freed_memory()
    torch.set_num_threads(THREADS)
    if "--one" in sys.argv:
        one_step(sys.argv[-1])
        return
    bench_small()
    if "--paper" in sys.argv:
        bench_paper()


if __name__ == "__main__":
    main()
