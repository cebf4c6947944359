"""`radarode train`: fit a network to recordings or to a simulated cohort."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

LAST_WORD_S = 2.0
"""torchrun ends every process as soon as one has ended; the silent ones leave so much time to the one that speaks."""


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
) -> int:
    """Train radarODE-MTL or another framework; the best epoch's weights end up in OUT/weights.

    Ctrl-C keeps a checkpoint; `radarode train --resume OUT` goes on from it, to the same weights. On several processes:
    `torchrun --nproc-per-node 4 -m radarode train OUT ...`.
    """
    from radarode.core.errors import InputError

    if (out is None) == (resume is None):
        raise InputError("name either a run folder to create (OUT) or one to go on with (--resume RUN).")
    changes = list(set_ or [])
    if framework is not None:
        changes.append(f"framework={json.dumps(framework)}")
    if data is not None:
        changes.append(f"data.source={json.dumps(data)}")
    if start_from is not None:
        changes.append(f"model.start_from={json.dumps(start_from)}")
    if resume is not None and (changes or config is not None or overwrite):
        raise InputError("--resume goes on with the run's own settings; leave out every option but --store.")
    return _on_all_ranks(lambda: _run(out, config, changes, resume, store, overwrite))


def _on_all_ranks(work: Callable[[], None]) -> int:
    """Do the work as one of the processes that torchrun started; an error of several is told once."""
    from radarode.cli import BAD_INPUT, INTERRUPTED
    from radarode.core.errors import InputError, WorkInterruptedError
    from radarode.train.ranks import Ranks, joined_ranks

    ranks = Ranks()
    try:
        with joined_ranks() as ranks:
            work()
    except (InputError, WorkInterruptedError, OSError) as error:
        if ranks.is_news(error):
            raise
        time.sleep(LAST_WORD_S)
        return INTERRUPTED if isinstance(error, WorkInterruptedError) else BAD_INPUT
    return 0


def _run(
    out: Path | None, config: str | None, changes: list[str], resume: Path | None, store: Path | None, overwrite: bool
) -> None:
    from radarode.cli._progress import training_progress
    from radarode.experiment import read_experiment, run_experiment
    from radarode.train.ranks import Ranks

    experiment = read_experiment() if resume else read_experiment(config, changes)
    folder = resume or out
    assert folder is not None
    options = {"resume": resume is not None, "overwrite": overwrite, "store": store}
    if not Ranks.current().leads:
        run_experiment(experiment, folder, **options)
        return
    with training_progress() as watcher:
        facts = run_experiment(experiment, folder, **options, watchers=[watcher])
    _summary(folder, facts)


def _summary(folder: Path, facts: dict) -> None:
    from rich.console import Console

    console = Console()
    epoch = facts["best_epoch"]
    console.print(f"best epoch {epoch + 1}, validation score {facts['score']:.4f}; weights in {folder / 'weights'}")
