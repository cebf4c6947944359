import json
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from radarode.cli import main
from radarode.core.errors import InputError
from radarode.data.capture import capture_to_recording
from radarode.data.native import load_recording
from radarode.radar.capture import open_capture
from radarode.radar.chain import ExtractSettings, extract_motion
from radarode.radar.describe_file import read_radar
from radarode.radar.description import FmcwRadar
from radarode.radar.presets import PRESETS
from radarode.radar.sidecar import marked_simulated
from radarode.simulate.capture import CaptureSettings, simulate_capture
from radarode.simulate.digitise import AdcSettings
from radarode.simulate.packets import Link, plan_packets, write_packets
from radarode.simulate.scene import Placement

AWR1843 = PRESETS["awr1843"]
assert isinstance(AWR1843, FmcwRadar)
SMALL = replace(AWR1843, samples=64, adc_rate_hz=1.25e6)
SETTINGS = CaptureSettings(duration_s=2.0, people=(Placement(scatterers=20),))


def settings(**changes):
    return replace(SETTINGS, **changes)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bare")
    simulate_capture(folder, SMALL, SETTINGS)
    return folder


@pytest.mark.parametrize("share", [0.01, 0.1])
@pytest.mark.parametrize("run", [1, 9])
def test_lost_packets_are_counted_exactly(tmp_path, bare, share, run):
    link = Link(lost=share, lost_run=run, reordered=0.02)
    made = simulate_capture(tmp_path, SMALL, settings(link=link, layout="packets"))
    assert made.sent is not None
    capture = open_capture(tmp_path / "capture.bin", SMALL, max_lost=0.2)
    counts = capture.facts.packets
    assert counts is not None
    assert len(made.sent.lost) == round(share * made.sent.n_packets)
    assert (counts.lost, counts.received) == (len(made.sent.lost), made.sent.n_packets - len(made.sent.lost))
    assert counts.reordered == len(made.sent.late) == round(0.02 * made.sent.n_packets)
    whole, got = open_capture(bare / "capture.bin", SMALL).read(), capture.read()
    values = whole.view(np.float32).size
    spoilt = np.zeros(2 * values, dtype=bool)
    for number in made.sent.lost:
        spoilt[1456 * (number - 1) : 1456 * number] = True
    per_frame = spoilt.reshape(len(whole), -1).mean(axis=1)
    assert np.allclose(capture.lost, per_frame)
    assert np.array_equal(got[per_frame == 0], whole[per_frame == 0])
    assert not np.array_equal(got[per_frame > 0], whole[per_frame > 0])


def test_a_log_without_losses_is_the_stream(tmp_path, bare):
    simulate_capture(tmp_path, SMALL, settings(layout="packets"))
    log, raw = (open_capture(folder / "capture.bin", SMALL) for folder in (tmp_path, bare))
    assert log.facts.layout == "dca1000-packets"
    assert raw.facts.layout == "dca1000"
    assert np.array_equal(log.read(), raw.read())


def test_the_seed_decides_every_byte(tmp_path, bare):
    for name, seed in (("same", 0), ("other", 1)):
        (tmp_path / name).mkdir()
        simulate_capture(tmp_path / name, SMALL, settings(seed=seed))
    first = (bare / "capture.bin").read_bytes()
    assert (tmp_path / "same" / "capture.bin").read_bytes() == first
    assert (tmp_path / "other" / "capture.bin").read_bytes() != first


def test_captures_stay_simulated(tmp_path, bare):
    assert open_capture(bare / "capture.bin", SMALL).simulated
    alone = tmp_path / "moved.bin"
    shutil.copy(bare / "capture.bin", alone)
    assert open_capture(alone, read_radar(bare / "radar.toml")).simulated
    assert not open_capture(alone, SMALL).simulated
    for text in ("{", "[]", '{"simulated": true}', '{"format": "radarode-capture", "simulated": false}'):
        (tmp_path / "capture.json").write_text(text)
        assert not marked_simulated(alone, SMALL.name)


@pytest.mark.parametrize(
    "radar",
    [PRESETS["iwr1443"], replace(SMALL, iq=False), replace(SMALL, q_first=True), replace(SMALL, tx_order=(2, 0, 1, 1))],
)
def test_every_layout_is_read_back(tmp_path, radar):
    person = Placement(0.9, scatterers=10)
    simulate_capture(tmp_path, radar, settings(people=(person,), clutter=False, adc=AdcSettings(snr_db=30)))
    capture = open_capture(tmp_path / "capture.bin", radar)
    assert not capture.facts.warnings
    spectrum = np.abs(np.fft.fft(capture.read(0, 20), axis=-1)).mean(axis=(0, 1, 2))
    assert spectrum[: radar.samples // 2].argmax() * radar.range_resolution_m == pytest.approx(0.92, abs=0.05)


def test_what_is_extracted_is_what_moved(tmp_path):
    person = Placement(0.5, scatterers=40)
    made = simulate_capture(tmp_path, SMALL, settings(duration_s=12.0, people=(person,)))
    found = extract_motion(open_capture(tmp_path / "capture.bin", SMALL), ExtractSettings(follow=False, range_m=0.5))
    assert found.simulated
    recording = capture_to_recording(found)
    assert recording.simulated
    band = butter(3, (1, 25), "bandpass", fs=200, output="sos")
    got, true = (sosfiltfilt(band, rcg)[:, 200:-200] for rcg in (recording.rcg, made.subjects[0].truth({}).rcg))
    alike = np.corrcoef(np.vstack([got, true]))[: len(got), len(got) :]
    assert alike.max() > 0.7  # with its sign: both are positive away from the radar


def test_a_saturated_capture_is_refused(tmp_path):
    simulate_capture(tmp_path, SMALL, settings(adc=AdcSettings(fill=5.0)))
    with pytest.raises(InputError, match="saturated"):
        open_capture(tmp_path / "capture.bin", SMALL)


def test_extract_takes_a_saturated_capture_where_told(tmp_path, capsys):
    simulate_capture(tmp_path, SMALL, settings(duration_s=6.0, adc=AdcSettings(fill=2.0)))
    command = ["extract", str(tmp_path / "capture.bin"), "--radar", str(tmp_path / "radar.toml")]
    command += ["--out", str(tmp_path / "out.h5"), "--range", "0.45", "--no-follow"]
    assert main(command) == 2
    assert "saturated" in capsys.readouterr().err
    assert main([*command, "--max-saturated", "1", "--no-check"]) == 0


def test_extract_passes_on_how_a_capture_is_judged(tmp_path, monkeypatch):
    seen = {}

    def opened(path, radar, **options):
        seen.update(options)
        raise InputError("enough")

    monkeypatch.setattr("radarode.radar.capture.open_capture", opened)
    given = ["--max-saturated", "0.5", "--no-check", "--from-first-packet"]
    assert main(["extract", "a.bin", "--radar", "awr1843", "--out", str(tmp_path / "o.h5"), *given]) == 2
    wanted = {"layout": None, "max_lost": 0.2, "max_saturated": 0.5, "check": False, "from_first_packet": True}
    assert seen == wanted


def test_a_second_person_is_there_too(tmp_path):
    far = Placement(1.5, 30.0, scatterers=20)
    made = simulate_capture(tmp_path, SMALL, settings(people=(*SETTINGS.people, far), clutter=False))
    assert [one.person.subject for one in made.subjects] == ["sim-0000", "sim-0001"]
    spectrum = np.abs(np.fft.fft(open_capture(tmp_path / "capture.bin", SMALL).read(), axis=-1)).mean(axis=(0, 1, 2))
    at = round(1.5 / SMALL.range_resolution_m)
    assert spectrum[at - 1 : at + 3].max() > 2 * spectrum[at + 6 : at + 20].max()


def test_packets_that_do_not_fit_the_plan_are_a_fault(tmp_path):
    sent = plan_packets(3000, Link(), np.random.default_rng(0))
    with pytest.raises(ValueError, match="planned"):
        write_packets(tmp_path / "x", [np.zeros(5000, dtype="<i2")], sent)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"link": Link(lost=0.1)}, "bare stream"),
        ({"people": ()}, "people"),
        ({"people": (Placement(19.0),)}, "range_m"),
        ({"duration_s": 0.001}, "duration_s"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_settings_are_one_line(tmp_path, changes, text):
    with pytest.raises(InputError, match=text):
        simulate_capture(tmp_path, SMALL, settings(**changes))


def test_radars_that_do_not_chirp_are_refused(tmp_path):
    with pytest.raises(InputError, match="chirping"):
        simulate_capture(tmp_path, PRESETS["cw24"], SETTINGS)


def test_the_command_writes_the_capture_and_its_truth(tmp_path, capsys):
    out = tmp_path / "capture"
    options = ["--seconds", "4", "--scatterers", "12", "--layout", "packets", "--lost", "0.01", "--second-range", "1.4"]
    assert main(["simulate-capture", str(out), "--radar", "awr1843", *options]) == 0
    assert "SIMULATED" in capsys.readouterr().out
    truth = load_recording(out / "truth.h5")
    assert truth.simulated
    assert truth.rcg.shape == (12, 800)
    assert load_recording(out / "truth-2.h5").subject == "sim-0001"
    facts = json.loads((out / "capture.json").read_text())
    with h5py.File(out / "truth.h5") as file:
        assert file["displacement_m"].shape == (12, 800)
        assert len(file["lost_packets"]) == facts["packets"]["lost"] == round(0.01 * facts["packets"]["sent"])
    assert main(["capture-info", str(out / "capture.bin"), "--radar", str(out / "radar.toml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["simulated"] is True


def test_a_truth_that_does_not_fit_is_refused_up_front(tmp_path, capsys):
    out = tmp_path / "capture"
    assert main(["simulate-capture", str(out), "--seconds", "3600", "--scatterers", "4096"]) == 2
    error = capsys.readouterr().err.strip()
    assert "takes 22.0 GiB, more than the limit of 4 GiB. Simulate at most 655 s, or fewer scatterers." in error
    assert "\n" not in error
    assert not out.exists()


@pytest.mark.parametrize("options", [["--radar", "cw24"], ["--lost", "0.1"], ["--range", "40"], ["--seconds", "0"]])
def test_the_command_refuses_bad_input_and_leaves_nothing(tmp_path, capsys, options):
    out = tmp_path / "capture"
    assert main(["simulate-capture", str(out), *options]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("error:")
    assert "\n" not in error
    assert not out.exists()


def test_what_lies_beyond_the_last_range_is_filtered_out(tmp_path):
    near = replace(SMALL, slope_hz_per_s=1e14, samples=32, adc_rate_hz=1e6)  # sees 1.5 m, and the wall stands at 2.8 m
    simulate_capture(tmp_path, near, settings(adc=AdcSettings(snr_db=40)))
    spectrum = np.abs(np.fft.fft(open_capture(tmp_path / "capture.bin", near).read(0, 20) * np.hanning(32), axis=-1))
    ranges_m = np.arange(32) * near.range_resolution_m
    level = spectrum.mean(axis=(0, 1, 2))
    assert level[np.abs(ranges_m - 1.3) < 0.1].max() < 0.1 * level[np.abs(ranges_m - 0.45) < 0.05].max()
