import numpy as np
import pytest

from radarode.cli.simulate import simulate
from radarode.core.errors import InputError
from radarode.data.native import load_recording


def test_writes_one_native_file_a_recording(tmp_path, capsys):
    out = tmp_path / "people"
    simulate(out, subjects=3, minutes=0.1, seed=4, status="SP", snr_db=6.0, channels=3)
    files = sorted(out.iterdir())
    assert [f.name for f in files] == ["sim-0000-1.h5", "sim-0001-1.h5", "sim-0002-1.h5"]
    recording = load_recording(files[1])
    assert recording.simulated
    assert recording.status == "SP"
    assert recording.rcg.shape == (3, 1200)
    assert recording.notes["snr_db"] == "6.00"
    line = capsys.readouterr().out.strip()
    assert "simulated" in line
    assert "\n" not in line


def test_the_seed_decides(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate(tmp_path / name, minutes=0.05, seed=seed, channels=2)
    a, b, c = (load_recording(tmp_path / name / "sim-0000-1.h5").rcg for name in "abc")
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_an_existing_folder_is_kept_unless_told(tmp_path):
    simulate(tmp_path / "a", minutes=0.05, channels=1)
    with pytest.raises(InputError, match="exists already"):
        simulate(tmp_path / "a", minutes=0.05, channels=1)
    simulate(tmp_path / "a", minutes=0.1, channels=1, overwrite=True)
    assert load_recording(tmp_path / "a" / "sim-0000-1.h5").duration_s == pytest.approx(6.0)


@pytest.mark.parametrize("bad", [{"minutes": 0.0}, {"minutes": 1e5}, {"subjects": 0}, {"channels": 0}, {"seed": -1}])
def test_bad_options_leave_nothing_behind(tmp_path, bad):
    with pytest.raises(InputError):
        simulate(tmp_path / "out", **bad)
    assert list(tmp_path.iterdir()) == []
