"""One loss as an objective: it trains, and its validation is a mean over items, not over batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from radarode.balance import make_strategy
from radarode.train import Training, TrainSettings
from radarode.train.single import SingleLoss


class Lines:
    """Batches of y = 2x."""

    def steps(self, batch: int) -> int:
        return 4

    def epoch(self, epoch: int, batch: int, steps: int, *, first_step: int = 0) -> Iterator[Tensor]:
        for step in range(first_step, steps):
            yield torch.randn(batch, 1, generator=torch.Generator().manual_seed(1000 * epoch + step))

    def in_order(self, batch: int) -> Iterator[Tensor]:
        yield torch.ones(3, 1)
        yield 2 * torch.ones(1, 1)


def mean_square(model: nn.Module, x: Tensor) -> Tensor:
    return (model(x) - 2 * x).square().mean()


OBJECTIVE = SingleLoss("line", mean_square, len, lambda model, x: {"largest": float(x.max())})


def test_validation_weighs_batches_by_their_items() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    found = OBJECTIVE.validate(model, Lines(), 3)
    assert found == {"loss_line": pytest.approx((3 * 4 + 16) / 4), "largest": pytest.approx((3 * 1 + 2) / 4)}
    assert model.training


def test_it_trains(tmp_path: Path) -> None:
    model = nn.Linear(1, 1)
    kept: list[dict[str, float]] = []
    settings = TrainSettings(lr=0.1, warmup_steps=0, batch=8, epochs=30, threads=1, weight_decay=0.0)
    progress = Training(
        model=model, objective=OBJECTIVE, feed=Lines(), validation=Lines(), strategy=make_strategy("equal"),
        settings=settings, folder=tmp_path, keep_best=kept.append,
    ).run()  # fmt: skip
    assert progress.finished
    assert model.weight.item() == pytest.approx(2.0, abs=0.1)
    assert kept[-1]["loss_line"] < 0.05 * kept[0]["loss_line"]
