"""radarODE: cycles from the spectrogram, laid on beats found by the energy, joined with the motion to a long-term ECG.

Two networks are trained one after the other: the generator of single cycles on windows around true R peaks, then the
long-term network on the drafts that the generator, frozen, gives the training recordings by the same way that a
reconstruction goes. No reconstruction looks at a reference.

Reference: arXiv 2408.01672. Deviation: the published evaluation centres its windows on the reference's R peaks;
here the energy of the spectrogram says where beats are (`reconstruction/energy_beats.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from radarode.configuration import Experiment
from radarode.core.config import from_plain
from radarode.core.constants import WINDOW_FRAMES, WINDOW_SAMPLES
from radarode.core.types import ReconstructedEcg, Recording
from radarode.frameworks.base import Fitting, Framework, Watcher, start_network
from radarode.frameworks.radarode_feed import CurveFeed, CycleFeed
from radarode.frameworks.radarode_stages import (
    LONGTERM,
    NAME,
    SCEG,
    longterm_training,
    run_stage,
    sceg_training,
    set_pulse,
    shared_of,
    take_best_sceg,
    with_stage,
)
from radarode.reconstruction.curve import from_curve
from radarode.reconstruction.disturb import Disturb
from radarode.reconstruction.draft import join_windows, lay_draft
from radarode.reconstruction.heard import hear
from radarode.reconstruction.settings import ReconstructSettings
from radarode.signal.timefrequency import resolve_settings
from radarode.tasks.settings import TaskSettings

FULL_CLARITY = 0.6
R_HEIGHT_LIMITS = (0.08, 0.5)


class RadarOdeFramework(Framework):
    """Energy to beats; windows around beats to cycles; cycles and motion to the ECG."""

    name = NAME
    title = "radarODE"
    reads_motion = True

    @classmethod
    def check(cls, experiment: Experiment) -> None:
        """Refuse networks that cannot read their input."""
        model = start_network(experiment)
        most = experiment.data.batch_channels
        channels = most[1] if most is not None else model.config.channels or 1
        rows = resolve_settings(**experiment.transform)["n_rows"]
        model.sceg(torch.zeros(2, channels, rows, WINDOW_FRAMES))
        model.longterm(torch.zeros(2, channels, WINDOW_SAMPLES), torch.zeros(2, WINDOW_SAMPLES))

    @classmethod
    def prepare(cls, fitting: Fitting) -> None:
        """Encode every reference and list the windows of both stages."""
        model = start_network(fitting.experiment)
        for validating in (False, True):
            shared = shared_of(fitting, validating=validating)
            CycleFeed(shared, model.config.centre_jitter_s)
            blank = [np.zeros(len(one.ecg_mv), np.float32) for one in shared.recordings]
            CurveFeed(shared, blank, fitting.experiment.data.step_s)

    @classmethod
    def fit(cls, fitting: Fitting, *, resume: bool = False, watchers: Sequence[Watcher] = ()) -> dict[str, Any]:
        """Train the generator, then the long-term network on its drafts."""
        model = start_network(fitting.experiment)
        set_pulse(model, fitting.train)
        run_stage(sceg_training(fitting, model), resume, with_stage(watchers, SCEG))
        take_best_sceg(fitting, model)
        progress = run_stage(longterm_training(fitting, model), resume, with_stage(watchers, LONGTERM))
        return {"best_epoch": progress.best_epoch, "score": progress.best_score}

    def reconstruct(
        self, recording: Recording, settings: ReconstructSettings | None = None, *, disturb: Disturb | None = None
    ) -> ReconstructedEcg:
        """Turn motion into a long-term ECG; its reference, if any, is never looked at.

        Args:
            recording: at 200 Hz, at least one window long.
            settings: all but `threshold` and the anchors' part count; `None` takes the defaults.
            disturb: called on consecutive windows of the spectrogram, which energy and generator then both see; the
                motion that the long-term network reads stays as it is, since noise on a spectrogram has no motion.

        Raises:
            InputError: the recording is too short, at another rate, or has not the network's channels.
        """
        kept, chosen = self.pretrained, settings or ReconstructSettings()
        heard = hear(recording, kept, disturb)
        r_fraction = from_plain(TaskSettings, kept.tasks).r_fraction
        draft = lay_draft(heard, kept.model, chosen, scaling=kept.scaling, r_fraction=r_fraction)
        curve = join_windows(heard, draft.curve, kept.model.longterm, chosen)
        length_s = draft.length_s if np.isfinite(draft.length_s).all() else None
        return from_curve(
            curve,
            heard.missing,
            length_s=length_s,
            support=np.clip(draft.clarity / FULL_CLARITY, 0.0, 1.0),
            full_height=float(kept.model.r_height.clamp(*R_HEIGHT_LIMITS)),
            settings=chosen,
        )
