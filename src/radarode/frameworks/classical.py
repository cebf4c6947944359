"""A classical baseline without a learning network: the floor that networks must beat, and the fallback without weights.

Beats come from the energy of the motion, its autocorrelation and template matching (`reconstruction.classical_beats`);
every beat is drawn as the mean ECG cycle of the training recordings. So R peaks and intervals are this
recording's own, and the shape is nobody's: it carries no information.

Training measures three averages: the energy around R, the mean cycle, the residual delay. Autocorrelation and template
matching are textbook methods; see e.g. Will et al., "Radar-based heart sound detection", Scientific Reports 8, 2018,
and Woody 1967 for the alignment. The way they are put together is this project's own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radarode.configuration import Experiment
from radarode.core.config import from_plain
from radarode.core.constants import FRAME_RATE_HZ, FS_HZ
from radarode.core.errors import InputError
from radarode.core.files import atomic_path
from radarode.core.types import ReconstructedEcg, Recording
from radarode.data.store import StoredRecording
from radarode.frameworks.base import Fitting, Framework, Watcher, start_network
from radarode.metrics.beats import detection_scores, match_beats
from radarode.metrics.delay import estimate_delay
from radarode.models.classical import ClassicalModel
from radarode.models.pretrained import save_model
from radarode.reconstruction.classical import good_beats, lay_cycle
from radarode.reconstruction.disturb import Disturb
from radarode.reconstruction.settings import ReconstructSettings
from radarode.reconstruction.windows import check_recording, silence
from radarode.signal.motion_energy import EnergyPrior, MotionEnergy, average_pattern, motion_energy
from radarode.tasks import TaskSettings
from radarode.tasks.cycles import cut_cycles
from radarode.tasks.shape import encode_shape

FEWEST_BEATS = 5
"""Training recordings with fewer beats are not measured."""

MEASURED = "measured.json"
"""What training found, beside the weights."""


class ClassicalFramework(Framework):
    """Motion to energy to beats; one mean cycle on each."""

    name = "classical"
    title = "classical"
    reads_motion = True
    reads_spectrogram = False

    @classmethod
    def check(cls, experiment: Experiment) -> None:
        """Refuse unknown settings of the energy."""
        start_network(experiment)

    @classmethod
    def prepare(cls, fitting: Fitting) -> None:
        """Refuse a store without motion, or one in which nobody's heart beats."""
        if any(recording.motion is None for recording in fitting.train):
            raise InputError("the store holds no motion. Build one for this framework, or name no store.")
        if not any(_has_heart(recording) for recording in fitting.train):
            raise InputError(f"no training recording has {FEWEST_BEATS} reference beats. Name recordings that do.")

    @classmethod
    def fit(cls, fitting: Fitting, *, resume: bool = False, watchers: Sequence[Watcher] = ()) -> dict[str, Any]:
        """Measure the averages, without any optimisation; a resumed run measures them again, which takes seconds.

        Returns:
            `best_epoch` 0 and as its `score` 1 minus the mean deployable F1 of the validation recordings.
        """
        experiment = fitting.experiment
        model, facts = _measure(start_network(experiment), fitting.train, experiment.tasks)
        facts |= {"validation": _validate(model, fitting.validation)}
        facts |= {"data": experiment.data.source, "seed": experiment.seed, "channels": experiment.data.store_channels}
        tasks = experiment.tasks.to_dict()
        save_model(fitting.weights, model, {**facts, "framework": cls.name, "tasks": tasks}, overwrite=True)
        with atomic_path(fitting.run / MEASURED) as temporary:
            temporary.write_text(json.dumps(facts, indent=1) + "\n")
        return {"best_epoch": 0, "score": 1.0 - facts["validation"]["f1"]}

    def reconstruct(
        self, recording: Recording, settings: ReconstructSettings | None = None, *, disturb: Disturb | None = None
    ) -> ReconstructedEcg:
        """Turn motion into a long-term ECG; `disturb` has no effect, as no spectrogram is read."""
        check_recording(recording)
        model: ClassicalModel = self.pretrained.model
        motion = motion_energy(recording.rcg, model.config.energy)
        found, quality = good_beats(motion, model.prior, float(model.delay_s), settings or ReconstructSettings())
        r_fraction = from_plain(TaskSettings, self.pretrained.tasks).r_fraction
        return lay_cycle(found, quality, model.cycle.numpy(), silence(motion.missing), r_fraction)


def _has_heart(recording: StoredRecording) -> bool:
    return len(recording.known_r_peaks_s) >= FEWEST_BEATS


def _motion(recording: StoredRecording, model: ClassicalModel) -> MotionEnergy:
    """Return energy and period of a stored recording, its gaps put back."""
    assert recording.motion is not None
    rcg = np.asarray(recording.motion, dtype=np.float32).T.copy()
    at = np.arange(rcg.shape[1]) * FRAME_RATE_HZ / FS_HZ
    frames = np.clip(np.rint(at), 0, len(recording.gaps) - 1).astype(np.int64)
    rcg[:, recording.gaps[frames]] = np.nan
    return motion_energy(rcg, model.config.energy)


def _measure(
    start: ClassicalModel, recordings: Sequence[StoredRecording], tasks: TaskSettings
) -> tuple[ClassicalModel, dict[str, Any]]:
    """Return the model with its averages, and facts about them."""
    beating = [recording for recording in recordings if _has_heart(recording)]
    patterns, cycles = [], []
    for recording in beating:
        motion, r_s = _motion(recording, start), recording.known_r_peaks_s
        pattern = average_pattern(motion.pooled, r_s, motion.period.at(r_s))
        if np.linalg.norm(pattern) > 0:
            patterns.append(pattern)
        cycles.append(_mean_cycle(recording, r_s, tasks.r_fraction))
    prior = EnergyPrior.of(np.stack(patterns))
    mean = np.nanmean([cycle for cycle in cycles if np.isfinite(cycle).all()] or [np.zeros_like(cycles[0])], axis=0)
    cycle = (mean - mean.min()) / max(float(np.ptp(mean)), 1e-12)
    model = start.measured(prior, cycle, 0.0)
    delays_s = [_delay_s(recording, model) for recording in beating]
    known = np.array([delay for delay in delays_s if delay is not None])
    facts = {"recordings": len(beating), "delay_quartiles_ms": _quartiles_ms(known)}
    return start.measured(prior, cycle, float(np.median(known)) if len(known) else 0.0), facts


def _mean_cycle(recording: StoredRecording, r_s: NDArray[np.float64], r_fraction: float) -> NDArray[np.float64]:
    """Return the (200,) median cycle of a recording; NaN where it has no whole one."""
    shapes = encode_shape(recording.ecg_mv, FS_HZ, cut_cycles(r_s, r_fraction=r_fraction), r_fraction=r_fraction)
    usable = shapes[np.isfinite(shapes).all(axis=1)]
    return np.median(usable, axis=0).astype(np.float64) if len(usable) else np.full(shapes.shape[1], np.nan)


def _delay_s(recording: StoredRecording, model: ClassicalModel) -> float | None:
    """Return by how much the R peaks that the model finds are late as one constant."""
    found, _ = good_beats(_motion(recording, model), model.prior, float(model.delay_s), ReconstructSettings())
    return estimate_delay(found.r_s, recording.known_r_peaks_s, None)


def _quartiles_ms(delays_s: NDArray[np.float64]) -> list[float]:
    return [round(1000.0 * float(q), 1) for q in np.percentile(delays_s, (25, 50, 75))] if len(delays_s) else []


def _validate(model: ClassicalModel, recordings: Sequence[StoredRecording]) -> dict[str, float]:
    """Return the mean deployable F1 over recordings with a heart, and beats per minute found in those without."""
    f1, false, minutes = [], 0, 0.0
    for recording in recordings:
        found, _ = good_beats(_motion(recording, model), model.prior, float(model.delay_s), ReconstructSettings())
        if _has_heart(recording):
            f1.append(detection_scores(match_beats(found.r_s, recording.known_r_peaks_s))["f1"])
        elif len(recording.r_peaks_s) == 0:
            false, minutes = false + len(found.r_s), minutes + len(recording.gaps) / FRAME_RATE_HZ / 60.0
    figures = {"f1": float(np.mean(np.nan_to_num(f1))) if f1 else 0.0}
    return figures | ({"false_beats_per_min": false / minutes} if minutes else {})
