"""Bytes of the window store against the published layout, for the same recording and window step.

The published layout writes each 4-s window, one every 0.8 s, as float64 (50, 71, 120); ours writes each frame once, as
float16, and slices windows from it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from radarode.core.constants import N_ROWS, WINDOW_FRAMES
from radarode.data.store import open_store
from radarode.data.store_writer import write_store
from radarode.simulate import sample_person, simulate_recording

MMECG_MINUTES = 91 * 3
STEP_S = 0.8


def main() -> None:
    """Print the ratio, and what the store of all of MMECG's 91 trials takes."""
    rng = np.random.default_rng(0)
    recording = simulate_recording(sample_person(rng), 180.0, "NB", rng)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "store"
        write_store(folder, [recording], {"name": "sst"})
        ours = sum(path.stat().st_size for path in folder.iterdir())
        windows = len(open_store(folder).recordings[0].window_starts(STEP_S))
    published = windows * recording.n_channels * N_ROWS * WINDOW_FRAMES * 8
    print(f"store_share_of_published_layout: {ours / published:.4f}")
    print(f"store_times_smaller_than_published_layout: {published / ours:.1f}")
    print(f"store_of_91_trials_gb: {ours * MMECG_MINUTES / 3 / 1e9:.2f}")


if __name__ == "__main__":
    main()
