"""Progress of long work on the terminal; plain lines where there is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
                text = "  ".join([_epoch(record), *(f"{name} {record[name]:.4f}" for name in _losses(record))])
                bar.update(task, description=text, completed=record["step"], total=record["of"])
            elif record["kind"] == "store":
                bar.update(task, description="spectrograms", completed=record["done"], total=record["of"])
            else:
                mark = "*" if record["best"] else " "
                console.print(f"{mark} {_epoch(record)}  score {record['score']:.4f}  {_figures(record)}")

        yield watch


def _epoch(record: Mapping[str, Any]) -> str:
    return (
        f"{record['stage']} epoch {record['epoch'] + 1:3d}" if "stage" in record else f"epoch {record['epoch'] + 1:3d}"
    )


def _losses(record: Mapping[str, Any]) -> list[str]:
    """Return the names of a step's losses: whatever is not the loop's own."""
    return [name for name in record if name not in ("kind", "stage", "epoch", "step", "of")]


def _figures(record: Mapping[str, Any]) -> str:
    """Return what validation gives for people: its figures, or its losses where there are none."""
    found = {key.removeprefix("validation_"): value for key, value in record.items() if key.startswith("validation_")}
    figures = {key: value for key, value in found.items() if not key.startswith("loss_")} or found
    return "  ".join(_figure(key, value) for key, value in figures.items())


def _figure(key: str, value: float) -> str:
    if key.endswith("_ms"):
        return f"{key.removesuffix('_ms').replace('_', ' ')} {value:.1f} ms"
    return f"{key.replace('_', ' ').replace('pcc', 'PCC')} {value:.3f}"


@contextmanager
def working(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Show a spinner on the error stream while something of unknown length runs."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield
        return
    with console.status(what):
        yield
