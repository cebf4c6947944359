"""Time the way of a user: one simulated hour of 50 channels in a file, and `radarode reconstruct` from start to exit.

    python benchmarks/bench_hour.py [--repeats 1] [--minutes 60] [--channels 50]

Prints one `name: value` per line. The file is a native .h5 at 200 Hz and is made outside the timing; the command reads
it, reconstructs with the default weights, and writes all its exports. A recording of one minute warms up (files and
libraries in the system's cache); then the hour is timed once, or `--repeats` times with the median told.

    hour_to_export_s       seconds from the start of the process to its exit
    hour_times_realtime    seconds of the recording per second
    hour_peak_memory_gb    peak resident memory of the command, the largest of the repeats (Linux)
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

COMMAND = Path(sys.executable).with_name("radarode")
LOOK_S = 0.02


def main() -> None:
    """Make the recordings, warm up, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--channels", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, minutes in (("minute", 1.0), ("hour", options.minutes)):
            # A process of its own, so that its memory is not held beside the command's.
            subprocess.run(
                [sys.executable, "-c", MAKE, folder / f"{name}.h5", str(minutes), str(options.channels)], check=True
            )
        timed(folder / "minute.h5", folder / "warm-up")
        runs = [timed(folder / "hour.h5", folder / f"run{k}") for k in range(options.repeats)]
    taken_s = statistics.median(seconds for seconds, _ in runs)
    print(f"hour_to_export_s: {taken_s:.1f}")
    print(f"hour_times_realtime: {60 * options.minutes / taken_s:.0f}")
    print(f"hour_peak_memory_gb: {max(peak_gb for _, peak_gb in runs):.2f}")


MAKE = """
import sys
import numpy as np
from radarode.data.native import save_recording
from radarode.simulate import Conditions, sample_person, simulate_recording
path, minutes, channels = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(0)
conditions = Conditions(n_channels=channels)
save_recording(path, simulate_recording(sample_person(rng), 60 * minutes, "NB", rng, conditions))
"""


def timed(file: Path, out: Path) -> tuple[float, float]:
    """Run `radarode reconstruct`; return its seconds and its peak memory in GB."""
    begin = time.perf_counter()
    child = subprocess.Popen([COMMAND, "reconstruct", file, "--out", out], stdout=subprocess.DEVNULL)
    peak = Peak(child.pid)
    code = child.wait()
    seconds = time.perf_counter() - begin
    peak.stop()
    if code or not (out / "summary.json").is_file():
        sys.exit(f"hour: `radarode reconstruct` ended with {code}")
    return seconds, peak.gb


class Peak:
    """Watch the peak memory of a process, which the system forgets when it ends."""

    def __init__(self, pid: int) -> None:
        self.gb = 0.0
        self._status = Path(f"/proc/{pid}/status")
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> None:
        """End the watch."""
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        # Not `getrusage` of the children: its peak starts at that of the process that started them.
        while not self._done.wait(LOOK_S):
            try:
                text = self._status.read_text()
            except OSError:
                return
            for line in text.splitlines():
                if line.startswith("VmHWM"):
                    self.gb = max(self.gb, int(line.split()[1]) / 2**20)


if __name__ == "__main__":
    main()
