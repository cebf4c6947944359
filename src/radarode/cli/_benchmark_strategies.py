"""`radarode benchmark strategies`: every balancing strategy on a simulated MMECG-like cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from radarode.cli._benchmark_progress import benchmark_progress
from radarode.cli._benchmark_shared import EngineName, report_failures


def strategies(
    out: Annotated[Path, Parameter(help="Result folder; an interrupted or smaller benchmark in it goes on.")],
    *,
    size: Annotated[
        Literal["quick", "full"] | None,
        Parameter(help="quick: about half an hour on 2 cores; full: days. quick without --config."),
    ] = None,
    config: Annotated[Path | None, Parameter(help="YAML file with settings, instead of a size.")] = None,
    methods: Annotated[
        list[str] | None, Parameter(help="Rows to train, as uw or ega-1.0. All otherwise.", negative="")
    ] = None,
    seeds: Annotated[list[int] | None, Parameter(help="Each row is trained once per seed.", negative="")] = None,
    processes: Annotated[int, Parameter(help="Trainings at a time.")] = 2,
    engine: EngineName = "local",
) -> int:
    """Compare the balancing strategies on simulated recordings, beside the published table.

    Trains every strategy, EGA at five temperatures and the single-task baseline with several seeds; scores them on
    simulated persons that nothing was trained on. Runs that are done are kept; the same command goes on after Ctrl-C.
    """
    from rich.console import Console

    from radarode.benchmark.methods import select_methods
    from radarode.benchmark.strategies.run import PUBLISHED_NOTE, column_notes, run_strategies, title_of
    from radarode.benchmark.strategies.settings import read_settings
    from radarode.benchmark.strategies.summary import MAIN, TABLE, as_rows, published
    from radarode.benchmark.tables import print_table
    from radarode.core.errors import InputError

    if config is not None and size is not None:
        raise InputError("--config and --size exclude each other: the file stands instead of a size.")
    size = size or "quick"
    settings = read_settings(size, config, seeds)
    chosen = select_methods(methods or [])
    typed = ["radarode benchmark strategies", str(out), f"--size {size}" if config is None else f"--config {config}"]
    typed += [f"--methods {one}" for one in methods or []] + [f"--seeds {one}" for one in seeds or []]
    with benchmark_progress() as watch:
        results = run_strategies(
            settings, out, methods=chosen, processes=processes, engine=engine, command=" ".join(typed), watchers=[watch]
        )
    print_table(title_of("deployable", results), TABLE, as_rows(results.rows("deployable")))
    notes = [*column_notes(MAIN, results), PUBLISHED_NOTE.replace("Small figures", "Dim figures")]
    print_table(results.title, TABLE, as_rows(results.rows()), notes, published=published())
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"tables, figures and every run: {out}")
    return report_failures(results.failures)
