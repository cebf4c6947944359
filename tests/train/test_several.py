"""Two processes over gloo against one: the same batches, the same weights, one set of files."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from radarode.core.errors import InputError, OtherRankError, WorkInterruptedError
from radarode.data.store import open_store
from radarode.data.store_writer import write_store
from radarode.experiment import read_experiment, run_experiment
from radarode.frameworks import Fitting
from radarode.frameworks.radarode_mtl import _training
from radarode.simulate import iter_recordings
from radarode.simulate.cohort import plain_cohort
from radarode.train import Training
from radarode.train.ranks import Ranks, joined_ranks
from tests.train.stopping import stop_after

QUICK = [
    "model.preset=tiny",
    "data.batch_channels=[1, 3]",
    "train.batch=6",
    "train.epochs=2",
    "train.steps_per_epoch=4",
    "train.threads=1",
    "train.optimizer=sgd",  # AdamW makes steps of rounding errors where a gradient is almost zero.
    "train.lr=0.05",
    "train.warmup_steps=0",
    "balance.options={warmup_epochs: 1}",
]
WAYS = {"plain": [], "lean": ["train.precision=bfloat16", "train.checkpoint_activations=true"]}


def training(folder: Path, run: str, changes: list[str]) -> Training:
    (folder / run).mkdir(exist_ok=True)
    store = open_store(folder / "store")
    experiment = read_experiment(None, [*QUICK, *changes])
    fitting = Fitting(
        experiment, store.recordings[:3], store.recordings[3:], store.index, folder / run, folder / run / "w"
    )
    return _training(fitting)


def fit(folder: Path, size: int) -> dict[str, Any]:
    """Train in each way, and once with a break."""
    found: dict[str, Any] = {}
    for way, changes in WAYS.items():
        one = training(folder, f"{way}{size}", changes)
        one.run()
        found[way] = one.model.state_dict()
    if size > 1:
        with pytest.raises(WorkInterruptedError):
            training(folder, "broken", []).run(watchers=[stop_after(6)])  # only rank 0 has watchers
        one = training(folder, "broken", [])
        one.run(resume=True)
        found["broken"] = one.model.state_dict()
        found["odd"] = refusal(folder, "train.batch=5")
        found["norm"] = refusal(folder, "model.changes={norm: batch}")
        found["bad"] = refusal(folder, "balance.strategy=egaa")
        found["sum"] = Ranks.current().total([1, 10 * Ranks.current().rank])
        found["parts"] = Ranks.current().gather([10 + Ranks.current().rank] + [20] * (1 - Ranks.current().rank))
    return found


def refusal(folder: Path, change: str) -> tuple[str, str]:
    try:
        run_experiment(read_experiment(None, [*QUICK, change]), folder / "refused", store=folder / "store")
    except InputError as error:
        return type(error).__name__, str(error)
    return "", "no error"


def _work(rank: int, size: int, folder: str) -> None:
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(size), MASTER_ADDR="127.0.0.1", MASTER_PORT="0")
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=size)
    with joined_ranks():
        torch.save(fit(Path(folder), size), f"{folder}/{rank}.part")
    os.rename(f"{folder}/{rank}.part", f"{folder}/{rank}.pt")
    while not all(Path(folder, f"{other}.pt").exists() for other in range(size)):
        time.sleep(0.01)
    # Taking gloo down while the peer goes away aborts the process now and then; there is nothing left to take down.
    os._exit(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("several")
    people = [*iter_recordings(plain_cohort(3, 4, 16.0))]
    # A person without a heart in view: ranks have labels of shape and length for different numbers of windows.
    people[1] = replace(people[1], ecg_mv=np.zeros_like(people[1].ecg_mv), r_peaks_s=np.empty(0))
    write_store(made / "store", people, {"name": "sst"}, max_channels=3, rng=np.random.default_rng(0))
    return made


@pytest.fixture(scope="module")
def ranks(folder: Path) -> list[dict[str, Any]]:
    if sys.platform == "win32" or not dist.is_gloo_available():
        pytest.skip("torch without gloo cannot run two processes")
    mp.spawn(_work, args=(2, str(folder)), nprocs=2)
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.fixture(scope="module")
def alone(folder: Path) -> dict[str, Any]:
    return fit(folder, 1)


@pytest.mark.parametrize(("way", "tolerance"), [("plain", 5e-5), ("lean", 1e-2)])
def test_two_processes_equal_one(
    folder: Path, ranks: list[dict[str, Any]], alone: dict[str, Any], way: str, tolerance: float
) -> None:
    moved, start = 0.0, training(folder, "start", []).model.state_dict()
    for name, value in alone[way].items():
        assert torch.equal(ranks[0][way][name], ranks[1][way][name]), f"ranks differ in {name}"
        torch.testing.assert_close(ranks[0][way][name], value, rtol=0, atol=tolerance)
        moved = max(moved, float((value - start[name]).abs().max()))
    assert moved > 0.02


def test_the_logs_agree(folder: Path, ranks: list[dict[str, Any]], alone: dict[str, Any]) -> None:
    one, two = (
        [json.loads(line) for line in (folder / f"plain{n}" / "log.jsonl").read_text().splitlines()] for n in (1, 2)
    )
    assert [record["epoch"] for record in two] == [0, 1]
    for a, b in zip(one, two, strict=True):
        figures = [name for name, value in a.items() if isinstance(value, float)]
        assert {name: a[name] for name in figures} == pytest.approx({name: b[name] for name in figures}, rel=1e-3)


def test_a_resumed_run_equals_an_uninterrupted_one(folder: Path, ranks: list[dict[str, Any]]) -> None:
    for found in ranks:
        assert all(torch.equal(found["broken"][name], value) for name, value in found["plain"].items())
    assert (folder / "broken" / "log.jsonl").read_text() == (folder / "plain2" / "log.jsonl").read_text()


def test_refusals_reach_every_rank_and_leave_nothing(folder: Path, ranks: list[dict[str, Any]]) -> None:
    for what, text in (("odd", "`train.batch` must be a multiple of 2"), ("norm", "batch norm"), ("bad", "ega")):
        kinds = [found[what][0] for found in ranks]
        assert kinds == ["InputError", OtherRankError.__name__], what
        assert text in ranks[0][what][1]
        assert "\n" not in ranks[0][what][1]
    assert not (folder / "refused").exists()


def test_what_ranks_tell_each_other(ranks: list[dict[str, Any]]) -> None:
    for found in ranks:
        assert found["sum"] == [2, 10]
        assert found["parts"] == [10, 11, 20]


def test_an_error_is_news_once() -> None:
    board = dist.HashStore()
    first, second = Ranks(0, 2, board), Ranks(1, 2, board)
    assert second.is_news(InputError("no such file."))
    assert not first.is_news(InputError("no such file."))
    assert first.is_news(InputError("another."))
    assert not second.is_news(OtherRankError("rank 0 stopped."))
    assert Ranks().is_news(InputError("no such file."))


def test_without_torchrun_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined_ranks() as found:
        assert found == Ranks() == Ranks.current()
        assert found.first(lambda: 3) == 3
        assert found.any(flag=True) is True
        assert found.gather([1, 2]) == [1, 2]


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"train\.device"):
        Ranks().device("cuda")
