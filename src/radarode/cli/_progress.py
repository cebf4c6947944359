"""Progress of long work on the terminal; plain lines where there is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def training_progress() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Yield a watcher that shows the steps of an epoch as a bar and each epoch as a line."""
    console = Console(soft_wrap=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("preparing data", total=None)

        def watch(record: dict[str, Any]) -> None:
            if record["kind"] == "step":
                text = f"epoch {record['epoch'] + 1}  " + "  ".join(
                    f"{name} {record[name]:.4f}" for name in ("shape", "length", "anchor")
                )
                bar.update(task, description=text, completed=record["step"], total=record["of"])
            elif record["kind"] == "store":
                bar.update(task, description="spectrograms", completed=record["done"], total=record["of"])
            else:
                mark = "*" if record["best"] else " "
                console.print(
                    f"{mark} epoch {record['epoch'] + 1:3d}  score {record['score']:.4f}  "
                    f"shape PCC {record['validation_shape_pcc']:.3f}  "
                    f"length error {record['validation_length_error_ms']:.1f} ms  "
                    f"anchor error {record['validation_anchor_error_ms']:.1f} ms"
                )

        yield watch


@contextmanager
def working(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Show a spinner on the error stream while something of unknown length runs."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield
        return
    with console.status(what):
        yield
