"""Settings of a training: optimiser, schedule and stopping; the published recipe is one call away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from radarode.core.errors import InputError

Optimizer = Literal["adamw", "sgd"]
Precision = Literal["float32", "bfloat16"]
Device = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """Parameters of the training loop.

    Attributes:
        optimizer: "adamw" or "sgd" (with `momentum`).
        lr: peak learning rate.
        final_lr: learning rate at the end of the cosine.
        cosine_epochs: length of the cosine in epochs; `None` takes `epochs`.
        warmup_steps: steps of linear rise at the start.
        momentum: of SGD.
        weight_decay: as the optimiser defines it.
        clip_norm: largest norm of the whole gradient; `None` does not clip.
        batch: windows per step.
        epochs: most epochs.
        steps_per_epoch: steps that make an epoch; `None` is one pass over all windows.
        patience: epochs without a better validation score before stopping; `None` never stops early.
        score_tasks: tasks whose validation losses choose the epoch; `None` takes all.
        track_gradients: note cosines and norms of the task gradients in the log every so many steps; `None` only where
            the strategy forms them anyway.
        precision: "bfloat16" computes the network in 16 bits where that is safe; weights, losses, balancing and
            validation stay in float32.
        checkpoint_activations: keep no activations of the residual blocks but compute them again in the backward pass:
            less memory, more time, the same gradients.
        device: "cpu", or "cuda" for one GPU per process.
        threads: torch threads; `None` leaves torch's choice. One thread makes runs repeat bit for bit.
    """

    optimizer: Optimizer = "adamw"
    lr: float = 1e-3
    final_lr: float = 1e-5
    cosine_epochs: int | None = None
    warmup_steps: int = 200
    momentum: float = 0.937
    weight_decay: float = 1e-2
    clip_norm: float | None = 5.0
    batch: int = 32
    epochs: int = 40
    steps_per_epoch: int | None = None
    patience: int | None = 12
    score_tasks: tuple[str, ...] | None = None
    track_gradients: int | None = None
    precision: Precision = "float32"
    checkpoint_activations: bool = False
    device: Device = "cpu"
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.optimizer not in ("adamw", "sgd"):
            raise InputError.of("optimizer", "adamw or sgd", repr(self.optimizer))
        if self.precision not in ("float32", "bfloat16"):
            raise InputError.of("train.precision", "float32 or bfloat16", repr(self.precision))
        if self.device not in ("cpu", "cuda"):
            raise InputError.of("train.device", "cpu or cuda", repr(self.device))
        for name in ("lr", "batch", "epochs"):
            if not getattr(self, name) > 0:
                raise InputError.of(name, "positive", getattr(self, name))
        for name in ("final_lr", "warmup_steps", "momentum", "weight_decay"):
            if getattr(self, name) < 0:
                raise InputError.of(name, "not negative", getattr(self, name))
        for name in ("steps_per_epoch", "patience", "track_gradients", "threads", "cosine_epochs", "clip_norm"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError.of(name, "positive or null", value)

    @classmethod
    def published(cls, **changes: Any) -> TrainSettings:
        """Return the recipe of the radarODE-MTL code: SGD, cosine over 100 of 200 epochs, batch 22."""
        recipe: dict[str, Any] = {
            "optimizer": "sgd",
            "lr": 5e-3,
            "final_lr": 5e-5,
            "cosine_epochs": 100,
            "warmup_steps": 0,
            "momentum": 0.937,
            "weight_decay": 5e-4,
            "clip_norm": None,
            "batch": 22,
            "epochs": 200,
        }
        return cls(**{**recipe, **changes})
