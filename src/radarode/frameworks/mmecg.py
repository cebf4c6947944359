"""MMECG: motion and places of the points straight to the ECG curve, sample by sample.

Reference: IEEE TMC 2022, doi 10.1109/TMC.2022.3214721.

Deviations, each off at the preset `paper`: the past that the decoder is told in training is dropped or noisy
(`MmecgConfig`); any number of channels; group norm. Deviations that always hold: the epoch is chosen by the
correlation of the *free-running* decoder's curve on windows of other people (`ecg_loss`); in use the decoder runs free
over each stretch of motion, under conditions that overlapping windows agree on; the target is the ECG scaled to [0, 1]
in every cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from radarode.balance import make_strategy
from radarode.configuration import Experiment
from radarode.core.errors import InputError
from radarode.core.types import ReconstructedEcg, Recording
from radarode.frameworks.base import Fitting, Framework, Watcher, start_network
from radarode.frameworks.mmecg_feed import MotionBatch, MotionFeed, make_motion_feed
from radarode.frameworks.mmecg_run import curve_of
from radarode.models.causal_tcn import expected_amplitude
from radarode.models.mmecg import Mmecg
from radarode.models.precision import widened
from radarode.models.pretrained import save_model
from radarode.models.tcn_stepper import free_run
from radarode.reconstruction.curve import from_curve
from radarode.reconstruction.disturb import Disturb
from radarode.reconstruction.settings import ReconstructSettings
from radarode.signal.mu_law import mu_law_encode
from radarode.train import Training
from radarode.train.single import SingleLoss

NAME = "mmecg"
VALIDATION_STEP_S = 3.0
SHOWN = 8
"""Windows of each validation batch that the correlations are computed of."""

LARGEST_SHIFT = 30
SHIFT_STEP = 2
"""Samples; 150 ms, as far as an R peak may be off and still be found."""

UNKNOWN = -100
"""Class of a sample whose ECG is unknown; it does not count."""


class MmecgFramework(Framework):
    """Windows of motion to conditions; a causal decoder that runs on its own output to an ECG curve; its cycles.

    `disturb` has no effect: no spectrogram is read.
    """

    name = NAME
    title = "MMECG"
    reads_motion = True
    reads_spectrogram = False

    @classmethod
    def check(cls, experiment: Experiment) -> None:
        """Refuse unknown sizes, and numbers of channels that the network does not take."""
        wanted, channels = start_network(experiment).config.channels, experiment.data.batch_channels
        if wanted is not None and channels is not None and channels != (wanted, wanted):
            rule = f"null or [{wanted}, {wanted}] for a network of {wanted} channels"
            raise InputError.of("data.batch_channels", rule, list(channels), "The preset `small` takes any number")

    @classmethod
    def prepare(cls, fitting: Fitting) -> None:
        """Encode every reference."""
        _training(fitting)

    @classmethod
    def fit(cls, fitting: Fitting, *, resume: bool = False, watchers: Sequence[Watcher] = ()) -> dict[str, Any]:
        """Train the one network."""
        progress = _training(fitting).run(resume=resume, watchers=watchers)
        return {"best_epoch": progress.best_epoch, "score": progress.best_score}

    def reconstruct(
        self, recording: Recording, settings: ReconstructSettings | None = None, *, disturb: Disturb | None = None
    ) -> ReconstructedEcg:
        """Turn motion into a long-term ECG; `disturb` is ignored, since no spectrogram is read.

        `settings.step_s` (at most half a window counts), `batch` and `max_gap_share` say how windows are taken, the
        rest how beats are chosen.
        """
        chosen = settings or ReconstructSettings()
        curve, missing = curve_of(self.pretrained.model, recording, chosen)
        return from_curve(curve, missing, min_distance_s=max(0.3, chosen.min_distance_s), settings=settings)


def ecg_loss(model: nn.Module, batch: MotionBatch) -> Tensor | None:
    """Return what is made least: in training the cross-entropy per known sample, in evaluation mode 1 - correlation.

    The second is that of the curve which the decoder makes on its own output with the reference, the largest over
    shifts of at most `LARGEST_SHIFT`, mean over windows. Cross-entropy cannot choose the epoch: given the true past it
    is meaningless, and that of a decoder that runs free rises while its curve gets better. Correlation without a shift
    cannot either: the delay between motion and R peak differs between people and cannot be known, and a curve that
    commits itself to a beat pays more for a small delay than one that does not.
    """
    assert isinstance(model, Mmecg)
    if not batch.target.isfinite().any():
        return None
    conditions = model.encode(batch.motion, batch.positions_m)
    if model.training:
        return sample_entropy(widened(model.decoder(conditions, batch.past)), batch.target)
    curves, targets = _free(model, conditions), batch.target.numpy()
    return torch.tensor(1.0 - np.mean([_best_correlation(*pair) for pair in zip(curves, targets, strict=True)]))


def sample_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Return the mean cross-entropy of (window, 256, sample) logits against the known samples of (window, sample)."""
    known = target.isfinite()
    classes = torch.full(target.shape, UNKNOWN)
    classes[known] = torch.from_numpy(mu_law_encode(target[known].numpy()))
    return cross_entropy(logits, classes, ignore_index=UNKNOWN)


def _free(model: Mmecg, conditions: Tensor) -> NDArray[np.float32]:
    return free_run(model.decoder, conditions.numpy(), model.config.readout)


def window_figures(model: nn.Module, batch: MotionBatch) -> dict[str, float]:
    """Return figures of the first windows of a batch: running free, and given the true past (`forced`).

    The second is what publications that do not run free report; it says nothing about the way from motion to ECG.
    """
    assert isinstance(model, Mmecg)
    target = batch.target[:SHOWN]
    if not target.isfinite().any():
        return {}
    conditions = model.encode(batch.motion[:SHOWN], batch.positions_m[:SHOWN])
    logits = model.decoder(conditions, batch.past[:SHOWN])
    curves = {"free": _free(model, conditions), "forced": expected_amplitude(logits).numpy()}
    means = {
        f"pcc_{name}": float(np.mean([_correlation(*pair) for pair in zip(found, target.numpy(), strict=True)]))
        for name, found in curves.items()
    }
    return {**means, "entropy_forced": float(sample_entropy(logits, target))}


def _best_correlation(curve: NDArray[np.float32], target: NDArray[np.float32]) -> float:
    """Return the largest correlation of (sample,) curve and target over shifts of one against the other."""
    n = len(curve)
    return max(
        _correlation(curve[max(0, s) : n + min(0, s)], target[max(0, -s) : n - max(0, s)])
        for s in range(-LARGEST_SHIFT, LARGEST_SHIFT + 1, SHIFT_STEP)
    )


def _correlation(curve: NDArray[np.float32], target: NDArray[np.float32]) -> float:
    """Return the correlation over the known samples of the target; 0 where either is flat."""
    known = np.isfinite(target)
    if not known.any():
        return 0.0
    a, b = (side[known].astype(np.float64) - side[known].mean(dtype=np.float64) for side in (curve, target))
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-9 else 0.0


def _training(fitting: Fitting) -> Training:
    """Put model and feeds together; the same for a new run and a resumed one."""
    experiment = fitting.experiment
    model: Mmecg = start_network(experiment)

    def keep_best(figures: dict[str, float]) -> None:
        save_model(fitting.weights, model, fitting.facts(figures), overwrite=True)

    return Training(
        model=model,
        objective=SingleLoss("ecg", ecg_loss, lambda batch: len(batch.target), window_figures),
        feed=_feed(fitting, model, training=True),
        validation=_feed(fitting, model, training=False),
        strategy=make_strategy("equal"),
        settings=replace(experiment.train, score_tasks=None),
        folder=fitting.run,
        keep_best=keep_best,
    )


def _feed(fitting: Fitting, model: Mmecg, *, training: bool) -> MotionFeed:
    experiment, data = fitting.experiment, fitting.experiment.data
    return make_motion_feed(
        fitting.train if training else fitting.validation,
        experiment.tasks,
        model.config,
        step_s=data.step_s if training else VALIDATION_STEP_S,
        augment=experiment.augment if training else None,
        channels=data.batch_channels if training else data.validation_channels,
        seed=experiment.seed,
        training=training,
    )
