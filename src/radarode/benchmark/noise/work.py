"""One job: add one kind of noise to the test recordings, reconstruct them with one training, score them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from radarode.benchmark.frameworks.work import noise_entropy, reconstruct_settings, tested_recordings, trained
from radarode.core.config import from_plain
from radarode.core.types import ReconstructedEcg, Recording
from radarode.data.noise import Noise, noisy_recording, noisy_windows
from radarode.frameworks import Framework
from radarode.reconstruction.settings import ReconstructSettings


def score_condition(payload: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Score a training under one condition, every test recording in three columns.

    Args:
        payload: `framework`, `seed`, `fold`: the training; `noise`: settings of the noise; `condition`: its name;
            `noise_seed`; `reconstruct`: settings; `data` and `fs_hz` of given recordings.
        folder: of the job, two levels below the result folder.

    Returns:
        `recordings`: name -> column -> metric.
    """
    from radarode.evaluation import evaluate

    framework, settings = trained(folder, payload), reconstruct_settings(payload)
    noise = from_plain(Noise, payload["noise"])
    found = {}
    for recording in tested_recordings(folder, payload):
        entropy = noise_entropy(payload["noise_seed"], recording.name, payload["condition"])
        ecg = reconstruct_noisy(framework, recording, noise, entropy, settings)
        found[recording.name] = evaluate(ecg, recording).columns()
    return {"recordings": found}


def reconstruct_noisy(
    framework: Framework, recording: Recording, noise: Noise, entropy: list[int], settings: ReconstructSettings
) -> ReconstructedEcg:
    """Reconstruct a recording under noise, which is drawn anew from its entropy: on the motion, or on the spectrogram.

    Args:
        framework: trained.
        recording: clean.
        noise: what is added; its domain says where.
        entropy: from `noise_entropy`.
        settings: of the reconstruction.
    """
    import torch

    if noise.domain == "signal":
        moved = noisy_recording(recording, noise, np.random.default_rng(entropy))
        return framework.reconstruct(moved, settings)
    seed = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> np.uint64(1))
    generator = torch.Generator().manual_seed(seed)
    return framework.reconstruct(recording, settings, disturb=lambda values: noisy_windows(values, noise, generator))
