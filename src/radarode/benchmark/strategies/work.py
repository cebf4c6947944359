"""One job of the benchmark: train a method with one seed, then score it on the test persons, who are seen only here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from radarode.benchmark.data import STORE, saved_recordings
from radarode.benchmark.scoring import figures, undefined
from radarode.benchmark.strategies.composite import compose
from radarode.configuration import Experiment
from radarode.core.config import from_plain
from radarode.core.types import COLUMNS, Recording, Scores
from radarode.experiment.layout import SPLIT, WEIGHTS
from radarode.models.pretrained import Pretrained, load_model
from radarode.train.checkpoint import CHECKPOINT, LOG

RUN = "run"
"""Run folder of a multi-task training inside its job's folder; single-task trainings are named by their task."""


def train_and_score(payload: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Train, or go on with a training, and score the best epoch's weights.

    Args:
        payload: `experiments`: configuration of each training by name: `run` alone, or one for each task; `source`,
            where they name the recordings, is filled in here.
        folder: of the job, two levels below the result folder.

    Returns:
        Figures of the three columns, scores of every test recording, and the log of every training.
    """
    root = folder.parents[1]
    trained = {}
    for name, plain in payload["experiments"].items():
        experiment = from_plain(Experiment, plain | {"data": plain["data"] | {"source": str(root / "data")}})
        trained[name] = _train(experiment, folder / name, root / STORE)
    weights = {name: load_model(folder / name / WEIGHTS) for name in trained}
    whole = weights[RUN] if RUN in weights else compose(weights)
    test = json.loads((folder / next(iter(trained)) / SPLIT).read_text())["test"]
    cases = score(whole, saved_recordings(root, test))
    return {
        **{column: figures([getattr(scores, column) for _, scores in cases]) for column in COLUMNS},
        "undefined": {column: undefined([getattr(scores, column) for _, scores in cases]) for column in COLUMNS},
        "recordings": {recording.name: scores.columns() for recording, scores in cases},
        "trainings": trained,
    }


def _train(experiment: Experiment, run: Path, store: Path) -> dict[str, Any]:
    from radarode.experiment import run_experiment

    resume = (run / CHECKPOINT).is_file()
    facts = run_experiment(experiment, run, resume=resume, overwrite=not resume and run.exists(), store=store)
    return {**facts, "epochs": [json.loads(line) for line in (run / LOG).read_text().splitlines()]}


def score(weights: Pretrained, recordings: Any) -> list[tuple[Recording, Scores]]:
    """Reconstruct recordings and score them in the three columns."""
    from radarode.evaluation import evaluate
    from radarode.reconstruction import reconstruct

    return [(recording, evaluate(reconstruct(recording, weights), recording)) for recording in recordings]
