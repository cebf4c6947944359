"""Lower precision and recomputed activations: what they change, and what they must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from radarode.balance import Balancer
from radarode.core.errors import InputError
from radarode.core.types import Segments, TaskOutputs
from radarode.data.store_writer import write_store
from radarode.experiment import read_experiment, run_experiment
from radarode.models.config import preset
from radarode.models.deform import deform_conv2d
from radarode.models.radarode_mtl import RadarOdeMtl, build_model
from radarode.models.shape_decoder import OdeBranch
from radarode.simulate import iter_recordings
from radarode.simulate.cohort import plain_cohort
from radarode.tasks import TaskSettings
from radarode.train.multitask import MultiTask
from radarode.train.settings import TrainSettings

OBJECTIVE = MultiTask(TaskSettings())
QUICK = ["model.preset=tiny", "data.batch_channels=[1, 3]", "train.batch=4", "train.epochs=1", "train.threads=1"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "store"
    people = iter_recordings(plain_cohort(3, 3, 16.0))
    write_store(folder, people, {"name": "sst"}, max_channels=3, rng=np.random.default_rng(0))
    return folder


def batch(windows: int = 4) -> Segments:
    draw = torch.Generator().manual_seed(1)
    targets = TaskOutputs(
        torch.rand(windows, 200, generator=draw),
        torch.rand(windows, 260, generator=draw).softmax(dim=1),
        torch.rand(windows, 800, generator=draw),
    )
    return Segments(torch.rand(windows, 3, 71, 120, generator=draw), np.zeros(windows), targets)


def stepped(norm: str, strategy: str, engine: str, *, recompute: bool = False, low: bool = False) -> RadarOdeMtl:
    """Return a network with the gradients of one step."""
    model = build_model(preset("tiny", norm=norm), seed=1).train()
    model.backbone.recompute = recompute
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "control" in name:  # Offsets that are not zero, as after some training.
                parameter.normal_(std=0.1, generator=torch.Generator().manual_seed(2))
    shared, tasks = OBJECTIVE.partition(model)
    balancer = Balancer(strategy, shared=shared, tasks=tasks, engine=engine)
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        losses, features = OBJECTIVE.losses(model, batch())
    assert {loss.dtype for loss in losses.values() if loss is not None} == {torch.float32}
    balancer.backward(losses, features=features)
    return model


def gradients(model: RadarOdeMtl) -> list[torch.Tensor]:
    return [parameter.grad for parameter in model.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("norm", ["batch", "group"])
@pytest.mark.parametrize(("strategy", "engine"), [("ega", "vjp"), ("ega", "representation"), ("equal", "vjp")])
@pytest.mark.parametrize("low", [False, True])
def test_recomputing_changes_neither_gradients_nor_statistics(norm: str, strategy: str, engine: str, low: bool) -> None:
    kept = stepped(norm, strategy, engine, low=low)
    again = stepped(norm, strategy, engine, low=low, recompute=True)
    assert len(gradients(kept)) == len(list(kept.parameters()))
    for a, b in zip(gradients(kept), gradients(again), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)
    for name, value in kept.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_recomputing_keeps_less() -> None:
    kept = []
    for recompute in (False, True):
        sizes: list[int] = []
        model = build_model(preset("tiny"), seed=1).train()
        model.backbone.recompute = recompute

        def pack(tensor: torch.Tensor, sizes: list[int] = sizes) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            model.backbone(torch.rand(2, 12, 18, 60))
        kept.append(sum(sizes))
    assert kept[1] < 0.3 * kept[0]


@pytest.mark.parametrize("engine", ["vjp", "ghost", "representation"])
def test_bfloat16_gradients_point_the_same_way(engine: str) -> None:
    full, low = (gradients(stepped("group", "ega", engine, low=low)) for low in (False, True))
    assert {gradient.dtype for gradient in low} == {torch.float32}
    a, b = (torch.cat([gradient.flatten() for gradient in found]) for found in (full, low))
    assert float(torch.cosine_similarity(a, b, dim=0)) > 0.98
    assert not torch.equal(a, b)


def test_a_training_in_bfloat16_stays_close(store: Path, tmp_path: Path) -> None:
    changes = [*QUICK, "train.steps_per_epoch=20", "train.lr=0.01", "train.warmup_steps=5", "augment=null"]
    means: list[dict[str, float]] = []
    for precision in ("float32", "bfloat16"):
        run, records = tmp_path / precision, []
        experiment = read_experiment(None, [*changes, f"train.precision={precision}"])
        run_experiment(experiment, run, store=store, watchers=[records.append])
        steps = [record for record in records if record["kind"] == "step"]
        assert steps[-1]["shape"] < 0.5 * steps[0]["shape"]
        means.append({name: steps[-1][name] for name in ("shape", "length", "anchor")})
        state = torch.load(run / "checkpoint.pt", weights_only=True)
        assert {value.dtype for value in state["model"].values()} == {torch.float32}
    assert means[1] != means[0]
    assert means[1] == pytest.approx(means[0], rel=0.1)


def test_sampling_keeps_its_places_in_bfloat16() -> None:
    draw = torch.Generator().manual_seed(4)
    x, weight = torch.rand(1, 4, 71, 120, generator=draw), torch.rand(3, 4, 3, 3, generator=draw)
    offset, mask = torch.full((1, 18, 71, 120), 0.375), torch.ones(1, 9, 71, 120)
    exact = deform_conv2d(x, offset, mask, weight)
    low = deform_conv2d(*(one.bfloat16() for one in (x, offset, mask, weight)))
    assert low.dtype == torch.bfloat16
    # At row 70 bfloat16 itself resolves half a pixel; the error would be of the size of the values.
    assert float((low.float() - exact).abs().max() / exact.abs().max()) < 0.02


def test_the_ode_is_solved_in_float32_under_autocast() -> None:
    branch = OdeBranch((16,), "group").eval()
    latent = torch.rand(2, 8, 207, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        cycle = branch(latent)
    assert cycle.dtype == torch.float32
    assert float((cycle - branch(latent)).detach().abs().max()) < 0.02


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["train.precision=float16"], "one of float32, bfloat16"),
        (["train.device=tpu"], "one of cpu, cuda"),
        (["train.checkpoint_activations=true", "balance.engine=ghost"], "ghost keeps"),
        (["train.checkpoint_activations=true", "framework=mmecg"], "without residual blocks"),
        (["train.device=cuda", "framework=mmecg"], "cpu for mmecg"),
    ],
)
def test_ways_that_do_not_go_are_refused(changes: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_experiment(None, changes)


@pytest.mark.parametrize("wrong", [{"precision": "float16"}, {"device": "tpu"}])
def test_wrong_settings_are_refused_without_a_file(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"train.{next(iter(wrong))}"):
        TrainSettings(**wrong)
