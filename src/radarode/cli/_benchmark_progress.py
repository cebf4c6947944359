"""The progress of a benchmark on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from radarode.cli._benchmark_shared import escaped


@contextmanager
def benchmark_progress() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Yield a watcher that shows how many runs are done, and which are at work."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("preparing recordings", total=None)
        shown = -1

        def watch(record: dict[str, Any]) -> None:
            nonlocal shown
            if record["kind"] == "store":
                bar.update(task, description="spectrograms", completed=record["done"], total=record["of"])
                return
            ended = record["done"] + record["failed"]
            bar.update(task, description=escaped(", ".join(record["running"])), completed=ended, total=record["of"])
            if ended != shown and not console.is_terminal:
                console.print(
                    f"{ended} of {record['of']} runs done" + f", {record['failed']} failed" * bool(record["failed"])
                )
            shown = ended

        yield watch
