"""mechanical.csv: one row per beat, empty where nothing is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from radarode.core.notice import SHORT_NOTICE
from radarode.export.mechanical import COLUMNS, write_mechanical_csv
from radarode.reconstruction.mechanical import MechanicalBeats


def events(pep_like_s: np.ndarray | None) -> MechanicalBeats:
    r_s = np.array([1.0, 2.0])
    nan = np.array([np.nan, np.nan])
    second = np.array([np.nan, 2.1])
    return MechanicalBeats(
        r_s, second - 0.03, second, nan, nan, np.array([0.1, 0.9]), np.zeros(2), pep_like_s, pep_like_s, nan, nan
    )


def test_rows(tmp_path: Path) -> None:
    path = write_mechanical_csv(tmp_path / "m.csv", events(None))
    comment, header, *rows = path.read_text().splitlines()
    assert SHORT_NOTICE in comment
    assert "Estimates" in comment
    assert header == ",".join(COLUMNS)
    assert rows == ["1.0000,,,,,,0.1000,0.0000,,", "2.0000,2.0700,2.1000,,,,0.9000,0.0000,,"]


def test_reference_columns(tmp_path: Path) -> None:
    path = write_mechanical_csv(tmp_path / "m.csv", events(np.array([0.09, np.nan])))
    assert path.read_text().splitlines()[2].endswith(",0.0900,0.0900")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_mechanical_csv(tmp_path / "no" / "m.csv", events(None))
