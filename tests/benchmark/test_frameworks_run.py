"""Both benchmarks of frameworks from end to end: two frameworks, four simulated persons, a few steps."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radarode.benchmark.frameworks.settings import read_settings
from radarode.benchmark.frameworks.work import train_name
from radarode.benchmark.lock import locked
from radarode.benchmark.longterm.run import LongtermResults, run_longterm
from radarode.benchmark.longterm.settings import CONDITIONS, LongtermSettings
from radarode.benchmark.longterm.work import changed_s, stretch_start_s
from radarode.benchmark.noise.conditions import NoiseSettings
from radarode.benchmark.noise.run import NoiseResults, run_noise
from radarode.cli._benchmark_noise import noise as noise_command
from radarode.core.errors import InputError
from radarode.core.notice import NOTICE
from radarode.core.types import COLUMNS
from radarode.data.native import load_recording, save_recording
from radarode.data.noise import noisy_recording
from tests.benchmark.here import jobs_here

MICRO = """
seeds: [1]
tested: [1]
cohort: {trials_per_person: 1, persons: 4, duration_s: 24, channels: 2, snr_db: 12.0}
data: {batch_channels: [1, 2], folds: 4, validation: 0.3, split_seed: 1}
train: {batch: 4, epochs: 2, steps_per_epoch: 2, warmup_steps: 1, threads: 1}
frameworks: {radarode-mtl: {model: {preset: tiny}}, classical: {}}
reconstruct: {step_s: 1.0}
"""
NOISE = "constant_db: [0]\nabrupt_s: [3]\nabrupt_db: [0, -9]\nnoise_seeds: [1]\n"


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("configs")
    (folder / "noise.yaml").write_text(MICRO + NOISE)
    (folder / "longterm.yaml").write_text(MICRO + "stretch_s: 8\n")
    return folder


@pytest.fixture(scope="module")
def noisy(configs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, NoiseResults]:
    folder = tmp_path_factory.mktemp("noise") / "r"
    settings = read_settings(NoiseSettings, "noise", path=configs / "noise.yaml")
    return folder, run_noise(settings, folder, processes=1, command="typed")


@pytest.fixture(scope="module")
def whole(
    configs: Path, noisy: tuple[Path, NoiseResults], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, LongtermResults]:
    folder = tmp_path_factory.mktemp("longterm") / "r"
    settings = read_settings(LongtermSettings, "longterm", path=configs / "longterm.yaml")
    with jobs_here():  # those of the noise benchmark went through worker processes
        return folder, run_longterm(settings, folder, trained=noisy[0], processes=1)


def test_noise_scores_every_framework_under_every_condition(noisy: tuple[Path, NoiseResults]) -> None:
    folder, results = noisy
    assert results.failures == {}
    assert results.kinds == ("constant", "abrupt")
    conditions = ["clean", "constant-0dB", "abrupt-3s-0dB", "abrupt-3s--9dB"]
    assert [key[:2] for key in results.cases] == [
        (framework, condition) for framework in ("radarode-mtl", "classical") for condition in conditions
    ]
    split = json.loads((folder / "runs/train-radarode-mtl-seed-1-fold-1/run/split.json").read_text())
    for recordings in results.cases.values():
        assert {name.rsplit("-", 1)[0] for name in recordings} == set(split["test"])
    clean = results.cases["classical", "clean", 0, 0]
    assert clean != results.cases["classical", "abrupt-3s--9dB", 0, 1]


def test_noise_writes_tables_of_three_columns_that_say_simulated(noisy: tuple[Path, NoiseResults]) -> None:
    folder, _ = noisy
    places = [folder / kind for kind in ("constant", "abrupt")]
    places += [folder / column / kind for column in ("deployable", "oracle") for kind in ("constant", "abrupt")]
    for place in places:
        for name in ("table.html", "table.tex"):
            text = (place / name).read_text()
            assert "SIMULATED" in text
            assert "not a medical device" in text
        with (place / "results.csv").open(newline="") as file:
            assert {row["data"] for row in csv.DictReader(file)} == {"simulated"}
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in ("constant.png", "abrupt.png"))
    with (folder / "draws.csv").open(newline="") as file:
        draws = list(csv.DictReader(file))
    assert len(draws) == 2 * 4 * 3
    assert {row["failed"] for row in draws} <= {"yes", "no"}


def test_the_record_of_noise_keeps_the_figures_of_failed_rows(noisy: tuple[Path, NoiseResults]) -> None:
    folder, _ = noisy
    record = json.loads((folder / "results.json").read_text())
    assert (record["simulated"], record["command"], record["notice"]) == (True, "typed", NOTICE)
    row = next(one for one in record["rows"]["constant"]["calibrated"] if one["key"] == "radarODE-MTL, 0 dB")
    assert row["flags"]["failed"] is True
    assert row["pcc"] is not None
    assert str(folder.parent) not in (folder / "results.json").read_text()


def test_a_second_call_computes_nothing_anew_and_a_smaller_one_loses_nothing(
    noisy: tuple[Path, NoiseResults], configs: Path
) -> None:
    folder, results = noisy
    stamps = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/result.json")}
    settings = replace(read_settings(NoiseSettings, "noise", path=configs / "noise.yaml"), kinds=("constant",))
    again = run_noise(settings, folder, frameworks=["classical"], processes=1, command="typed")
    assert {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/result.json")} == stamps
    assert again.cases == results.cases


def test_longterm_takes_the_networks_and_scores_every_beat(
    whole: tuple[Path, LongtermResults], noisy: tuple[Path, NoiseResults]
) -> None:
    folder, results = whole
    assert results.failures == {}
    record = json.loads((folder / "results.json").read_text())
    names = [train_name("radarode-mtl", 1, 1), train_name("classical", 0, 1)]
    assert record["copied_trainings"] == names
    for name in names:
        weights = f"runs/{name}/run/weights/weights.safetensors"
        assert (folder / weights).read_bytes() == (noisy[0] / weights).read_bytes()
    assert list(results.cases) == [("radarode-mtl", 1), ("classical", 0)]
    (name, one), *_ = results.cases["classical", 0].items()
    clean = noisy[1].cases["classical", "clean", 0, 0][name]
    assert one["scores"] == clean
    for column in COLUMNS:
        errors = one["errors"][column]["peaks_ms"]["r"]
        median = one["scores"][column]["r_timing_ms"]
        assert median == pytest.approx(float(np.median(errors)), abs=0.01)
        assert len(errors) == round(one["scores"][column]["recall"] * one["errors"][column]["n_reference"]["r"])


def test_longterm_writes_tables_by_framework_status_and_subject_and_figures(
    whole: tuple[Path, LongtermResults],
) -> None:
    folder, _ = whole
    for place in (".", "deployable", "oracle", "by_status", "by_subject"):
        text = (folder / place / "table.html").read_text()
        assert "SIMULATED" in text
        assert "0.6 (MMECG), 0.3 (radarODE) and 0.3 bpm" in text
        with (folder / place / "results.csv").open(newline="") as file:
            assert {row["data"] for row in csv.DictReader(file)} == {"simulated"}
    for name in ("recordings", "by_status", "peak_errors", "heart_rate", "example"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    with (folder / "recordings.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 2 * 1 * 3


def test_the_example_is_the_median_recording_and_holds_a_burst(whole: tuple[Path, LongtermResults]) -> None:
    folder, results = whole
    record = json.loads((folder / "results.json").read_text())
    assert record["example"] in results.cases["radarode-mtl", 1]
    (path,) = folder.glob("runs/example-classical-seed-0-fold-1-*/result.json")
    example = json.loads(path.read_text())
    assert list(example["conditions"]) == [name for name, *_ in CONDITIONS]
    assert len(example["reference_mv"]) == len(example["conditions"]["clean"]["ecg"]) == 8 * 200
    begin, end = example["bursts_s"][0]
    assert end - begin == pytest.approx(3.0, abs=0.02)
    assert example["start_s"] <= begin
    assert end <= example["start_s"] + 8


def test_bursts_are_found_where_they_were_added(noisy: tuple[Path, NoiseResults]) -> None:
    recording = load_recording(sorted((noisy[0] / "data").glob("*.h5"))[0])
    bursts = changed_s(recording, noisy_recording(recording, CONDITIONS[2][2], np.random.default_rng(1)))
    assert bursts.shape == (1, 2)
    assert changed_s(recording, recording).shape == (0, 2)
    assert stretch_start_s(np.empty((0, 2)), 60.0, 10.0) == 25.0


def test_given_recordings_take_the_same_way_and_are_not_called_simulated(
    noisy: tuple[Path, NoiseResults], configs: Path, tmp_path: Path
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    for path in sorted((noisy[0] / "data").glob("*.h5")):
        save_recording(given / path.name, replace(load_recording(path), source="table"))
    settings = read_settings(LongtermSettings, "longterm", path=configs / "longterm.yaml")
    with jobs_here():
        results = run_longterm(settings, tmp_path / "r", data=given, frameworks=["classical"], processes=1)
    assert results.failures == {}
    assert results.cases["classical", 0].keys() == noisy[1].cases["classical", "clean", 0, 0].keys()
    for name in ("results.csv", "table.html", "table.tex"):
        assert "simulated" not in (tmp_path / "r" / name).read_text().lower()
    assert json.loads((tmp_path / "r/results.json").read_text())["simulated"] is False
    (given / sorted(path.name for path in given.iterdir())[0]).write_bytes(b"other")
    with pytest.raises(InputError, match=r"holds results made with training\.recordings"):
        run_longterm(settings, tmp_path / "r", data=given, frameworks=["classical"], processes=1)


def test_what_does_not_fit_is_refused_in_one_line(
    noisy: tuple[Path, NoiseResults], configs: Path, tmp_path: Path
) -> None:
    folder, _ = noisy
    settings = read_settings(NoiseSettings, "noise", path=configs / "noise.yaml")
    other = replace(settings, train=replace(settings.train, epochs=3))
    with pytest.raises(InputError, match=r"training\.train\.epochs = 2, not 3"):
        run_noise(other, folder)
    with pytest.raises(InputError, match=r"were trained with train\.epochs = 2, not 3"):
        run_noise(other, tmp_path / "r", trained=folder)
    with pytest.raises(InputError, match="domain = 'signal', not 'spectrogram'"):
        run_noise(replace(settings, domain="spectrogram"), folder)
    with pytest.raises(InputError, match="Use the signal domain"):
        run_noise(replace(settings, domain="spectrogram"), tmp_path / "r", frameworks=["classical"])
    with pytest.raises(InputError, match="not made by this command"):
        run_longterm(read_settings(LongtermSettings, "longterm", path=configs / "longterm.yaml"), folder)
    with locked(folder), pytest.raises(InputError, match="another benchmark is running"):
        run_noise(settings, folder)
    with pytest.raises(InputError, match="exclude each other"):
        noise_command(tmp_path / "r", size="full", config=configs / "noise.yaml")
    assert not (tmp_path / "r").exists()
