from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.core.mat import numeric
from radarode.data.load import load
from radarode.data.npz import load_arrays

N = 1000


def wave(n: int = N, fs_hz: float = 100.0, hz: float = 2.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(n) / fs_hz)


def text(header: str | None, *columns: np.ndarray, separator: str = ",", digits: int = 6) -> str:
    rows = [separator.join(f"{value:.{digits}f}" for value in row) for row in zip(*columns, strict=True)]
    return "\n".join([*([] if header is None else [header]), *rows]) + "\n"


def csv(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def check_wave(rcg: np.ndarray, hz: float = 2.0) -> None:
    np.testing.assert_allclose(rcg[100:-100], wave(len(rcg), 200.0, hz)[100:-100], atol=5e-3)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", [None, "a{0}b", '"a"{0}"b"', "# a comment\n\na{0}b"])
def test_plain_tables(tmp_path: Path, separator: str, header: str | None):
    head = None if header is None else header.format(separator)
    path = csv(tmp_path, text(head, wave(), wave(hz=3), separator=separator))
    made = load(path, fs_hz=100, motion="acceleration")
    assert (made.source, made.motion, made.subject, made.trial) == ("table", "acceleration", "unknown", "t")
    assert made.notes["channels"] == ("column 1, column 2" if header is None else "a, b")
    check_wave(made.rcg[0])
    check_wave(made.rcg[1], 3.0)


def test_byte_order_mark_and_windows_line_ends(tmp_path: Path):
    content = b"\xef\xbb\xbf" + text("time_s,x", np.arange(N) / 100, wave()).replace("\n", "\r\n").encode()
    check_wave(load(csv(tmp_path, content), motion="acceleration").rcg[0])


@pytest.mark.parametrize("kind", ["displacement", "velocity"])
def test_kind_decides_how_often_it_is_differentiated(tmp_path: Path, kind: str):
    made = load(csv(tmp_path, text("x", wave())), fs_hz=100, motion=kind)
    size = (4 * np.pi) ** (2 if kind == "displacement" else 1)
    assert np.abs(made.rcg[0, 100:-100]).max() == pytest.approx(size, rel=0.01)


def test_time_column_gives_the_rate_even_when_rounded(tmp_path: Path):
    """256 Hz in whole milliseconds: steps of 3 and 4 ms, 3.906 on average."""
    path = csv(tmp_path, text("Time_s,x", np.arange(2560) / 256, wave(2560, 256.0), digits=3))
    made = load(path, motion="acceleration")
    assert made.duration_s == pytest.approx(10.0, abs=0.01)
    check_wave(made.rcg[0])


def test_missing_rows_and_cells_become_gaps(tmp_path: Path):
    keep = np.r_[0:300, 400:N]
    content = text("t,x,y", keep / 100, wave()[keep], wave()[keep])
    lines = content.splitlines()
    lines[601] = lines[601].rsplit(",", 1)[0] + ","
    lines[602] = lines[602].rsplit(",", 1)[0] + ",nan"
    made = load(csv(tmp_path, "\n".join(lines)), motion="acceleration")
    assert made.duration_s == 10.0
    assert np.isnan(made.rcg[:, 602:798]).all()
    assert np.isfinite(made.rcg[:, :598]).all()
    assert np.isnan(made.rcg[1, 1400:1403]).all()
    assert np.isfinite(made.rcg[0, 900:]).all()
    assert np.nanmax(np.abs(made.rcg[0] - wave(2000, 200.0))[100:-100]) < 0.02


@pytest.mark.parametrize(("name", "scale"), [("ECG", 1.0), ("ecg_mV", 1.0), ("ecg_uv", 1e-3), ("ecg_V", 1e3)])
def test_ecg_columns_are_the_reference(tmp_path: Path, name: str, scale: float):
    ecg = 0.01 * wave(hz=1.0)
    ecg[50::100] += 1
    path = csv(tmp_path, text(f"index,{name},x,ecg2,", np.arange(N), ecg, wave(), wave(), np.arange(N)))
    made = load(path, fs_hz=100, motion="acceleration")
    assert made.n_channels == 1
    assert made.ecg_mv is not None
    assert made.r_peaks_s is not None
    assert np.median(made.ecg_mv[100::200]) == pytest.approx(scale, rel=0.1)
    assert np.abs(np.diff(made.r_peaks_s) - 1.0).max() < 0.01
    assert made.notes["ignored_columns"] == "index, (no name), ecg2"


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (text("x", wave()), {"fs_hz": 100}, "Add --motion"),
        (text("x", wave()), {"motion": "velocity"}, "Add --fs HZ"),
        (text("x", wave()), {"motion": "phase", "fs_hz": 100}, "`motion` must be one of"),
        (text("x", wave()), {"motion": "velocity", "fs_hz": 0.5}, "`fs_hz` must be between"),
        (text("x", wave()), {"motion": "velocity", "fs_hz": -100}, "`fs_hz` must be between"),
        (text("x", wave()), {"motion": "velocity", "fs_hz": float("nan")}, "`fs_hz` must be between"),
        (text("x", wave(90)), {"motion": "velocity", "fs_hz": 100}, "at least one window"),
        (text("ecg", wave()), {"motion": "velocity", "fs_hz": 100}, "has no motion column"),
        (text("x", np.ones(N)), {"motion": "velocity", "fs_hz": 100}, "constant or NaN"),
        (text("x,x", wave(), wave()), {"motion": "velocity", "fs_hz": 100}, "same name"),
        (text("x,y,z", wave(), wave()), {"motion": "velocity", "fs_hz": 100}, "names 3 columns, but its rows have 2"),
        (text("x", wave()) + "abc\n", {"motion": "velocity", "fs_hz": 100}, "not a table of numbers: .*abc"),
        (text("x,y", wave(), wave()) + "0.1\n", {"motion": "velocity", "fs_hz": 100}, "number of columns changed"),
        ("x;y\n0,5;0,7\n" * 9, {"motion": "velocity", "fs_hz": 100}, "not a table of numbers"),
        ("x\n", {"motion": "velocity", "fs_hz": 100}, "no rows"),
        ("# nothing\n", {"motion": "velocity", "fs_hz": 100}, "no rows"),
        ("A letter,\nnot a table.\n", {"motion": "velocity", "fs_hz": 100}, "not a table of numbers"),
        (b"x\n\xff\xfe\n", {"motion": "velocity", "fs_hz": 100}, "not UTF-8"),
        (b"x\n\0\0\0\0", {"motion": "velocity", "fs_hz": 100}, "foreign, truncated"),
    ],
)
def test_bad_tables_are_refused_in_one_line(tmp_path: Path, content: str | bytes, options: Any, message: str):
    with pytest.raises(InputError, match=message) as caught:
        load(csv(tmp_path, content), **options)
    assert "\n" not in str(caught.value)


def shifted(changes: dict[int, float]) -> np.ndarray:
    time_s = np.arange(N) / 100
    for row, value in changes.items():
        time_s[row] = value
    return time_s


@pytest.mark.parametrize(
    ("time_s", "message"),
    [
        (shifted({500: 4.99}), "does not increase at row 501"),
        (shifted({500: 0.0}), "does not increase at row 501"),
        (shifted({0: -1.0}), "must not be negative"),
        (shifted({10: np.nan}), "missing or infinite"),
        (shifted({10: np.inf}), "missing or infinite"),
        (np.arange(N) * 10.0, "`fs_hz` must be between"),
        (np.arange(N) * 1e-7, "`fs_hz` must be between"),
        (shifted({N - 1: 1e12}), "the time span of .* claims"),
    ],
)
def test_bad_time_is_refused(tmp_path: Path, time_s: np.ndarray, message: str):
    path = csv(tmp_path, text("time_s,x", time_s, wave(), digits=7))
    with pytest.raises(InputError, match=message):
        load(path, motion="velocity")


def test_stated_rate_must_agree_with_the_time_column(tmp_path: Path):
    path = csv(tmp_path, text("time_s,x", np.arange(N) / 100, wave()))
    assert load(path, motion="velocity", fs_hz=100.2).fs_hz == 200
    with pytest.raises(InputError, match="runs at 100 Hz, not 50"):
        load(path, motion="velocity", fs_hz=50)
    with pytest.raises(InputError, match="runs at 100 Hz, not nan"):
        load(path, motion="velocity", fs_hz=float("nan"))


def test_a_stated_rate_does_not_move_motion_against_annotated_peaks(tmp_path: Path):
    """At 100.9 instead of 100 Hz the pulse at 90 s would come 0.8 s before its R peak."""
    time_s = np.arange(10_000) / 100
    pulse = np.exp(-0.5 * ((time_s - 90) / 0.05) ** 2) + 1e-3 * wave(10_000)
    np.savez(tmp_path / "a.npz", t=time_s, x=pulse, r_peaks_s=[90.0])
    made = load(tmp_path / "a.npz", fs_hz=100.9, motion="acceleration")
    assert made.r_peaks_s is not None
    assert made.duration_s == 100.0
    assert np.argmax(made.rcg[0]) / 200 == pytest.approx(made.r_peaks_s[0], abs=0.006)


@pytest.mark.parametrize("gap", [False, True])
def test_jitter_of_the_time_column_does_not_move_the_motion(tmp_path: Path, gap: bool):
    rng = np.random.default_rng(0)
    row = np.delete(np.arange(12_000), slice(5000, 5400)) if gap else np.arange(12_000)
    pulse = np.exp(-0.5 * ((row / 200 - 55) / 0.05) ** 2) + 1e-3 * np.sin(row)
    time_s = np.sort(1.0 + row / 200 + 1e-3 * rng.standard_normal(len(row)))
    made = load(csv(tmp_path, text("t,x", time_s, pulse, digits=7)), motion="acceleration")
    assert made.duration_s == pytest.approx(60.0, abs=0.01)
    assert np.nanargmax(made.rcg[0]) / 200 == pytest.approx(55.0, abs=0.011)
    missing = np.flatnonzero(np.isnan(made.rcg[0]))
    assert len(missing) == pytest.approx(400 if gap else 0, abs=4)
    assert not gap or missing[0] == pytest.approx(5000, abs=3)


@pytest.mark.parametrize("size", [1e16, 1e22, 1e300])
def test_motion_too_large_for_any_sensor_is_refused_in_one_line(tmp_path: Path, size: float):
    np.savez(tmp_path / "a.npz", fs=100, x=size * wave())
    with pytest.raises(InputError, match=r"a\.npz: `motion` must be smaller than") as caught:
        load(tmp_path / "a.npz", motion="velocity")
    assert "\n" not in str(caught.value)


def test_npz_counts_numbers_as_they_are_decoded(tmp_path: Path):
    """Half a megabyte of bytes in each array, four of float64."""
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(500_000, np.uint8), y=np.zeros(500_000, np.uint8))
    assert len(load_arrays(tmp_path / "a.npz", 8_000_000)) == 2
    with pytest.raises(InputError, match=r"a\.npz claims .* more than the limit"):
        load_arrays(tmp_path / "a.npz", 7_999_999)


def test_numeric_copies_nothing_that_is_right_already():
    values = np.arange(5.0)
    assert numeric(values, "x") is values
    with pytest.raises(InputError, match=r"x claims .* more than the limit"):
        numeric(np.broadcast_to(np.uint8(1), (2**28 + 1,)), "x")


@pytest.mark.parametrize("turned", [False, True])
def test_npz_tables(tmp_path: Path, turned: bool):
    motion = np.stack([wave(), wave(hz=3)])
    path = tmp_path / "a.npz"
    ecg = np.where(np.arange(N) % 100 == 50, 1.0, 0.0) + 0.001 * wave(hz=7)
    np.savez(
        path,
        chest=motion if turned else motion.T,
        ecg_mv=ecg[:, None],
        t=3.0 + np.arange(N) / 100,
        r_peaks_s=[3.5, 4.5],
        positions_m=np.ones((2, 3)),
    )
    made = load(path, motion="acceleration")
    check_wave(made.rcg[0])
    check_wave(made.rcg[1], 3.0)
    assert made.notes["channels"] == "chest 1, chest 2"
    assert made.r_peaks_s is not None
    assert made.r_peaks_s == pytest.approx([0.5, 1.5], abs=1e-9)
    assert made.positions_m is not None


def test_npz_rate_inside_the_file(tmp_path: Path):
    path = tmp_path / "a.npz"
    np.savez(path, x=wave(), fs=100)
    assert load(path, motion="velocity").duration_s == 10
    with pytest.raises(InputError, match="sampled at 100 Hz, not 50"):
        load(path, motion="velocity", fs_hz=50)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.array([{"a": 1}], dtype=object)}, "pickled objects are never loaded"),
        ({"x": np.zeros(3, [("a", "f8")])}, "must hold plain numbers"),
        ({"x": np.array(["a"])}, "must hold plain numbers"),
        ({"x": wave(), "y": np.zeros(7)}, "one axis must be the 1000 samples"),
        ({"x": wave(), "y": np.zeros((N, 2, 2))}, "one axis must be"),
        ({"x": wave(), "fs": [100, 200]}, "must be one number"),
        ({"x": np.float64(3)}, "one axis must be|at least one window|no motion"),
        ({"fs": 100}, "no motion column"),
        ({"x": wave(), "positions_m": np.zeros((4, 3))}, "positions_m"),
        ({"x": wave(), "ecg": wave(), "r_peaks_s": [2.0, 1.0]}, "r_peaks_s"),
        ({"x": wave(), "t": np.arange(N)[::-1] / 100}, "does not increase"),
    ],
)
def test_bad_npz_tables_are_refused(tmp_path: Path, arrays: dict[str, Any], message: str):
    path = tmp_path / "a.npz"
    np.savez(path, **{"fs": 100, **arrays})
    with pytest.raises(InputError, match=message):
        load(path, motion="velocity")


def test_npz_that_claims_more_than_it_stores(tmp_path: Path):
    import io
    import zipfile

    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", header.getvalue())
    with pytest.raises(InputError, match=r"claims shape \(1000000000000,\), but only"):
        load(path, motion="velocity", fs_hz=100)


@pytest.mark.parametrize("kept", [30, 0.5, 0.99])
def test_truncated_npz_is_refused(tmp_path: Path, kept: float):
    path = tmp_path / "a.npz"
    np.savez(path, x=wave(), fs=100)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    with pytest.raises(InputError, match="truncated or damaged"):
        load(path, motion="velocity")


def test_npz_with_a_damaged_array_is_refused(tmp_path: Path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.random.default_rng(0).standard_normal(N))
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 255
    path.write_bytes(whole)
    with pytest.raises(InputError, match=r"x in .* cannot be read"):
        load(path, motion="velocity", fs_hz=100)


def test_real_table(real_data: Path):
    path = real_data / "neurokit_ecg_rsp" / "bio_resting_5min_100hz.csv"
    made = load(path, fs_hz=100, motion="displacement")
    assert made.r_peaks_s is not None
    assert made.duration_s == 300
    assert 60 / np.diff(made.r_peaks_s).mean() == pytest.approx(87.0, abs=1.0)
