"""Measure live streams: are they the offline reconstruction, how late, how fast, how many, and do they grow?

    python benchmarks/bench_stream.py [--recording FILE] [--minutes 30] [--streams 8]

Prints one `name: value` per line.

    drawn_within_5ms, settled_within_5ms   share of the offline beats that the stream has within 5 ms
    drawn_extra                            share of the drawn beats that are no offline beat (50 ms)
    latency_ms_median, latency_ms_p99      from an R peak's motion to its being drawn: what the stream waits for, plus
                                           the time that the step which drew it took
    realtime_factor_50                     seconds of a stream of 50 channels per second, on one thread
    streams_delay_ms_median, _p99          `--streams` streams of 50 channels, paced in real time through runners on all
                                           cores for half a minute: from the newest motion to the update that holds it;
                                           far below a second if they are sustained
    streams_dropped                        packets that they dropped
    memory_growth_mb                       resident memory at the end of `--minutes` of stream time, run fast, against
                                           that after the first fifth

The recording is the camera's session 1-2 (in ../shared/data, or RADARODE_REAL_DATA); without it, a simulated one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import torch

from radarode import load, load_model, reconstruct
from radarode.core.allocator import keep_freed_memory
from radarode.core.types import Recording
from radarode.models.pretrained import Pretrained
from radarode.simulate import Conditions, sample_person, simulate_recording
from radarode.stream.live import LiveStream
from radarode.stream.runner import Runner
from radarode.stream.types import Packet, SourceFacts, Update

PACKET = 20
CHANNELS = 50
SOAK_CHANNELS = 4


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recording", type=Path)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--streams", type=int, default=8)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    weights = load_model()
    measure_equality(read(options.recording), weights)
    motion = simulate_recording(
        sample_person(np.random.default_rng(0)), 60.0, "NB", np.random.default_rng(1), Conditions(n_channels=CHANNELS)
    ).rcg
    measure_speed(motion, weights)
    asyncio.run(measure_streams(motion, weights, options.streams))
    measure_memory(motion[:SOAK_CHANNELS], weights, options.minutes)


def read(path: Path | None) -> Recording:
    """Return the recording to compare on."""
    data = Path(os.environ.get("RADARODE_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    path = path or data / "camera_scg_multipoint" / "1-2.mat"
    if path.is_file():
        print(f"recording: real, {path.name}")
        return load(path)
    print("recording: SIMULATED")
    rng = np.random.default_rng(5)
    return simulate_recording(sample_person(rng), 300.0, "NB", rng, Conditions(n_channels=6))


def facts(channels: int) -> SourceFacts:
    """Describe motion at 200 Hz."""
    return SourceFacts("bench", channels, 200.0, "acceleration")


def measure_equality(recording: Recording, weights: Pretrained) -> None:
    """Replay a recording packet by packet as fast as possible, and compare with the offline result."""
    whole = reconstruct(recording, weights).beats.r_s
    live, updates, latency_s = LiveStream(weights, facts(recording.n_channels)), [], []
    for first in range(0, recording.rcg.shape[1], PACKET):
        motion = recording.rcg[:, first : first + PACKET]
        arrived_s = (first + motion.shape[1]) / 200.0
        before = time.perf_counter()
        update = live.push(Packet(motion, arrived_s, first))
        took_s = time.perf_counter() - before
        if update is not None:
            updates.append(update)
            # A packet arrives when its last sample was measured.
            latency_s += list(arrived_s + took_s - update.drawn_beats.r_s) if arrived_s > 10.0 else []
    updates.append(live.finish())
    for name in ("drawn", "settled"):
        found = np.concatenate([getattr(one, f"{name}_beats").r_s for one in updates])
        away = np.array([np.abs(found - one).min(initial=9.0) for one in whole])
        print(f"{name}_within_5ms: {np.mean(away <= 0.005):.4f}")
        if name == "drawn":
            extra = np.array([np.abs(whole - one).min(initial=9.0) for one in found])
            print(f"drawn_extra: {np.mean(extra > 0.05):.4f}")
    print(f"latency_ms_median: {1e3 * np.median(latency_s):.0f}")
    print(f"latency_ms_p99: {1e3 * np.quantile(latency_s, 0.99):.0f}")


def measure_speed(motion: np.ndarray, weights: Pretrained) -> None:
    """Run one stream of 50 channels on one thread."""
    live, begin = LiveStream(weights, facts(len(motion))), 0.0
    for first in range(0, motion.shape[1], PACKET):
        if first == 2000:
            begin = time.perf_counter()
        live.push(Packet(motion[:, first : first + PACKET], first / 200.0, first))
    print(f"realtime_factor_50: {(motion.shape[1] - 2000) / 200.0 / (time.perf_counter() - begin):.1f}")


class Paced:
    """Send motion in real time."""

    def __init__(self, motion: np.ndarray, seconds: float) -> None:
        self.motion, self.seconds, self.begin_s = motion, seconds, 0.0

    async def packets(self) -> AsyncIterator[SourceFacts | Packet]:
        """Yield facts, then a packet every 0.1 s."""
        yield facts(len(self.motion))
        self.begin_s = time.monotonic()
        for first in range(0, round(self.seconds * 200), PACKET):
            await asyncio.sleep(max(0.0, self.begin_s + (first + PACKET) / 200.0 - time.monotonic()))
            at = first % (self.motion.shape[1] - PACKET)
            yield Packet(self.motion[:, at : at + PACKET], time.monotonic(), first)

    def lost(self) -> int:
        """Return 0."""
        return 0


async def measure_streams(motion: np.ndarray, weights: Pretrained, count: int, seconds: float = 30.0) -> None:
    """Run streams side by side in real time."""
    sources = [Paced(np.roll(motion, 37 * k, axis=1), seconds) for k in range(count)]
    runners = [Runner(source, weights) for source in sources]
    delay_s: list[float] = []
    for runner, source in zip(runners, sources, strict=True):
        runner.listeners.append(lambda news, source=source: note(news, source, delay_s))
    cpu_s = time.process_time()
    await asyncio.gather(*(runner.run() for runner in runners))
    print(f"streams: {count}")
    print(f"streams_delay_ms_median: {1e3 * np.median(delay_s):.0f}")
    print(f"streams_delay_ms_p99: {1e3 * np.quantile(delay_s, 0.99):.0f}")
    print(f"streams_dropped: {sum(runner.counts.dropped_packets for runner in runners)}")
    print(f"streams_cores_used: {(time.process_time() - cpu_s) / seconds:.2f}")


def note(news: SourceFacts | Update, source: Paced, delay_s: list[float]) -> None:
    """Note how long after its newest motion an update comes; not the first ones, and not the end of a stream."""
    if isinstance(news, Update) and news.rcg_first > 1000 and news.rcg.shape[1] == 100 and news.lag_s > 0.0:
        newest_s = (news.rcg_first + news.rcg.shape[1]) / 200.0
        delay_s.append(time.monotonic() - source.begin_s - newest_s)


def measure_memory(motion: np.ndarray, weights: Pretrained, minutes: float) -> None:
    """Run a stream for long, with a loss every 20 s, and watch the resident memory."""
    live, early_mb = LiveStream(weights, facts(len(motion))), 0.0
    total = round(minutes * 60 * 200) // PACKET
    for k in range(total):
        at = k * PACKET % (motion.shape[1] - PACKET)
        if k % 200 != 199:
            live.push(Packet(motion[:, at : at + PACKET], 0.1 * k, PACKET * k))
        if k == total // 5:
            early_mb = resident_mb()
    print(f"memory_minutes: {minutes:g}")
    print(f"memory_growth_mb: {resident_mb() - early_mb:.1f}")
    print(f"memory_peak_mb: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")
    print(f"state_mb: {len(live.save()) / 2**20:.2f}")


def resident_mb() -> float:
    """Return the resident memory of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
