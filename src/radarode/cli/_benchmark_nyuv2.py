"""`radarode benchmark nyuv2`: the balancing strategies on scene understanding, a side track."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from radarode.cli._benchmark_shared import EngineName, report_failures


def nyuv2(
    out: Annotated[Path, Parameter(help="Result folder; an interrupted or smaller benchmark in it goes on.")],
    *,
    data: Annotated[
        Path | None,
        Parameter(
            help="NYUv2 as {train,val}/{image,label,depth,normal}/{i}.npy. Otherwise simulated rooms, in OUT/scenes."
        ),
    ] = None,
    size: Annotated[
        str | None, Parameter(help="quick, or full for the published recipe. full with --data, quick without.")
    ] = None,
    config: Annotated[Path | None, Parameter(help="YAML file with settings, over those of the size.")] = None,
    network: Annotated[str | None, Parameter(help="deeplabv3 or segnet_mtan.")] = None,
    encoder_weights: Annotated[
        str | None, Parameter(help="ResNet-50 weights (.pth, .safetensors) that deeplabv3 starts from.")
    ] = None,
    methods: Annotated[
        list[str] | None, Parameter(help="Rows to train, as uw or ega-1.0. All otherwise.", negative="")
    ] = None,
    seeds: Annotated[list[int] | None, Parameter(help="Each row is trained once per seed.", negative="")] = None,
    processes: Annotated[int | None, Parameter(help="Trainings at a time.")] = None,
    engine: EngineName = "local",
    set_: Annotated[list[str] | None, Parameter(name="--set", help="Change a key: epochs=3.", negative="")] = None,
) -> int:
    """Compare the balancing strategies on NYUv2, or on simulated rooms, beside the published table.

    Runs that are done are kept; the same command goes on after Ctrl-C.
    """
    from radarode.benchmark.nyuv2.run import run_nyuv2
    from radarode.benchmark.nyuv2.settings import read_settings
    from radarode.benchmark.nyuv2.table import print_results

    options = {"network": network, "encoder_weights": encoder_weights, "methods": methods, "seeds": seeds}
    settings = read_settings(
        size or ("quick" if data is None else "full"), config, set_ or [], processes=processes, **options
    )
    with _progress() as watch:
        results = run_nyuv2(settings, out, data=data, engine=engine, watchers=[watch])
    console = _wide_console(200 if len(results["settings"]["seeds"]) > 1 else 150)
    print_results(results, console)
    console.print(f"results.json, results.csv, table.html, table.tex in {out}", soft_wrap=True)
    return report_failures(results["failures"])


@contextmanager
def _progress() -> Iterator[Callable[[dict[str, Any]], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def watch(record: dict[str, Any]) -> None:
            text = "simulated scenes" if record["kind"] == "scenes" else ", ".join(record["running"])
            bar.update(task, description=text, completed=record["done"], total=record["of"])

        yield watch


def _wide_console(width: int) -> Any:
    """Return a console that is at least so wide: a table of folded numbers would be of no use."""
    from rich.console import Console

    console = Console(highlight=False)
    console.width = max(console.width, width)
    return console
