"""The protocol from a folder in the layout of MMECG to the merged tables, at micro size."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from radarode.benchmark.protocol.estimate import Cost, Workload, estimate, workload
from radarode.benchmark.protocol.folds import check_tested_once
from radarode.benchmark.protocol.run import Plan, ProtocolResults, run_all
from radarode.benchmark.protocol.settings import ProtocolSettings, number_of_folds, read_protocol
from radarode.cli import main
from radarode.configuration import FRAMEWORKS
from radarode.core.errors import InputError
from radarode.core.mmecg import TRIALS, subject_of_trial
from radarode.core.notice import NOTICE
from radarode.data.mmecg_folder import ALL_TRIALS, check_mmecg_folder
from radarode.data.mmecg_write import write_mmecg_mat
from radarode.simulate.cohort import iter_recordings, mmecg_cohort
from tests.benchmark.here import jobs_here

MICRO = """
seeds: [1]
data: {batch_channels: [1, 2], store_channels: 2, folds: 3, validation: 0.3, split_seed: 1}
transform: {name: stft}
train: {batch: 2, epochs: 1, steps_per_epoch: 1, warmup_steps: 1, threads: 1, patience: null}
reconstruct: {step_s: 2.0}
frameworks:
  radarode-mtl: {model: {preset: tiny}}
  radarode: {model: {preset: tiny}}
  mmecg: {model: {preset: tiny}}
  classical: {model: {preset: tiny}}
noise: {noise_seeds: [1], kinds: [constant], constant_db: [0.0]}
"""

FEW = {person: first for person, (first, _) in list(TRIALS.items())[:4]}
"""Person -> first trial, of four persons."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "micro.yaml"
    path.write_text(MICRO)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make all 91 trials, 50 points each, shortened."""
    folder = tmp_path_factory.mktemp("mmecg") / "data"
    folder.mkdir()
    for recording in iter_recordings(replace(mmecg_cohort(2), duration_s=8.0)):
        person = subject_of_trial(int(recording.trial))
        assert person is not None
        write_mmecg_mat(folder / f"{recording.trial}.mat", recording, person)
    return folder


@pytest.fixture(scope="module")
def few(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Take the first trial of four persons."""
    folder = tmp_path_factory.mktemp("few") / "data"
    folder.mkdir()
    for first in FEW.values():
        shutil.copy(whole / f"{first}.mat", folder)
    return folder


@pytest.fixture(scope="module")
def finished(config: Path, few: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ProtocolResults]:
    out = tmp_path_factory.mktemp("results") / "all"
    plan = Plan("2", allow_missing=True, processes=1, command="typed")
    with jobs_here():  # all 91 trials go through worker processes
        return out, run_all(read_protocol(path=config), out, few, plan)


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_framework_runs_through_every_part(finished: tuple[Path, ProtocolResults]) -> None:
    out, results = finished
    assert results.failures == {}
    assert results.longterm is not None
    assert results.noise is not None
    assert {framework for framework, _ in results.longterm.cases} == set(FRAMEWORKS)
    assert {key[:2] for key in results.noise.cases} == {
        (name, condition) for name in FRAMEWORKS for condition in ("clean", "constant-0dB")
    }
    for name in ("longterm/results.json", "noise/results.json", "noise/constant/table.html", "folds.csv"):
        assert (out / name).stat().st_size > 100, name


def test_every_recording_is_tested_once_by_networks_that_never_saw_the_person(
    finished: tuple[Path, ProtocolResults], few: Path
) -> None:
    out, results = finished
    names = {f"sim-mmecg-{person}-{first}" for person, first in FEW.items()}
    assert results.longterm is not None
    assert results.noise is not None
    assert all(set(cases) == names for cases in results.longterm.cases.values())
    assert all(set(cases) == names for cases in results.noise.cases.values())
    assert Counter(one for split in results.splits for one in split.test) == Counter(
        f"sim-mmecg-{person}" for person in FEW
    )
    for split in results.splits:
        assert not set(split.test) & {*split.train, *split.validation}
    assert Counter(line["recording"] for line in lines(out / "folds.csv")) == Counter(names)


def test_what_was_made_of_simulated_trials_is_called_simulated(finished: tuple[Path, ProtocolResults]) -> None:
    out, _ = finished
    record = json.loads((out / "protocol.json").read_text())
    assert record["simulated"] is True
    assert "SIMULATED" in record["title"]
    assert "SIMULATED" in record["data"]
    assert (record["command"], record["notice"], len(record["missing_trials"])) == ("typed", NOTICE, 87)
    assert {line["data"] for line in lines(out / "folds.csv")} == {"simulated"}
    for table in (*out.rglob("table.html"), *out.rglob("table.tex")):
        assert "SIMULATED" in table.read_text(), table
    for table in out.rglob("results.csv"):
        assert {line["data"] for line in lines(table)} == {"simulated"}, table
    for part in ("longterm", "noise"):
        assert json.loads((out / part / "results.json").read_text())["simulated"] is True


def test_the_parts_share_the_networks_and_a_second_call_computes_nothing_anew(
    finished: tuple[Path, ProtocolResults], config: Path, few: Path
) -> None:
    out, _ = finished
    weights = "runs/train-radarode-mtl-seed-1-fold-0/run/weights/weights.safetensors"
    assert (out / "longterm" / weights).read_bytes() == (out / "noise" / weights).read_bytes()
    before = stamps(out)
    assert len(before) > 4 * 2 * 2
    again = run_all(read_protocol(path=config), out, few, Plan("2", allow_missing=True, processes=1))
    assert stamps(out) == before
    assert again.failures == {}


def stamps(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.glob("*/runs/*/result.json")}


def test_another_number_of_folds_is_refused(finished: tuple[Path, ProtocolResults], config: Path, few: Path) -> None:
    record = finished[0] / "protocol.json"
    before = record.read_bytes()
    with pytest.raises(InputError, match=r"data\.folds = 2, not 3"):
        run_all(read_protocol(path=config), finished[0], few, Plan("3", allow_missing=True, processes=1))
    assert record.read_bytes() == before


def test_all_91_trials_at_the_command_line(
    config: Path, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(whole), "--config", str(config), "--folds", "3", "--frameworks", "radarode-mtl"]
    more = ["--parts", "longterm", "--processes", "1"]
    assert main(["benchmark", "all", str(tmp_path / "out"), *arguments, *more]) == 0
    printed = capsys.readouterr().out
    assert "SIMULATED trials in MMECG's layout: 91 trials of 11 persons" in " ".join(printed.split())
    found = lines(tmp_path / "out" / "folds.csv")
    assert len({line["recording"] for line in found}) == len(found) == 91
    assert {line["tested_in_fold"] for line in found} == {"1", "2", "3"}


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda a: a, "87 of 91 trials are missing"),
        (lambda a: [*a, "--allow-missing", "--folds", "5"], "a whole number from 2 to 4"),
        (lambda a: [*a, "--allow-missing", "--folds", "some"], "leave-subjects-out, or a whole number"),
        (lambda a: [*a, "--allow-missing", "--frameworks", "clasical"], "Did you mean `classical`"),
        (lambda a: [*a, "--allow-missing", "--parts", "nois"], "Did you mean `noise`"),
        (lambda a: [*a, "--allow-missing", "--engine", "rai"], "Did you mean `ray`"),
        (lambda a: [*a, "--allow-missing", "--size", "full"], "exclude each other"),
        (lambda a: a[:1], "or pass --estimate"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    change: Any, wanted: str, config: Path, few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["benchmark", "all", *change([str(out), "--data", str(few), "--config", str(config)])]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert wanted in line
    assert not out.exists()


def test_a_foreign_folder_is_left_alone(config: Path, few: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not made by this command"):
        run_all(read_protocol(path=config), tmp_path, few, Plan("2", allow_missing=True))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_recording_that_is_missing_or_doubled_is_noticed(finished: tuple[Path, ProtocolResults]) -> None:
    names = [line["recording"] for line in lines(finished[0] / "folds.csv")]
    check_tested_once(finished[0] / "noise", [names])
    for wrong in (names[1:], [*names, names[0]], [*names[1:], "somebody-1"]):
        with pytest.raises(RuntimeError, match="exactly once"):
            check_tested_once(finished[0] / "noise", [wrong])


def test_parts_that_train_differently_are_refused(config: Path, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(MICRO.replace("noise: {", "noise: {scaling: minmax, "))
    with pytest.raises(InputError, match="must train alike"):
        read_protocol(path=tmp_path / "c.yaml")


@pytest.mark.parametrize("size", ["quick", "full"])
def test_the_sizes_of_the_package_and_their_presets(size: str) -> None:
    settings = read_protocol(size).with_folds(11)
    assert settings.noise.folds == settings.longterm.folds == tuple(range(11))
    paper = settings.with_preset("paper")
    assert {one.model.preset for one in paper.noise.frameworks.values()} == {"paper"}
    assert (paper.longterm.data.batch_channels, paper.longterm.data.store_channels) == (None, None)
    assert settings.with_preset(None) == settings


def test_folds_need_people() -> None:
    with pytest.raises(InputError, match="at least 3"):
        number_of_folds("leave-subjects-out", 2)
    assert number_of_folds("leave-subjects-out", 5) == 5


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_estimate_follows_from_what_was_measured(framework: str, config: Path) -> None:
    settings: ProtocolSettings = read_protocol(path=config).with_folds(11)
    work = Workload(minutes=110.0, folds=11)
    (cost,) = estimate(settings, work, [framework])
    assert isinstance(cost, Cost)
    assert cost.minute_s > 0.0
    assert (cost.step_s > 0.0) == (framework != "classical")
    # 10 min are tested, once over the whole recordings, clean and under one noise
    assert cost.score_h == pytest.approx(cost.minute_s * 10.0 * 3 / 3600.0)
    assert 0.0 < cost.train_h < 1.0
    assert cost.fold_h == cost.train_h + cost.score_h


def test_the_work_of_the_whole_data_set_and_of_a_folder(few: Path) -> None:
    assert workload(None, 11).minutes == pytest.approx(len(ALL_TRIALS) * 177.525 / 60.0)
    assert workload(check_mmecg_folder(few, allow_missing=True), 3).minutes == pytest.approx(4 * 8.0 / 60.0)
