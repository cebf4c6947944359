"""What is measured at which sizes. No heavy imports: the parent process of the measurements needs this alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fixed:
    """Hold what stays the same while one size grows.

    Attributes:
        channels: of the recordings whose length grows, and of the first row of streams.
        minutes: length of the recordings whose channels grow.
        window_channels: of the windows whose batch or tasks grow.
        task_batch: windows of a step whose tasks grow.
        stretch_s: stream time of one repetition; its cost is told for a second.
    """

    channels: int = 10
    minutes: float = 2.0
    window_channels: int = 8
    task_batch: int = 16
    stretch_s: float = 5.0


FULL = Fixed()
QUICK = Fixed(channels=2, minutes=0.2, window_channels=2, task_batch=2, stretch_s=1.0)
"""For a smoke test: seconds instead of minutes; its figures say nothing."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Hold one size that grows.

    Attributes:
        name: first word of its series.
        title: above its picture.
        unit: of one step of the size, in the singular.
        sizes: of the full run.
        quick: of the smoke test.
        kinds: one process measures one kind at one size.
        fixed: what stays the same, in words; filled in from `Fixed`.
    """

    name: str
    title: str
    unit: str
    sizes: tuple[float, ...]
    quick: tuple[float, ...]
    kinds: tuple[str, ...]
    fixed: str


STRATEGIES = ("equal", "ega", "ega-representation", "cagrad", "aligned_mtl")
PANELS = (
    Panel(
        "length", "length of the recording", "minute", (1, 3, 10, 30, 60, 180, 600), (0.2, 0.4, 0.8),
        ("length", "length_sst"), "{channels} channels",
    ),
    Panel(
        "channels", "channels", "channel", (1, 2, 4, 8, 16, 32, 50, 64), (1, 2, 4),
        ("channels_reconstruct", "channels_sst"), "{minutes:g} minutes",
    ),
    Panel(
        "batch", "windows in a batch", "window", (1, 2, 4, 8, 16, 32, 64), (1, 2, 4),
        ("batch_train_small", "batch_infer_small"), "small: {window_channels} channels; paper: 50",
    ),
    Panel(
        "tasks", "tasks", "task", (2, 3, 4, 6, 8), (2, 3, 4), tuple(f"tasks_{one}" for one in STRATEGIES),
        "trunk of small, {task_batch} windows of {window_channels} channels",
    ),
    Panel(
        "streams", "live streams in one process", "stream-second", (1, 2, 4, 8, 16), (1, 2, 3),
        ("streams_few", "streams_50"), "one second of each",
    ),
)  # fmt: skip
PAPER_KIND, PAPER_SIZES, PAPER_QUICK = "batch_train_paper", (2.0, 4.0, 8.0, 16.0, 32.0), (2.0,)
"""Its batch normalisation needs two windows."""

LABELS = {
    "length_reconstruct": "motion to ECG",
    "length_export": "writing the exports",
    "length_sst": "SST alone",
    "channels_reconstruct": "motion to ECG",
    "channels_sst": "SST alone",
    "batch_train_small": "training step, small",
    "batch_infer_small": "inference, small",
    "batch_train_paper": "training step, paper",
    "tasks_equal": "equal weights",
    "tasks_ega": "EGA, exact",
    "tasks_ega-representation": "EGA, representation",
    "tasks_cagrad": "CAGrad",
    "tasks_aligned_mtl": "Aligned-MTL",
    "streams_few": "{channels} channels each",
    "streams_50": "50 channels each",
}
"""What each series shows, in the order of the table."""


def label(series: str, fixed: Fixed) -> str:
    """Return the name of a series for people."""
    return LABELS[series].format(channels=fixed.channels)


def fixed_words(panel: Panel, fixed: Fixed) -> str:
    """Return what stays the same in a panel, in words."""
    return panel.fixed.format(
        channels=fixed.channels, minutes=fixed.minutes, window_channels=fixed.window_channels,
        task_batch=fixed.task_batch,
    )  # fmt: skip


def wanted(*, quick: bool, paper: bool, only: tuple[str, ...] = ()) -> list[tuple[str, float]]:
    """Return (kind, size) of every process of a run, the sizes of a kind in order.

    Args:
        quick: the sizes of the smoke test.
        paper: also a training step of `paper`.
        only: names of panels; none is all of them.
    """
    panels = [panel for panel in PANELS if not only or panel.name in only]
    points = [
        (kind, size) for panel in panels for kind in panel.kinds for size in (panel.quick if quick else panel.sizes)
    ]
    if paper and any(panel.name == "batch" for panel in panels):
        points += [(PAPER_KIND, size) for size in (PAPER_QUICK if quick else PAPER_SIZES)]
    return points
