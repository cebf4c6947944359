"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest


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
