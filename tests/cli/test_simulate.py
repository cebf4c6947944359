import numpy as np
import pytest
import wfdb

from radarode.cli.simulate import simulate
from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.load import load
from radarode.data.mmecg_folder import check_mmecg_folder
from radarode.data.native import load_recording, save_recording


def test_writes_one_native_file_a_recording(tmp_path, capsys):
    out = tmp_path / "people"
    simulate(out, subjects=3, minutes=0.1, seed=4, status="SP", snr_db=6.0, channels=3)
    files = sorted(out.glob("*.h5"))
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


FS_HZ = 250.0


def real_ecg(seconds=20.0):
    """An ECG with an unmistakable notch 0.2 s after every R, once a second."""
    time_s = np.arange(round(seconds * FS_HZ)) / FS_HZ
    since_s = (time_s - 0.5) % 1.0
    r = np.exp(-0.5 * (np.minimum(since_s, 1 - since_s) / 0.012) ** 2)
    return time_s, r - 0.5 * np.exp(-0.5 * ((since_s - 0.2) / 0.02) ** 2)


def write_ecg(folder, kind):
    time_s, ecg = real_ecg()
    if kind == "wfdb":
        wfdb.wrsamp("rec", FS_HZ, ["mV"], ["II"], ecg[:, None], fmt=["16"], write_dir=str(folder))
        return folder / "rec", None
    if kind == "csv with time":
        np.savetxt(folder / "a.csv", np.stack([time_s, ecg], 1), delimiter=",", header="t,ecg", comments="")
        return folder / "a.csv", None
    if kind == "csv":
        np.savetxt(folder / "a.csv", 1000 * ecg, header="ecg_uv", comments="")
        return folder / "a.csv", FS_HZ
    motion = np.random.default_rng(0).standard_normal((1, len(ecg)))
    save_recording(folder / "a.h5", Recording(rcg=motion, fs_hz=FS_HZ, ecg_mv=ecg))
    return folder / "a.h5", None


@pytest.mark.parametrize("kind", ["wfdb", "csv with time", "csv", "native"])
def test_real_beats_give_the_ecg_its_shape(tmp_path, kind):
    path, fs_hz = write_ecg(tmp_path, kind)
    simulate(tmp_path / "out", minutes=0.5, channels=2, status="NB", beats=path, beats_fs=fs_hz)
    simulate(tmp_path / "model", minutes=0.5, channels=2, status="NB")
    real, model = (load_recording(tmp_path / name / "sim-0000-1.h5") for name in ("out", "model"))
    assert "real beats" in real.notes["ecg"]
    assert np.array_equal(real.r_peaks_s, model.r_peaks_s)
    assert np.array_equal(real.rcg, model.rcg)
    rows = np.round(real.r_peaks_s[1:-1] * 200).astype(int)[:, None] + np.arange(80)
    mean = real.ecg_mv[rows].mean(axis=0)
    assert mean[0] == pytest.approx(1.0, abs=0.1)
    assert mean[20:60].min() == pytest.approx(-0.5, abs=0.15)
    assert model.ecg_mv[rows].mean(axis=0)[20:60].min() > -0.3


def test_beats_that_cannot_be_had_are_refused(tmp_path):
    def refuse(message, kind=InputError, **options):
        with pytest.raises(kind, match=message) as caught:
            simulate(tmp_path / "out", minutes=0.1, channels=1, **options)
        assert "\n" not in str(caught.value)

    np.savetxt(tmp_path / "motion.csv", np.zeros((2000, 1)), header="x", comments="")
    np.savetxt(tmp_path / "flat.csv", np.zeros((2000, 1)), header="ecg", comments="")
    save_recording(tmp_path / "a.h5", Recording(rcg=np.arange(2000.0)[None], fs_hz=200))
    (tmp_path / "junk.bin").write_bytes(b"junk")
    (tmp_path / "empty.csv").touch()
    refuse("there is no file", FileNotFoundError, beats=tmp_path / "none.csv")
    refuse("motion.csv has no column whose name starts with ecg", beats=tmp_path / "motion.csv", beats_fs=200)
    refuse("flat.csv states no sampling rate", beats=tmp_path / "flat.csv")
    refuse("flat.csv: .*at least 3 clean beat intervals", beats=tmp_path / "flat.csv", beats_fs=200)
    refuse("a.h5 holds no ECG", beats=tmp_path / "a.h5")
    refuse("junk.bin is foreign", beats=tmp_path / "junk.bin")
    refuse("empty.csv is empty", beats=tmp_path / "empty.csv")
    refuse("is a folder", beats=tmp_path)
    refuse("--beats-fs is the rate of an ECG", beats_fs=200)
    assert not (tmp_path / "out").exists()


def test_the_layout_of_mmecg_holds_91_trials_marked_as_simulated(tmp_path, capsys):
    out = tmp_path / "mmecg"
    simulate(out, preset="mmecg", format="mat", minutes=0.08)
    found = check_mmecg_folder(out)
    assert (len(found.trials), len(found.subjects), found.missing) == (91, 11, ())
    assert found.simulated
    assert "SIMULATED" in (out / "README.txt").read_text()
    assert "simulated" in capsys.readouterr().out
    recording = load(out / "91.mat")
    assert recording.simulated
    assert (recording.subject, recording.rcg.shape) == ("sim-mmecg-30", (50, 960))
    assert recording.notes["gender"] in ("boy", "girl")


@pytest.mark.parametrize("options", [{}, {"preset": "training"}, {"preset": "mmecg", "channels": 8}])
def test_the_layout_of_mmecg_is_for_its_cohort_only(tmp_path, options):
    with pytest.raises(InputError, match="--preset mmecg"):
        simulate(tmp_path / "a", format="mat", **options)
    assert not (tmp_path / "a").exists()
