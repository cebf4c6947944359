"""Jobs: train a framework; reconstruct the persons that it was not trained on, and score them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from radarode.benchmark.data import DATA, STORE
from radarode.benchmark.frameworks.recordings import recordings_of
from radarode.benchmark.jobs import RUNS
from radarode.configuration import Experiment
from radarode.core.config import from_plain
from radarode.core.types import Recording
from radarode.experiment.layout import SPLIT, WEIGHTS
from radarode.frameworks import Framework, load_framework
from radarode.reconstruction.settings import ReconstructSettings
from radarode.train.checkpoint import CHECKPOINT

RUN = "run"
"""Run folder in the folder of a training job; the weights are in its `weights`."""


def train_name(framework: str, seed: int, fold: int) -> str:
    """Return the name of a training job."""
    return f"train-{framework}-seed-{seed}-fold-{fold}"


def train_framework(payload: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Train, or go on with a training.

    Args:
        payload: `experiment`: its configuration, as plain values; `data`: folder of given recordings, or None.
        folder: of the job, two levels below the result folder.

    Returns:
        `best_epoch` and `score` of the last stage, and `seconds`, where the training was not interrupted.
    """
    from radarode.experiment import run_experiment

    root = folder.parents[1]
    plain = payload["experiment"]
    source = payload["data"] or str(root / DATA)
    experiment = from_plain(Experiment, plain | {"data": plain["data"] | {"source": source}})
    run = folder / RUN
    resume = any(run.rglob(CHECKPOINT))
    start = time.monotonic()
    facts = run_experiment(experiment, run, resume=resume, overwrite=not resume and run.exists(), store=root / STORE)
    return {**facts, "seconds": None if resume else time.monotonic() - start}


def trained(folder: Path, payload: Mapping[str, Any]) -> Framework:
    """Load the weights that a scoring job names: `framework`, `seed` and `fold`; `folder` is the job's."""
    return load_framework(_run(folder, payload) / WEIGHTS)


def tested_recordings(folder: Path, payload: Mapping[str, Any]) -> Iterator[Recording]:
    """Yield the recordings of the persons that a training left out.

    Args:
        folder: of the scoring job.
        payload: `framework`, `seed`, `fold`; `data`: folder of given recordings, or None; `fs_hz` of those.
    """
    test = json.loads((_run(folder, payload) / SPLIT).read_text())["test"]
    yield from recordings_of(folder.parents[1], payload["data"], test, payload["fs_hz"])


def reconstruct_settings(payload: Mapping[str, Any]) -> ReconstructSettings:
    """Return the settings of the reconstruction that a scoring job names."""
    return from_plain(ReconstructSettings, payload["reconstruct"])


def _run(folder: Path, payload: Mapping[str, Any]) -> Path:
    return folder.parents[1] / RUNS / train_name(payload["framework"], payload["seed"], payload["fold"]) / RUN


def noise_entropy(seed: int, recording: str, condition: str) -> list[int]:
    """Return what a generator of noise is seeded with: the same for every framework and every training.

    Args:
        seed: of the noise.
        recording: its name.
        condition: its name.

    Example:
        >>> noise_entropy(1, "a-1", "constant-0dB") == noise_entropy(1, "a-1", "constant-3dB")
        False
    """
    digest = hashlib.sha256(f"{recording}/{condition}".encode()).digest()
    return [seed, int.from_bytes(digest[:8], "little")]
