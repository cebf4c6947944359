from __future__ import annotations

import contextlib
import errno
import os
import resource
import select
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import edfio
import numpy as np
import pytest
import wfdb

from radarode.core.errors import InputError
from radarode.core.notice import NOTICE, SHORT_NOTICE
from radarode.stream.sinks import open_sink, segment
from radarode.stream.sinks.recorder import Recorder
from tests.stream.made import DRAWN_ERROR, FACTS, FS, truth, updates

STEP_MV = 1e-4
WRITER = """
import sys, time
from radarode.stream.sinks.recorder import Recorder
from tests.stream.made import FACTS, updates
sinks = [Recorder(sys.argv[1], "wfdb"), Recorder(sys.argv[1], "edf")]
for sink in sinks:
    sink.begin(FACTS)
started = time.monotonic()
for number, update in enumerate(updates(600.0, hop=50)):
    time.sleep(max(0.0, started + 0.25 * number - time.monotonic()))
    for sink in sinks:
        sink.write(update)
    print(update.drawn_first + len(update.drawn), flush=True)
"""


def record(folder: Path, form: str, stream, **options) -> Recorder:
    sink = Recorder(folder, form, **options)  # type: ignore[arg-type]
    sink.begin(FACTS)
    for update in stream:
        sink.write(update)
    sink.close()
    return sink


def read_wfdb(path: Path) -> tuple[np.ndarray, np.ndarray]:
    name = str(path.with_suffix(""))
    found = wfdb.rdrecord(name)
    beats = wfdb.rdann(name, "qrs").sample if path.with_suffix(".qrs").exists() else np.empty(0, int)
    return found.p_signal, beats


def read_edf(path: Path) -> edfio.Edf:
    return edfio.read_edf(path)


def lengths(folder: Path, form: str) -> list[int]:
    if form == "wfdb":
        return [len(read_wfdb(path)[0]) for path in sorted(folder.glob("*.hea"))]
    return [len(read_edf(path).signals[0].data) for path in sorted(folder.glob("*.edf"))]


def test_wfdb_holds_the_settled_ecg_its_beats_and_the_strongest_motion(tmp_path: Path) -> None:
    record(tmp_path, "wfdb", updates(21.3, gap=(700, 900)))
    (path,) = tmp_path.glob("*.hea")
    signals, beats = read_wfdb(path)
    expected = truth(4260)
    expected[700:900] = np.nan
    assert np.array_equal(np.isnan(signals[:, 0]), np.isnan(expected))
    assert np.nanmax(np.abs(signals[:, 0] - expected)) < STEP_MV
    motion = np.concatenate([update.rcg for update in updates(21.3)], axis=1)[2]
    assert np.abs(signals[:, 1] - motion).max() < 0.01
    assert beats.tolist() == [50 + 200 * beat for beat in range(22)][: len(beats)]
    assert len(beats) == 22
    head = wfdb.rdheader(str(path.with_suffix("")))
    assert {SHORT_NOTICE, "SIMULATED motion"} <= set(head.comments)
    digital = wfdb.rdrecord(str(path.with_suffix("")), physical=False)
    assert [int(sums) % 65536 for sums in head.checksum] == [int(sums) for sums in digital.calc_checksum()]
    assert head.init_value == digital.d_signal[0].tolist()


def test_edf_holds_the_same_with_gaps_and_padding_told(tmp_path: Path) -> None:
    record(tmp_path, "edf", updates(21.3, gap=(700, 900)))
    (path,) = tmp_path.glob("*.edf")
    found = read_edf(path)
    expected = truth(22 * FS)
    expected[700:900] = expected[4260:] = 0.0
    assert np.abs(found.signals[0].data - expected).max() < STEP_MV
    notes = {}
    for note in found.annotations:
        notes.setdefault(note.text, []).append((note.onset, note.duration))
    assert notes["R peak"] == [(0.25 + beat, None) for beat in range(22)]
    assert notes["gap: not reconstructed"] == [(3.5, 0.5), (4.0, 0.5)]
    assert notes["padding: after the end"] == [(21.3, pytest.approx(0.7))]
    assert notes[NOTICE] == [(0.0, None)]
    assert "SIMULATED" in found.recording.additional


@pytest.mark.parametrize("form", ["wfdb", "edf"])
def test_drawn_ecg_is_there_at_once_and_settled_later(tmp_path: Path, form: str, monkeypatch) -> None:
    monkeypatch.setattr("radarode.stream.sinks.recorder.SYNC_S", 0.0)
    sink = Recorder(tmp_path, form)  # type: ignore[arg-type]
    sink.begin(FACTS)
    for update in updates(15.0):
        sink.write(update)
        drawn = update.drawn_first + len(update.drawn)
        if not 1200 < drawn < 2400:
            continue
        (path,) = tmp_path.glob("*.hea" if form == "wfdb" else "*.edf")
        ecg = read_wfdb(path)[0][:, 0] if form == "wfdb" else read_edf(path).signals[0].data
        assert drawn - (0 if form == "wfdb" else FS) < len(ecg) + 1 <= drawn + 1
        settled = update.settled_first + len(update.settled)
        assert np.abs(ecg[:settled] - truth(settled)).max() < STEP_MV
        assert np.abs(ecg[settled:] - truth(len(ecg))[settled:] - DRAWN_ERROR).max() < STEP_MV
    sink.close()


@pytest.mark.parametrize("form", ["wfdb", "edf"])
def test_new_files_follow_by_length_and_at_restarts(tmp_path: Path, form: str) -> None:
    sink = Recorder(tmp_path, form, segment_min=0.1)  # type: ignore[arg-type]
    for _ in range(2):
        sink.begin(FACTS)
        for update in updates(14.0):
            sink.write(update)
    sink.close()
    sink.close()
    assert sorted(lengths(tmp_path, form)) == [400, 400, 1200, 1200, 1200, 1200]
    if form == "wfdb":
        for path in tmp_path.glob("*.hea"):
            signals, beats = read_wfdb(path)
            assert np.abs(signals[:, 0] - truth(len(signals))).max() < STEP_MV
            assert beats.tolist() == list(range(50, len(signals), 200))
    assert sink.lost_samples == 0
    assert sink.status()["bytes"] > 4 * 2 * 2800


@pytest.mark.parametrize("form", ["wfdb", "edf"])
def test_marks_stand_where_they_were_made(tmp_path: Path, form: str) -> None:
    sink = Recorder(tmp_path, form, segment_min=0.2)  # type: ignore[arg-type]
    sink.begin(FACTS)
    for number, update in enumerate(updates(20.0, settle=1500)):
        sink.write(update)
        if number == 20:
            sink.mark(6.0, "moved\n\x14 ärm")
        if number == 39:
            sink.mark(1.0, "late")
    sink.close()
    if form == "wfdb":
        told = [wfdb.rdann(str(path.with_suffix("")), "qrs") for path in sorted(tmp_path.glob("*.hea"))]
        found = {text: at for ann in told for text, at in zip(ann.aux_note, ann.sample, strict=True) if text}
        moved, late = found.get("moved   ?rm"), found.get("late (at 1.0 s of the stream)")
        assert (moved, late) == (1200, 1)
    else:
        told = [read_edf(path).annotations for path in sorted(tmp_path.glob("*.edf"))]
        found = {note.text: note.onset for notes in told for note in notes}
        assert found["moved   ?rm"] == 6.0
        assert found["late (at 1.0 s of the stream)"] == 0.0


def test_kill_at_any_moment_leaves_files_that_lack_at_most_two_seconds(tmp_path: Path) -> None:
    waits_s = (1.13, 2.37)
    writers = []
    for number, _ in enumerate(waits_s):
        folder = tmp_path / str(number)
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", WRITER, str(folder)]
        writers.append((subprocess.Popen(command, stdout=subprocess.PIPE, env=environment), folder))
    for (writer, folder), wait_s in zip(writers, waits_s, strict=True):
        assert writer.stdout is not None
        drawn = 0
        while drawn <= 50:  # it works from here on
            drawn = int(writer.stdout.readline())
        stop_s = time.monotonic() + wait_s
        while (left_s := stop_s - time.monotonic()) > 0:
            if select.select([writer.stdout], [], [], left_s)[0]:
                drawn = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        drawn = int((writer.stdout.read().split() or [drawn])[-1])
        writer.wait()
        writer.stdout.close()
        (header,), (edf,) = folder.glob("*.hea"), folder.glob("*.edf")
        signals, _ = read_wfdb(header)
        ecg = _read_killed_edf(edf)
        for values in (signals[:, 0], ecg):
            assert drawn - 2 * FS <= len(values) <= drawn + 50
            assert np.abs(values - truth(len(values))).max() < DRAWN_ERROR + STEP_MV


def _read_killed_edf(path: Path) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a record that was put, but not counted yet
        found = read_edf(path)
    assert len(found.annotations) >= 1
    return found.signals[0].data


class FullDisk:
    """A disk that takes no file beyond a size: the kernel refuses, in the middle of a write where it so falls."""

    def __enter__(self) -> FullDisk:
        self.before = resource.getrlimit(resource.RLIMIT_FSIZE)
        return self

    def full_at(self, size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, self.before[1]))

    def free(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self.before)

    def __exit__(self, *_: object) -> None:
        self.free()


@pytest.mark.parametrize("form", ["wfdb", "edf"])
def test_full_disk_is_told_and_nothing_is_lost_when_space_returns_soon(tmp_path: Path, form: str) -> None:
    sink = Recorder(tmp_path, form)  # type: ignore[arg-type]
    sink.begin(FACTS)
    reasons = []
    with FullDisk() as disk:
        for number, update in enumerate(updates(60.0)):
            if number == 40:
                suffix = "dat" if form == "wfdb" else "edf"
                (path,) = tmp_path.glob(f"*.{suffix}")
                disk.full_at(path.stat().st_size + 333)
            if number == 80:
                disk.free()
            try:
                sink.write(update)
            except OSError as error:
                reasons.append((error.errno, sink.error is None))
                disk.free()
                assert 10 * FS < lengths(tmp_path, form)[0] <= 20 * FS
                disk.full_at(path.stat().st_size)
    sink.close()
    assert len(reasons) >= 30
    assert set(reasons) == {(errno.EFBIG, False)}
    assert sink.error is None
    assert (lengths(tmp_path, form), sink.lost_samples) == ([60 * FS], 0)


def no_space(*_: object, **__: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("form", ["wfdb", "edf"])
def test_what_waits_too_long_for_space_is_lost_and_counted(tmp_path: Path, form: str, monkeypatch) -> None:
    sink = Recorder(tmp_path, form)  # type: ignore[arg-type]
    sink.begin(FACTS)
    for number, update in enumerate(updates(130.0)):
        if number == 40:
            monkeypatch.setattr(segment.os, "pwrite", no_space)
        if number == 200:
            monkeypatch.undo()
        if 40 <= number < 200:
            with pytest.raises(OSError, match="space"):
                sink.write(update)
            assert "space" in sink.status()["error"]
        else:
            sink.write(update)
    sink.close()
    found = sorted(lengths(tmp_path, form))
    assert len(found) == 2
    assert sink.lost_samples > 10 * FS
    assert sum(found) + sink.lost_samples == 130 * FS


def test_a_disk_that_stays_full_keeps_a_header_that_tells_all_that_is_there(tmp_path: Path, monkeypatch) -> None:
    sink = Recorder(tmp_path, "wfdb")
    sink.begin(FACTS)
    with FullDisk() as disk:
        for number, update in enumerate(updates(30.0)):
            if number == 40:
                # As on a disk without a free block: no new file can be made, only what is there can be changed.
                monkeypatch.setattr("radarode.core.files.tempfile.mkstemp", no_space)
                disk.full_at(4 * 18 * FS)
            with contextlib.suppress(OSError):
                sink.write(update)
        with pytest.raises(OSError, match="large"):
            sink.close()
    monkeypatch.undo()
    assert (lengths(tmp_path, "wfdb"), sink.lost_samples) == ([18 * FS], 12 * FS)


@pytest.mark.parametrize("form", ["wfdb", "edf"])
def test_a_disk_full_from_the_start_leaves_no_litter(tmp_path: Path, form: str, monkeypatch) -> None:
    sink = Recorder(tmp_path, form)  # type: ignore[arg-type]
    sink.begin(FACTS)
    monkeypatch.setattr(segment.os, "pwrite", no_space)
    failures = 0
    for update in updates(10.0):
        try:
            sink.write(update)
        except OSError:
            failures += 1
    with pytest.raises(OSError, match="space"):
        sink.close()
    assert failures > 10
    assert not list(tmp_path.iterdir())
    assert sink.lost_samples == 10 * FS


def test_bad_options_are_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for make, words in (
        (lambda: Recorder(tmp_path, "csv"), "format"),  # type: ignore[arg-type]
        (lambda: Recorder(tmp_path, segment_min=0), "segment_min"),
        (lambda: Recorder(tmp_path / "file"), "folder"),
        (lambda: open_sink("wfdb:"), "one of"),
        (lambda: open_sink("ftp:x"), "one of"),
        (lambda: open_sink(f"wfdb:{tmp_path}", qos=1), "options"),
    ):
        with pytest.raises(InputError, match=words):
            make()


def test_many_long_marks_on_one_sample_stay_one_readable_note(tmp_path: Path) -> None:
    sink = Recorder(tmp_path, "wfdb")
    sink.begin(FACTS)
    for update in updates(10.0):
        sink.write(update)
    for number in range(8):
        sink.mark(5.0, f"{number} " + "x" * 70)
    sink.close()
    (path,) = tmp_path.glob("*.hea")
    found = wfdb.rdann(str(path.with_suffix("")), "qrs")
    notes = [note for note in found.aux_note if note]
    assert len(notes) == 1
    assert notes[0].startswith("0 xx")
    assert len(notes[0].encode()) <= 250
    assert set(found.symbol) == {"N", '"'}
    assert found.sample.max() < 2000


def test_a_stream_that_goes_on_from_elsewhere_has_lost_nothing(tmp_path: Path) -> None:
    later = [one for one in updates(100.0) if one.rcg_first >= 90 * FS]
    first = later[0].settled_first // FS * FS
    sink = record(tmp_path, "wfdb", later)
    assert sink.lost_samples == 0
    assert lengths(tmp_path, "wfdb") == [100 * FS - first]
