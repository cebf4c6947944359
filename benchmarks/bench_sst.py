"""Time the synchrosqueezed transform against ssqueezepy on the same rows, wavelet and threads.

    python benchmarks/bench_sst.py

Prints one `name: value` per line. All sides run in this process, alternating, on two threads and with the same
allocator settings; each figure is a median, warm-up (Numba's compilation) excluded. Both sides have the same input
at 200 Hz, rows and wavelet, and both bin to the nearest row (the peer's only way).

    sst_speedup_vs_ssqueezepy            ours at its default internal rate (60 Hz): what the pipeline gains. Part of
                                         the gain is that rate; the band ends at 25 Hz and frames leave at 30 Hz.
    sst_speedup_vs_ssqueezepy_same_rate  ours at 240 Hz, not fewer points than the peer's 200 Hz.
    sst_stream_hop_ms                    a live update: 0.1 s of 50 channels in, the new frames out.

The peer's time is `ssq_cwt` alone, looped over channels or batched, whichever is faster here; ours includes the
magnitude and the decimation to 30 Hz.
"""

from __future__ import annotations

import os
import sys
import time
import warnings

SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_TOP_PAD_": "268435456",
    "OMP_NUM_THREADS": "2",
    "NUMBA_NUM_THREADS": "2",
    "SSQ_PARALLEL": "1",
    "SSQ_GPU": "0",
}
FS_HZ = 200
DURATION_S = 180
CHANNELS = 50
COMPARED_CHANNELS = 8
PEER_BLOCK = 8
REPEATS = 5
FULL_RATE_HZ = 240.0


def cardiac_motion(channels: int, duration_s: float, seed: int = 0):
    """Return simulated (channel, time) micro-motion: two bursts per beat and white noise, at 200 Hz."""
    import numpy as np

    rng = np.random.default_rng(seed)
    t = np.arange(round(duration_s * FS_HZ)) / FS_HZ
    x = 0.05 * rng.normal(size=(channels, len(t)))
    for r in np.cumsum(rng.normal(0.85, 0.04, int(duration_s / 0.85))):
        for gain, f_hz, width_s, delay_s in ((1.0, 12, 0.06, 0.1), (0.6, 20, 0.04, 0.42)):
            u = t - r - delay_s
            near = np.abs(u) < 5 * width_s
            burst = np.cos(2 * np.pi * f_hz * u[near]) * np.exp(-((u[near] / width_s) ** 2))
            x[:, near] += gain * rng.uniform(0.6, 1, (channels, 1)) * burst
    return x.astype(np.float32)


def make_peers(freqs_hz):
    """Return ssqueezepy's transform on the given rows, looped and batched: (channel, time) -> complex rows by channel.

    The batched mode holds every channel's transform at once; in blocks of 8 channels it stays in memory.
    """
    import numpy as np
    from ssqueezepy import Wavelet, ssq_cwt

    wavelet = Wavelet(("morlet", {"mu": 6.0}))
    scales = 6.0 / (2 * np.pi * freqs_hz[::-1] / FS_HZ)
    common = {"fs": FS_HZ, "ssq_freqs": freqs_hz, "padtype": "zero", "squeezing": "sum"}
    fastest = {"nan_checks": False, "preserve_transform": False, "astensor": False}

    def looped(x):
        return [ssq_cwt(row, wavelet, scales=scales, **common, **fastest)[0][::-1] for row in x]

    def batched(x):
        blocks = [x[i : i + PEER_BLOCK] for i in range(0, len(x), PEER_BLOCK)]
        return [row[::-1] for block in blocks for row in ssq_cwt(block, wavelet, scales=scales, **common, **fastest)[0]]

    return {"peer_looped": looped, "peer_batched": batched}


def decimate(magnitudes):
    """Bring (row, time) magnitudes from 200 to 30 Hz with the low-pass that ours has."""
    import numpy as np
    from scipy import signal

    taps = signal.firwin(361, 0.42 * 30, window=("kaiser", 5.0), fs=3 * FS_HZ)
    return np.clip(signal.resample_poly(magnitudes, 3, 20, axis=-1, window=taps), 0, None)


def seconds(function, x) -> float:
    """Return the wall time of one call."""
    start = time.perf_counter()
    function(x)
    return time.perf_counter() - start


def hop_ms(transform, x) -> list[float]:
    """Return the milliseconds of every update of a stream that is fed 0.1 s at a time and has its whole past."""
    import torch

    state, hop, times = transform.init_state(len(x)), FS_HZ // 10, []
    for start in range(0, x.shape[1], hop):
        chunk = torch.from_numpy(x[:, start : start + hop])
        begin = time.perf_counter()
        state, _ = transform.step(state, chunk)
        times.append(1e3 * (time.perf_counter() - begin))
    return times[len(times) // 2 :]


def main() -> None:
    """Measure and print."""
    import numpy as np
    import torch

    from radarode.signal.timefrequency import make_transform

    torch.set_num_threads(2)
    x = cardiac_motion(CHANNELS, DURATION_S)
    default = make_transform("sst")
    ours = make_transform("sst", binning="nearest")
    full = make_transform("sst", binning="nearest", internal_rate_hz=FULL_RATE_HZ)
    peers = make_peers(ours.freqs_hz)

    few = x[:: CHANNELS // COMPARED_CHANNELS][:COMPARED_CHANNELS]
    theirs = np.stack([decimate(np.abs(t)) for t in peers["peer_looped"](few)])
    correlation = np.corrcoef(theirs.ravel(), ours(few).values.numpy().ravel())[0, 1]

    sides = {"default": default, "ours": ours, "full": full, **peers}
    for side in sides.values():
        side(x[:8])
    times = {name: [] for name in sides}
    for _ in range(REPEATS):
        for name, side in sides.items():
            times[name].append(seconds(side, x))
    median = {name: float(np.median(values)) for name, values in times.items()}
    fastest = min(peers, key=lambda name: median[name])

    print(f"sst_speedup_vs_ssqueezepy: {median[fastest] / median['ours']:.2f}")
    print(f"sst_speedup_vs_ssqueezepy_same_rate: {median[fastest] / median['full']:.2f}")
    print(f"sst_correlation_with_ssqueezepy: {correlation:.4f}")
    print(f"sst_times_realtime: {DURATION_S / median['default']:.0f}")
    hops = hop_ms(default, x[:, : 40 * FS_HZ])
    print(f"sst_stream_hop_ms: {np.median(hops):.2f}")
    print(f"sst_stream_hop_ms_99_percent: {np.percentile(hops, 99):.2f}")
    print(f"sst_seconds_3min_50_channels: {median['default']:.2f}")
    print(f"sst_seconds_3min_50_channels_nearest: {median['ours']:.2f}")
    for name in peers:
        print(f"ssqueezepy_seconds_3min_50_channels_{name.removeprefix('peer_')}: {median[name]:.2f}")


if __name__ == "__main__":
    if any(os.environ.get(key) != value for key, value in SETTINGS.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **SETTINGS})
    warnings.filterwarnings("ignore", module="ssqueezepy")
    main()
