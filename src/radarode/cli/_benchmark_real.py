"""`radarode benchmark real`: weights of any framework on the real recordings that are free to have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter


def real(
    out: Annotated[Path, Parameter(help="Folder to create for the table and every score.")],
    *,
    data: Annotated[
        Path | None,
        Parameter(help="Folder of the real recordings (default: RADARODE_REAL_DATA, or ../shared/data)."),
    ] = None,
    weights: Annotated[
        list[str] | None,
        Parameter(
            help="NAME=FOLDER, or the name of weights of the package (default: default, classical).", negative=""
        ),
    ] = None,
    overwrite: Annotated[bool, Parameter(help="Replace an earlier result.", negative="")] = False,
) -> None:
    """Score weights on real recordings: heart rate, beats, timing, shape and coverage, in three columns.

    None of the recordings is radar: chest motion seen by a laser-speckle camera (1-1.mat, 1-2.mat) and by an
    accelerometer on the chest (Vp01, Vp02), each with an ECG.
    """
    from rich.console import Console

    from radarode.benchmark.real.recordings import real_folder
    from radarode.benchmark.real.run import TITLE, columns_of, parse_weights, run_real
    from radarode.benchmark.tables import print_table
    from radarode.core.files import refuse_existing
    from radarode.core.types import COLUMNS

    chosen = parse_weights(weights)
    folder = real_folder(data)
    refuse_existing(out, overwrite=overwrite)
    typed = ["radarode benchmark real", str(out), *(f"--weights {text}" for text in weights or [])]
    console, errors = Console(soft_wrap=True, highlight=False), Console(stderr=True, soft_wrap=True, highlight=False)

    def watch(record: dict[str, Any]) -> None:
        errors.print(f"{record['recording']}, {record['weights']}")

    results = run_real(out, folder, chosen, overwrite=overwrite, command=" ".join(typed), watchers=[watch])
    for column in COLUMNS:
        notes = results.notes() if column == COLUMNS[-1] else []
        title = TITLE if column == COLUMNS[0] else ""
        print_table(f"{title}\n{column}".strip(), columns_of(column, group=False), results.rows(), notes)
    console.print(f"table and every score: {out}")
