"""The whole benchmark at micro size: two strategies and the baseline, one seed, a few steps."""

from __future__ import annotations

import csv
import json
import math
import shutil
from pathlib import Path

import pytest

from radarode.benchmark.methods import BASELINE, METHODS, select_methods
from radarode.benchmark.strategies.run import Results, run_strategies
from radarode.benchmark.strategies.settings import StrategiesSettings, read_settings
from radarode.benchmark.strategies.summary import published
from radarode.cli._benchmark_strategies import strategies
from radarode.core.errors import InputError
from radarode.core.notice import NOTICE
from tests.benchmark.here import jobs_here

MICRO = """
seeds: [1]
cohort: {trials_per_person: 1, persons: 4, duration_s: 16, channels: 2, snr_db: 12.0}
experiment:
  data: {batch_channels: [1, 2], folds: 4, validation: 0.3, split_seed: 1}
  model: {preset: tiny}
  train: {batch: 4, epochs: 2, steps_per_epoch: 2, warmup_steps: 1, track_gradients: 1, threads: 1}
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> StrategiesSettings:
    path = tmp_path_factory.mktemp("config") / "micro.yaml"
    path.write_text(MICRO)
    return read_settings(path=path)


@pytest.fixture(scope="module")
def finished(settings: StrategiesSettings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    folder = tmp_path_factory.mktemp("results") / "r"
    results = run_strategies(
        settings, folder, methods=select_methods(["equal", "ega-1.0"]), processes=1, command="typed"
    )
    return folder, results


def test_every_row_has_a_run_and_every_file_is_there(finished: tuple[Path, Results]) -> None:
    folder, results = finished
    assert results.failures == {}
    assert [method.label for method in results.methods] == ["Single-task baseline", "Equal Weight", "EGA (T = 1.0)"]
    assert all(list(results.runs[method.label]) == [1] for method in results.methods)
    names = ("results.csv", "table.html", "table.tex", "results.json", "epochs.csv")
    figures = ("losses.png", "gradient_cosine.png", "gradient_norm.png", "delta_m.png")
    for name in (*names, *figures, "deployable/table.html", "oracle/results.csv"):
        assert (folder / name).stat().st_size > 100, name
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in figures)


def test_the_three_columns_and_the_test_side_are_kept_apart(finished: tuple[Path, Results]) -> None:
    folder, results = finished
    result = results.runs[BASELINE.label][1]
    split = json.loads((folder / "runs/single-seed-1/shape/split.json").read_text())
    assert {name.rsplit("-", 1)[0] for name in result["recordings"]} == set(split["test"])
    assert not set(split["test"]) & {*split["train"], *split["validation"]}
    assert set(result) >= {"deployable", "calibrated", "oracle"}
    assert set(result["trainings"]) == {"shape", "length", "anchor"}


def test_the_record_says_simulated_and_what_it_was_made_with(finished: tuple[Path, Results]) -> None:
    folder, _ = finished
    record = json.loads((folder / "results.json").read_text())
    assert record["simulated"] is True
    assert "SIMULATED" in record["title"]
    assert (record["command"], record["seeds"], record["notice"]) == ("typed", [1], NOTICE)
    assert record["config"]["experiment"]["train"]["steps_per_epoch"] == 2
    assert len(record["data_sha256"]) == 64
    assert "torch" in record["versions"]
    assert str(folder.parent) not in (folder / "results.json").read_text()
    for name in ("table.html", "table.tex", "deployable/table.html"):
        text = (folder / name).read_text()
        assert "SIMULATED" in text
        assert "not a medical device" in text


def test_the_epochs_hold_losses_cosines_and_norms(finished: tuple[Path, Results]) -> None:
    folder, _ = finished
    with (folder / "epochs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * (3 + 1 + 1)
    equal = [row for row in rows if row["method"] == "Equal Weight"]
    for row in equal:
        assert -1.0 <= float(row["gram_cosine/shape-length"]) <= 1.0
        assert float(row["gradient_norm/anchor"]) > 0.0
        assert math.isfinite(float(row["train_shape"]))


def test_a_second_call_computes_nothing_anew_and_a_smaller_one_loses_no_row(
    settings: StrategiesSettings, finished: tuple[Path, Results]
) -> None:
    folder, results = finished
    before = stamps(folder)
    again = run_strategies(settings, folder, methods=select_methods(["equal"]), processes=1)
    assert stamps(folder) == before
    assert again.runs == results.runs
    assert [method.label for method in again.methods] == [method.label for method in results.methods]


def test_a_larger_call_adds_a_row(settings: StrategiesSettings, finished: tuple[Path, Results], tmp_path: Path) -> None:
    folder = shutil.copytree(finished[0], tmp_path / "r")
    before = stamps(folder)
    with jobs_here():
        larger = run_strategies(settings, folder, methods=select_methods(["uw"]), processes=1)
    after = stamps(folder)
    assert set(after) - set(before) == {folder / "runs/uw-seed-1/result.json"}
    assert {path: after[path] for path in before} == before
    assert [method.key for method in larger.methods] == ["single", "equal", "uw", "ega-1.0"]
    assert "\nUW,simulated," in (folder / "results.csv").read_text()


def stamps(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/result.json")}


def test_every_csv_says_simulated(finished: tuple[Path, Results]) -> None:
    folder, _ = finished
    for name in ("results.csv", "deployable/results.csv", "oracle/results.csv", "epochs.csv"):
        with (folder / name).open(newline="") as file:
            assert {row["data"] for row in csv.DictReader(file)} == {"simulated"}, name


def test_bad_processes_are_refused_before_anything_is_simulated(settings: StrategiesSettings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="processes"):
        run_strategies(settings, tmp_path / "r", processes=0)
    assert not (tmp_path / "r").exists()


def test_a_size_beside_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(MICRO)
    with pytest.raises(InputError, match="exclude each other"):
        strategies(tmp_path / "r", size="full", config=tmp_path / "c.yaml")
    assert not (tmp_path / "r").exists()


def test_another_configuration_is_refused(finished: tuple[Path, Results], tmp_path: Path) -> None:
    folder, _ = finished
    (tmp_path / "other.yaml").write_text(MICRO.replace("steps_per_epoch: 2", "steps_per_epoch: 3"))
    with pytest.raises(InputError, match=r"experiment\.train\.steps_per_epoch = 2, not 3"):
        run_strategies(read_settings(path=tmp_path / "other.yaml"), folder)


@pytest.mark.parametrize("size", ["quick", "full"])
def test_the_sizes_of_the_package_are_valid(size: str) -> None:
    settings = read_settings(size)
    cohort = settings.cohort.cohort()
    assert cohort.n_subjects == 11
    assert len(settings.seeds) >= 3
    assert settings.experiment.train.epochs > 2 * 4  # EGA's warm-up is 4 epochs
    assert (size == "quick") == (cohort.n_recordings < 91)


def test_bad_settings_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="quick"):
        read_settings("quik")
    with pytest.raises(FileNotFoundError):
        read_settings(path=tmp_path / "none.yaml")
    for text, wanted in (
        ("seeds: [1, 1]", "seeds"),
        ("seeds: []", "seeds"),
        ("cohort: {duration: 3}", "duration_s"),
        ("experiment: {data: {split_seed: 1}}", "folds"),
        ("experiment: {data: {folds: 3}}", "split_seed"),
        ("seeds: [1]\na: [", "not YAML: line 2"),
        ("- a list", "a mapping"),
    ):
        (tmp_path / "bad.yaml").write_text(text)
        with pytest.raises(InputError, match=wanted):
            read_settings(path=tmp_path / "bad.yaml")


def test_the_published_table_has_every_method() -> None:
    assert set(published()) == {method.label for method in METHODS}
