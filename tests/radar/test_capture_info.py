from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radarode.cli.capture_info import capture_info, describe, range_peaks
from radarode.radar.capture import open_capture
from radarode.radar.describe_file import save_radar
from radarode.radar.description import CwRadar, FmcwRadar
from radarode.radar.readers.lanes import encode_lanes


def test_facts(raw: Path, small: FmcwRadar):
    facts = describe(open_capture(raw, small))
    assert (facts["layout"], facts["frames"], facts["duration_s"]) == ("dca1000", 40, 0.2)
    assert (facts["lost_share"], facts["frames_with_losses"], facts["packets"]) == (0, 0, None)
    assert facts["derived"]["n_virtual"] == 8
    assert facts["derived"]["range_resolution_m"] == pytest.approx(small.range_resolution_m)
    json.dumps(facts, allow_nan=False)


def test_peaks_stand_where_the_reflectors_are(raw: Path, small: FmcwRadar):
    peaks = range_peaks(open_capture(raw, small))
    assert peaks is not None
    assert peaks[0]["power_db"] == 0
    for peak, range_m in zip(peaks, (0.5, 0.9), strict=False):
        assert peak["range_m"] == pytest.approx(range_m, abs=small.range_resolution_m)


def test_peaks_of_real_samples(tmp_path: Path, small: FmcwRadar):
    real = replace(small, iq=False)
    tone = 900 * np.cos(2 * np.pi * 9 * np.arange(64) / 64)
    encode_lanes(np.broadcast_to(tone, (8, *real.frame_shape)), real).tofile(tmp_path / "a.bin")
    peaks = range_peaks(open_capture(tmp_path / "a.bin", real))
    assert peaks is not None
    assert [peak["range_m"] for peak in peaks] == pytest.approx([9 * real.range_resolution_m], abs=1e-4)


def test_table_and_json(tmp_path: Path, raw: Path, small: FmcwRadar, capsys: pytest.CaptureFixture[str]):
    save_radar(tmp_path / "r.toml", small)
    raw.write_bytes(raw.read_bytes()[:-7])
    capture_info(raw, radar=str(tmp_path / "r.toml"))
    shown = " ".join(capsys.readouterr().out.split())
    for text in ("small (fmcw)", "range_resolution_m", "range peaks", "not a whole frame", "39"):
        assert text in shown
    capture_info(raw, radar=str(tmp_path / "r.toml"), json=True)
    facts = json.loads(capsys.readouterr().out)
    assert facts["frames"] == 39
    assert facts["radar"]["tx_order"] == [0, 1, 0, 1]
    assert len(facts["warnings"]) == 1


def test_a_radar_without_ranges(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    import scipy.io

    phase = np.sin(np.arange(3000) / 300)
    scipy.io.savemat(tmp_path / "a.mat", {"radar_i": np.cos(phase), "radar_q": np.sin(phase), "fs_radar": 2000.0})
    capture = open_capture(tmp_path / "a.mat")
    assert isinstance(capture.radar, CwRadar)
    assert range_peaks(capture) is None
    capture_info(tmp_path / "a.mat")
    assert "cw 24 GHz (cw)" in capsys.readouterr().out


def test_a_real_capture(real_data: Path):
    facts = describe(open_capture(real_data / "acconeer_60ghz_breathing" / "a111_sleep_breathing.h5"))
    assert (facts["frames"], facts["saturated_share"]) == (331, None)
    assert 0.4 <= facts["peaks"][0]["range_m"] <= 0.8
