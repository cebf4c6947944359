"""radarODE-MTL: one network, three tasks, balanced by a multi-task strategy.

Reference: arXiv 2410.08656.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from radarode.balance import make_strategy
from radarode.configuration import Experiment
from radarode.core.constants import WINDOW_FRAMES
from radarode.core.types import ReconstructedEcg, Recording
from radarode.frameworks.base import Fitting, Framework, Watcher, start_network
from radarode.models.pretrained import save_model
from radarode.models.radarode_mtl import RadarOdeMtl
from radarode.reconstruction import reconstruct
from radarode.reconstruction.disturb import Disturb
from radarode.reconstruction.settings import ReconstructSettings
from radarode.signal.timefrequency import resolve_settings
from radarode.train import Training
from radarode.train.feed import WindowFeed, make_feed
from radarode.train.multitask import MultiTask
from radarode.train.ranks import Ranks

VALIDATION_STEP_S = 2.0


class RadarOdeMtlFramework(Framework):
    """Windows to shape, length and anchors; anchors to beats; shapes laid on beats."""

    name = "radarode-mtl"
    title = "radarODE-MTL"

    @classmethod
    def check(cls, experiment: Experiment) -> None:
        """Refuse a network that cannot read its input, and an unknown strategy."""
        model: RadarOdeMtl = start_network(experiment)
        ranks = Ranks.current()
        ranks.adapt(model, ranks.device(experiment.train.device))
        make_strategy(experiment.balance.strategy, **experiment.balance.options)
        if experiment.data.batch_channels is not None:
            rows = resolve_settings(**experiment.transform)["n_rows"]
            model.encode(torch.zeros(2, experiment.data.batch_channels[1], rows, WINDOW_FRAMES))

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
        """Turn motion into a long-term ECG, as `radarode.reconstruct` does."""
        return reconstruct(recording, self.pretrained, settings, disturb=disturb)


def _training(fitting: Fitting) -> Training:
    """Put model, feeds and strategy together; the same for a new run and a resumed one."""
    experiment = fitting.experiment
    model: RadarOdeMtl = start_network(experiment)

    def keep_best(figures: dict[str, float]) -> None:
        facts = fitting.facts(figures, strategy=experiment.balance.strategy)
        save_model(fitting.weights, model, facts, overwrite=True)

    return Training(
        model=model,
        objective=MultiTask(experiment.tasks),
        feed=_feed(fitting, validating=False),
        validation=_feed(fitting, validating=True),
        strategy=make_strategy(experiment.balance.strategy, **experiment.balance.options),
        settings=experiment.train,
        folder=fitting.run,
        keep_best=keep_best,
        engine=experiment.balance.engine,
    )


def _feed(fitting: Fitting, *, validating: bool) -> WindowFeed:
    experiment, data = fitting.experiment, fitting.experiment.data
    return make_feed(
        fitting.validation if validating else fitting.train,
        experiment.tasks,
        step_s=VALIDATION_STEP_S if validating else data.step_s,
        scaling=experiment.scaling,
        freqs_hz=np.asarray(fitting.index["freqs_hz"]),
        augment=None if validating else experiment.augment,
        channels=data.validation_channels if validating else data.batch_channels,
        seed=experiment.seed,
    )
