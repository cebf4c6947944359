"""`radarode train`: fit a network to recordings or to a simulated cohort."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def train(
    out: Annotated[Path | None, Parameter(help="Run folder to create.")] = None,
    *,
    config: Annotated[
        str | None, Parameter(help="YAML file, or a name: default, published, finetune. The defaults otherwise.")
    ] = None,
    framework: Annotated[
        str | None, Parameter(help="radarode-mtl, radarode, mmecg or classical. radarode-mtl otherwise.")
    ] = None,
    data: Annotated[str | None, Parameter(help="A recording, a folder of recordings, or simulate:PRESET.")] = None,
    start_from: Annotated[str | None, Parameter(help="Weights to fine-tune: a folder, or 'default'.")] = None,
    set_: Annotated[
        list[str] | None, Parameter(name="--set", help="Change a key: train.epochs=3.", negative="")
    ] = None,
    store: Annotated[Path | None, Parameter(help="Spectrogram store to use (built there if missing).")] = None,
    resume: Annotated[Path | None, Parameter(help="Go on with an interrupted run.")] = None,
    overwrite: Annotated[bool, Parameter(help="Replace an existing run folder.", negative="")] = False,
) -> None:
    """Train radarODE-MTL or another framework; the best epoch's weights end up in OUT/weights.

    Ctrl-C keeps a checkpoint; `radarode train --resume OUT` goes on from it, to the same weights.
    """
    from radarode.cli._progress import training_progress
    from radarode.core.errors import InputError
    from radarode.experiment import read_experiment, run_experiment

    if (out is None) == (resume is None):
        raise InputError("name either a run folder to create (OUT) or one to go on with (--resume RUN).")
    changes = list(set_ or [])
    if framework is not None:
        changes.append(f"framework={json.dumps(framework)}")
    if data is not None:
        changes.append(f"data.source={json.dumps(data)}")
    if start_from is not None:
        changes.append(f"model.start_from={json.dumps(start_from)}")
    if resume is not None:
        if changes or config is not None or overwrite:
            raise InputError("--resume goes on with the run's own settings; leave out every option but --store.")
        with training_progress() as watcher:
            facts = run_experiment(read_experiment(), resume, resume=True, store=store, watchers=[watcher])
        _summary(resume, facts)
        return
    experiment = read_experiment(config, changes)
    assert out is not None
    with training_progress() as watcher:
        facts = run_experiment(experiment, out, overwrite=overwrite, store=store, watchers=[watcher])
    _summary(out, facts)


def _summary(folder: Path, facts: dict) -> None:
    from rich.console import Console

    console = Console()
    epoch = facts["best_epoch"]
    console.print(f"best epoch {epoch + 1}, validation score {facts['score']:.4f}; weights in {folder / 'weights'}")
