"""`radarode benchmark all`: the whole protocol on MMECG, or an estimate of what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from radarode.cli._benchmark_frameworks import Frameworks, Processes, typed
from radarode.cli._benchmark_progress import benchmark_progress
from radarode.cli._benchmark_shared import EngineName, report_failures

if TYPE_CHECKING:
    from radarode.benchmark.protocol.run import ProtocolResults
    from radarode.benchmark.protocol.settings import ProtocolSettings
    from radarode.data.mmecg_folder import MmecgFolder


def all_(
    out: Annotated[Path | None, Parameter(help="Result folder; an interrupted protocol in it goes on.")] = None,
    *,
    data: Annotated[Path | None, Parameter(help="Folder with MMECG's 1.mat ... 91.mat, or one made alike.")] = None,
    size: Annotated[
        Literal["quick", "full"] | None,
        Parameter(help="Networks and training; hours or days, see --estimate. quick without --config."),
    ] = None,
    config: Annotated[
        Path | None, Parameter(help="YAML file instead of a size: what the parts share, `longterm` and `noise`.")
    ] = None,
    preset: Annotated[
        Literal["paper", "small", "tiny"] | None, Parameter(help="Every network at this size (paper: all 50 channels).")
    ] = None,
    folds: Annotated[str, Parameter(help="leave-subjects-out, or a number of folds by person.")] = "leave-subjects-out",
    frameworks: Frameworks = None,
    parts: Annotated[
        list[str] | None, Parameter(help="longterm, noise or both. Both otherwise.", negative="", consume_multiple=True)
    ] = None,
    allow_missing: Annotated[bool, Parameter(help="Work on a part of the 91 trials.", negative="")] = False,
    ignore_ids: Annotated[
        bool, Parameter(help="Go by the published order of trials where a file's id differs.", negative="")
    ] = False,
    estimate: Annotated[
        bool, Parameter(help="Measure a few steps of each framework here and print estimated hours.", negative="")
    ] = False,
    processes: Processes = 2,
    engine: EngineName = "local",
) -> int:
    """Run every benchmark of frameworks on MMECG: each person tested once, by networks trained on the others.

    The folder is checked first. Tables are over the merged folds, in which every recording is tested exactly once. What
    is done is kept; the same command goes on after Ctrl-C. --estimate needs neither OUT nor --data.
    """
    from radarode.benchmark.protocol.run import PARTS, Plan, run_all
    from radarode.benchmark.protocol.settings import read_protocol
    from radarode.core.errors import InputError
    from radarode.data.mmecg_folder import check_mmecg_folder

    if config is not None and size is not None:
        raise InputError("--config and --size exclude each other: the file stands instead of a size.")
    settings = read_protocol(size or "quick", config).with_preset(preset)
    if estimate:
        found = None
        if data is not None:
            found = check_mmecg_folder(data, allow_missing=allow_missing, ignore_ids=ignore_ids)
        return _estimate(settings, found, folds, frameworks)
    if out is None or data is None:
        raise InputError("name a result folder and, with --data, the folder of MMECG; or pass --estimate.")
    options: dict[str, Any] = {"data": data, "size": size, "config": config, "preset": preset, "folds": folds}
    command = typed("all", out, options | {"frameworks": frameworks, "parts": parts})
    command += " --allow-missing" * allow_missing + " --ignore-ids" * ignore_ids
    with benchmark_progress() as watch:
        plan = Plan(
            folds, None if frameworks is None else tuple(frameworks), tuple(parts) if parts else PARTS,
            allow_missing, ignore_ids, processes, engine, command, (_but_parts(watch),),
        )  # fmt: skip
        results = run_all(settings, out, data, plan)
    _tell(results, out)
    return report_failures(results.failures)


def _but_parts(watch: Any) -> Any:
    """Return a watcher that leaves out the records that a progress bar has no place for."""
    return lambda record: None if record["kind"] == "part" else watch(record)


def _tell(results: ProtocolResults, out: Path) -> None:
    from rich.console import Console

    from radarode.benchmark.longterm.summary import MAIN, TABLE, rows_of
    from radarode.benchmark.noise.tell import print_results
    from radarode.benchmark.tables import print_table

    console = Console(soft_wrap=True, highlight=False)
    console.print(results.data.describe(), markup=False)
    if results.longterm is not None:
        cases, words = results.longterm.cases, results.longterm.words
        rows = rows_of(cases, words.titles, MAIN)
        print_table(words.title(MAIN), TABLE, rows, words.under(MAIN, cases), rows_are="Framework")
    if results.noise is not None:
        print_results(results.noise, results.settings.noise)
    console.print(f"{len(results.splits)} folds; who was tested in which: {out / 'folds.csv'}")
    console.print(f"tables, figures and every run: {out}")


def _estimate(settings: ProtocolSettings, folder: MmecgFolder | None, folds: str, frameworks: list[str] | None) -> int:
    from rich.console import Console

    from radarode.benchmark.protocol.estimate import estimate, workload
    from radarode.benchmark.protocol.settings import number_of_folds
    from radarode.benchmark.tables import Column, print_table
    from radarode.core.mmecg import TRIALS

    count = number_of_folds(folds, len(TRIALS) if folder is None else len(folder.subjects))
    work = workload(folder, count)
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    rows: list[dict[str, Any]] = []
    for cost in estimate(settings.with_folds(count), work, settings.noise.chosen(frameworks)):
        errors.print(f"measured {cost.framework}")
        row = {"method": f"{cost.framework} ({cost.preset})", "step_s": cost.step_s, "minute_s": cost.minute_s}
        hours = {"train_h": cost.train_h, "score_h": cost.score_h, "fold_h": cost.fold_h}
        rows.append(row | hours | {"total_h": count * cost.fold_h})
    rows.append({"method": "all", **{key: sum(row[key] for row in rows) for key in ("fold_h", "total_h")}})
    columns = (
        Column("step_s", "training step (s)", 3), Column("minute_s", "one minute (s)", 2),
        Column("train_h", "train a fold (h)", 2), Column("score_h", "score a fold (h)", 2),
        Column("fold_h", "a fold (h)", 2), Column("total_h", f"{count} folds (h)", 1),
    )  # fmt: skip
    notes = [
        f"Estimated for {work.minutes:.0f} min of recordings and {len(settings.noise.seeds)} seed(s), from a few steps "
        "and one reconstruction on simulated recordings. All times are those of ONE idle core of this machine; N "
        "processes on N cores divide them by at most N. Early stops shorten them; making the spectrograms comes on top."
    ]
    print_table("ESTIMATE in hours of one core, not measured in full", columns, rows, notes, rows_are="Framework")
    return 0
