"""`radarode benchmark longterm`: the frameworks over whole recordings."""

from __future__ import annotations

from radarode.cli._benchmark_frameworks import Config, Data, Frameworks, Out, Processes, Size, Trained, read, typed
from radarode.cli._benchmark_progress import benchmark_progress
from radarode.cli._benchmark_shared import EngineName, report_failures


def longterm(
    out: Out,
    *,
    size: Size = None,
    config: Config = None,
    frameworks: Frameworks = None,
    data: Data = None,
    trained: Trained = None,
    processes: Processes = 2,
    engine: EngineName = "local",
) -> int:
    """Compare the frameworks over whole recordings: shape, beats, heart rate, and Q, R, S and T peaks.

    Trains every framework, reconstructs the recordings of other persons and shows one of them clean and under noise.
    What is done is kept; the same command goes on after Ctrl-C.
    """
    from rich.console import Console

    from radarode.benchmark.longterm.run import run_longterm
    from radarode.benchmark.longterm.settings import LongtermSettings
    from radarode.benchmark.longterm.summary import MAIN, TERMINAL, rows_of
    from radarode.benchmark.tables import print_table

    settings = read(LongtermSettings, "longterm", size, config)
    options = {"size": size, "config": config, "frameworks": frameworks, "data": data, "trained": trained}
    with benchmark_progress() as watch:
        results = run_longterm(
            settings, out, data=data, frameworks=frameworks, trained=trained, processes=processes, engine=engine,
            command=typed("longterm", out, options), watchers=[watch],
        )  # fmt: skip
    cases, words = results.cases, results.words
    for column in ("deployable", MAIN):
        notes = words.under(column, cases) if column == MAIN else ()
        rows = rows_of(cases, words.titles, column)
        print_table(words.title(column), TERMINAL, rows, notes, rows_are="Framework")
    Console(soft_wrap=True, highlight=False).print(f"tables, figures and every run: {out}")
    return report_failures(results.failures)
