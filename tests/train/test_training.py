"""Training: it learns, it resumes bit for bit, it stops in order."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from radarode.core.errors import InputError, WorkInterruptedError
from radarode.data.native import save_recording
from radarode.data.store import open_store
from radarode.data.store_writer import write_store
from radarode.experiment import Experiment, read_experiment, run_experiment
from radarode.simulate import iter_recordings
from radarode.simulate.cohort import plain_cohort
from radarode.tasks import TaskSettings
from radarode.train.optim import learning_rate
from radarode.train.settings import TrainSettings
from tests.train.stopping import stop_after

QUICK = [
    "model.preset=tiny",
    "data.batch_channels=[1, 3]",
    "train.batch=4",
    "train.epochs=2",
    "train.steps_per_epoch=4",
    "train.threads=1",
    "balance.options={warmup_epochs: 1}",
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "store"
    rng = np.random.default_rng(0)
    write_store(folder, iter_recordings(plain_cohort(3, 3, 16.0)), {"name": "sst"}, max_channels=3, rng=rng)
    return folder


@pytest.fixture
def experiment() -> Experiment:
    return read_experiment(None, QUICK)


def weights_of(run: Path) -> dict[str, torch.Tensor]:
    return torch.load(run / "checkpoint.pt", weights_only=True)["model"]


@pytest.mark.parametrize("steps", [3, 4, 6])
def test_resumed_equals_uninterrupted_bit_for_bit(
    store: Path, experiment: Experiment, tmp_path: Path, steps: int
) -> None:
    run_experiment(experiment, tmp_path / "whole", store=store)
    with pytest.raises(WorkInterruptedError, match="--resume"):
        run_experiment(experiment, tmp_path / "broken", store=store, watchers=[stop_after(steps)])
    run_experiment(experiment, tmp_path / "broken", store=store, resume=True)
    whole, broken = weights_of(tmp_path / "whole"), weights_of(tmp_path / "broken")
    assert all(torch.equal(whole[name], broken[name]) for name in whole)
    assert (tmp_path / "whole" / "log.jsonl").read_text() == (tmp_path / "broken" / "log.jsonl").read_text()


def test_a_run_remembers_its_store(store: Path, experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(WorkInterruptedError):
        run_experiment(experiment, tmp_path / "run", store=store, watchers=[stop_after(2)])
    facts = run_experiment(experiment, tmp_path / "run", resume=True)
    assert facts["best_epoch"] is not None


def test_overwriting_with_bad_settings_keeps_the_old_run(store: Path, experiment: Experiment, tmp_path: Path) -> None:
    run_experiment(experiment, tmp_path / "run", store=store)
    before = weights_of(tmp_path / "run")
    for change in ("model.preset=huge", "balance.strategy=none", "data.source=nowhere"):
        bad = read_experiment(None, [*QUICK, change])
        with pytest.raises((InputError, FileNotFoundError)):
            run_experiment(bad, tmp_path / "run", overwrite=True)
    after = weights_of(tmp_path / "run")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_another_seed_is_another_run(store: Path, experiment: Experiment, tmp_path: Path) -> None:
    run_experiment(experiment, tmp_path / "a", store=store)
    run_experiment(replace(experiment, seed=2), tmp_path / "b", store=store)
    a, b = weights_of(tmp_path / "a"), weights_of(tmp_path / "b")
    assert not all(torch.equal(a[name], b[name]) for name in a)


def test_a_run_writes_down_what_it_depends_on(store: Path, experiment: Experiment, tmp_path: Path) -> None:
    facts = run_experiment(experiment, tmp_path / "run", store=store)
    assert read_experiment(tmp_path / "run" / "config.yaml") == experiment
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert {"seed", "data_sha256", "versions"} <= set(environment)
    split = json.loads((tmp_path / "run" / "split.json").read_text())
    assert not set(split["train"]) & set(split["validation"])
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in log] == [0, 1]
    assert facts["best_epoch"] in (0, 1)
    assert (tmp_path / "run" / "weights" / "weights.safetensors").is_file()


def test_it_learns(store: Path, experiment: Experiment, tmp_path: Path) -> None:
    changes = [
        *QUICK,
        "augment=null",
        "train.epochs=1",
        "train.steps_per_epoch=80",
        "train.lr=0.01",
        "train.warmup_steps=5",
    ]
    records: list[dict[str, Any]] = []
    run_experiment(read_experiment(None, changes), tmp_path / "run", store=store, watchers=[records.append])
    steps = [record for record in records if record["kind"] == "step"]
    late = {name: (80 * steps[-1][name] - 60 * steps[59][name]) / 20 for name in ("shape", "length", "anchor")}
    assert late["shape"] < 0.5 * steps[0]["shape"]
    assert late["length"] < steps[0]["length"]
    assert late["anchor"] < steps[0]["anchor"]


def test_early_stop(store: Path, tmp_path: Path) -> None:
    changes = [*QUICK, "train.epochs=30", "train.steps_per_epoch=1", "train.patience=2", "train.lr=0.1"]
    run_experiment(read_experiment(None, changes), tmp_path / "run", store=store)
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) < 30


def test_fine_tuning_one_person_validates_on_later_time(store: Path, experiment: Experiment, tmp_path: Path) -> None:
    run_experiment(experiment, tmp_path / "first", store=store)
    changes = [*QUICK, "data.validation_by=time", "data.validation=0.5", f"model.start_from={tmp_path}/first/weights"]
    single = tmp_path / "one"
    write_store(single, iter_recordings(plain_cohort(4, 1, 16.0)), {"name": "sst"})
    facts = run_experiment(read_experiment(None, changes), tmp_path / "second", store=single)
    assert np.isfinite(facts["score"])


def test_the_parts_of_a_recording_share_no_window(store: Path) -> None:
    recording = open_store(store).recordings[0]
    first, second = recording.part(0.0, 0.6).window_starts(0.1), recording.part(0.6, 1.0).window_starts(0.1)
    assert first.max() + 120 <= second.min()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train.epoch=3", "Did you mean `train.epochs`|Did you mean `epochs`"),
        ("trian.epochs=3", "Did you mean `train`"),
        ("train.epochs=many", "whole number"),
        ("train.optimizer=adam", "optimizer"),
        ("train.lr=-1", "positive"),
        ("balance.strategy=egaa", "Did you mean `ega`"),
        ("model.preset=smal", "preset"),
        ("nonsense", "key.path=value"),
        ("data.fold=7", "fold"),
    ],
)
def test_bad_settings_are_one_clear_line(change: str, message: str, store: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        run_experiment(read_experiment(None, [*QUICK, change]), tmp_path / "run", store=store)
    assert "\n" not in str(caught.value)


def test_the_cosine_starts_high_and_ends_low() -> None:
    settings = TrainSettings(lr=1e-3, final_lr=1e-5, warmup_steps=10, epochs=10)
    rates = [learning_rate(step, 20, settings) for step in range(200)]
    assert rates[0] == pytest.approx(1e-4)
    assert max(rates) <= 1e-3
    assert rates[-1] == pytest.approx(1e-5, rel=0.2)


def test_the_published_schedule_rises_again() -> None:
    settings = TrainSettings.published()
    assert learning_rate(100, 1, settings) == pytest.approx(5e-5)
    assert learning_rate(200, 1, settings) == pytest.approx(5e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("scaling=foo", "scaling"),
        ("seed=-1", "seed"),
        ("data.validation=1.5", "data.validation"),
        ("data.batch_channels=[3, 1]", "batch_channels"),
        ("data.batch_channels=[0, 0]", "batch_channels"),
        ("model.preset=paper", "x"),
        ("balance.options={temperature: a}", "temperature"),
        ("train.momentum=-1", "momentum"),
        ("train.lr=[1", "--set"),
        ("transform={name: sst, n_rows: many}", "n_rows"),
        ("transform={name: sst, n_row: 71}", "n_row"),
    ],
)
def test_bad_settings_are_found_before_any_data_is_touched(change: str, message: str, tmp_path: Path) -> None:
    def start() -> None:
        run_experiment(read_experiment(None, [*QUICK, change, "data.source=nowhere-at-all"]), tmp_path / "run")

    with pytest.raises(InputError, match=message):
        start()
    assert list(tmp_path.iterdir()) == []


def test_divergence_is_one_line(store: Path, tmp_path: Path) -> None:
    changes = [*QUICK, "train.lr=1.0e+18", "train.optimizer=sgd", "train.clip_norm=null", "train.warmup_steps=0"]
    with pytest.raises(InputError, match=r"diverged.*train\.lr"):
        run_experiment(read_experiment(None, changes), tmp_path / "run", store=store)


def test_fine_tuning_takes_over_what_the_weights_need(store: Path, tmp_path: Path) -> None:
    first = read_experiment(None, [*QUICK, "scaling=minmax", "tasks.anchor_sigma_s=0.03"])
    run_experiment(first, tmp_path / "first", store=store)
    second = read_experiment(None, [*QUICK, f"model.start_from={tmp_path / 'first' / 'weights'}"])
    run_experiment(second, tmp_path / "second", store=store)
    adopted = read_experiment(tmp_path / "second" / "config.yaml")
    assert adopted.scaling == "minmax"
    assert adopted.tasks.anchor_sigma_s == 0.03


def test_a_store_of_other_data_is_refused(experiment: Experiment, tmp_path: Path) -> None:
    source = tmp_path / "people"
    source.mkdir()
    for recording in iter_recordings(plain_cohort(8, 2, 12.0)):
        save_recording(source / f"{recording.name}.h5", recording)
    first = read_experiment(None, [*QUICK, f"data.source={source}", "data.store_channels=2"])
    run_experiment(first, tmp_path / "first", store=tmp_path / "shared")
    other = read_experiment(None, [*QUICK, f"data.source={source}", "data.store_channels=3"])
    with pytest.raises(InputError, match="store_channels = 2, not 3"):
        run_experiment(other, tmp_path / "second", store=tmp_path / "shared")
    run_experiment(other, tmp_path / "third")
    with pytest.raises(InputError, match="store_channels = 2, not 3"):
        run_experiment(other, tmp_path / "third", store=tmp_path / "shared", resume=True)


def test_a_log_line_too_many_is_dropped_on_resume(store: Path, experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(WorkInterruptedError):
        run_experiment(experiment, tmp_path / "run", store=store, watchers=[stop_after(6)])
    with (tmp_path / "run" / "log.jsonl").open("a") as log:
        log.write('{"epoch": 1, "from": "a kill before the checkpoint"}\n')
    run_experiment(experiment, tmp_path / "run", resume=True)
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [0, 1]
    assert "kill" not in lines[1]


@pytest.mark.parametrize("name", ["default", "published", "finetune"])
def test_every_named_configuration_is_one(name: str) -> None:
    experiment = read_experiment(name)
    assert experiment != Experiment()
    if name == "published":
        assert experiment.train == TrainSettings.published(patience=None)
        assert experiment.tasks == TaskSettings.published()
