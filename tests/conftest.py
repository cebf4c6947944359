"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

# Threads that wait for each other spin by default, in torch and in numpy. On cores that are busy with other tests that
# makes small work up to forty times slower, above all in the processes that tests start: they inherit what is set here.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real recordings, or skip where it is not there."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("RADARODE_REAL_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"real recordings are not at {folder} (set RADARODE_REAL_DATA)")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a fresh, seeded generator."""
    return np.random.default_rng(20240)
