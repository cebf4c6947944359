"""`radarode benchmark noise`: the frameworks under constant and abrupt noise."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from radarode.cli._benchmark_frameworks import Config, Data, Frameworks, Out, Processes, Size, Trained, read, typed
from radarode.cli._benchmark_progress import benchmark_progress
from radarode.cli._benchmark_shared import EngineName, report_failures


def noise(
    out: Out,
    *,
    size: Size = None,
    config: Config = None,
    domain: Annotated[
        Literal["signal", "spectrogram"] | None,
        Parameter(help="Noise on the motion, or on the spectrogram as in the published code. signal otherwise."),
    ] = None,
    frameworks: Frameworks = None,
    kinds: Annotated[
        list[str] | None,
        Parameter(help="constant, abrupt or both. Both otherwise.", negative="", consume_multiple=True),
    ] = None,
    data: Data = None,
    trained: Trained = None,
    processes: Processes = 2,
    engine: EngineName = "local",
) -> int:
    """Compare the frameworks under constant noise and under bursts, beside the published tables.

    Trains every framework without noise, then adds noise to recordings of other persons: constant at 6 to -3 dB, and
    bursts of 1 to 3 s in a fifth of the windows. What is done is kept; the same command goes on after Ctrl-C.
    """
    from dataclasses import replace

    from rich.console import Console

    from radarode.benchmark.noise.conditions import NoiseSettings
    from radarode.benchmark.noise.run import run_noise
    from radarode.benchmark.noise.tell import print_results

    settings = read(NoiseSettings, "noise", size, config)
    changes = {"domain": domain, "kinds": None if kinds is None else tuple(kinds)}
    settings = replace(settings, **{name: value for name, value in changes.items() if value is not None})
    options = {"size": size, "config": config, "domain": domain, "frameworks": frameworks, "kinds": kinds}
    command = typed("noise", out, {**options, "data": data, "trained": trained})
    with benchmark_progress() as watch:
        results = run_noise(
            settings, out, data=data, frameworks=frameworks, trained=trained, processes=processes, engine=engine,
            command=command, watchers=[watch],
        )  # fmt: skip
    console = Console(soft_wrap=True, highlight=False)
    print_results(results, settings)
    console.print(f"tables, figures and every run: {out}")
    return report_failures(results.failures)
