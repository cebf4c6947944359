"""What each kind runs at a size. Imported only where it is measured: everything heavy is imported here, at once."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from growth.measure import Stage
from growth.plan import STRATEGIES, Fixed
from growth.training import balanced_step, inference, training_step
from radarode.cli.reconstruct import _write
from radarode.core.constants import FS_HZ
from radarode.core.files import new_folder
from radarode.core.types import Recording
from radarode.models.pretrained import load_model
from radarode.reconstruction import reconstruct
from radarode.signal.timefrequency import make_transform
from radarode.simulate import Conditions, sample_person, simulate_recording
from radarode.stream.live import LiveStream
from radarode.stream.types import Packet, SourceFacts

for late in ("export", "export.mechanical", "reconstruction.mechanical", "reconstruction.summary", "report"):
    import_module(f"radarode.{late}")  # what the command imports on its way belongs to the base memory

PIECE_S = 20.0
PACKET = 20
WARM_S = 6.0

Stages = list[Stage]


def recording(channels: int, minutes: float) -> Recording:
    """Return a simulated recording: one piece of 20 s, again and again, as cost does not depend on what it shows."""
    rng = np.random.default_rng(7)
    piece = simulate_recording(
        sample_person(rng), PIECE_S, "NB", rng, Conditions(n_channels=channels, movement_per_min=0.0)
    ).rcg
    n = round(minutes * 60 * FS_HZ)
    rcg = np.empty((channels, n), np.float32)
    for first in range(0, n, piece.shape[1]):
        part = rcg[:, first : first + piece.shape[1]]
        part[:] = piece[:, : part.shape[1]]
    return Recording(rcg, FS_HZ, source="simulated")


def sst(series: str, channels: int, minutes: float) -> Stages:
    """Run the transform over a whole recording, the frames dropped as they come."""
    rcg, transform = recording(channels, minutes).rcg, make_transform("sst")
    return [Stage(series, lambda: deque(transform.blocks(rcg), maxlen=0))]


def length(minutes: float, fixed: Fixed) -> Stages:
    """Reconstruct as `radarode.reconstruct` does, then write what `radarode reconstruct` writes."""
    whole, weights = recording(fixed.channels, minutes), load_model("default")
    kept: list[Any] = []

    def run() -> None:
        kept.clear()
        kept.append(reconstruct(whole, weights))

    def write() -> None:
        with tempfile.TemporaryDirectory() as folder, new_folder(Path(folder) / "out") as out:
            _write(out, whole, kept[0], {"weights": "default", "fallback": None})

    return [Stage("length_reconstruct", run), Stage("length_export", write)]


def channels_reconstruct(channels: float, fixed: Fixed) -> Stages:
    """Reconstruct a recording of a given number of channels."""
    whole, weights = recording(int(channels), fixed.minutes), load_model("default")
    return [Stage("channels_reconstruct", lambda: reconstruct(whole, weights))]


def streams(series: str, count: int, channels: int, fixed: Fixed) -> Stages:
    """Push the next stretch of packets into every stream in turn, as fast as possible; streams go on for ever."""
    weights, rcg = load_model("default"), recording(channels, PIECE_S / 60).rcg
    live = [
        LiveStream(weights, SourceFacts(f"simulated {k}", channels, FS_HZ, "acceleration", True)) for k in range(count)
    ]
    first = 0

    def push(seconds: float) -> None:
        nonlocal first
        for _ in range(round(seconds * FS_HZ) // PACKET):
            for k, stream in enumerate(live):
                at = (first + 37 * PACKET * k) % rcg.shape[1]
                stream.push(Packet(rcg[:, at : at + PACKET], first / FS_HZ, first))
            first += PACKET

    push(WARM_S)
    return [Stage(series, lambda: push(fixed.stretch_s), fixed.stretch_s)]


KINDS: dict[str, Callable[[float, Fixed], Stages]] = {
    "length": length,
    "length_sst": lambda size, fixed: sst("length_sst", fixed.channels, size),
    "channels_reconstruct": channels_reconstruct,
    "channels_sst": lambda size, fixed: sst("channels_sst", int(size), fixed.minutes),
    "batch_train_small": lambda size, fixed: [
        Stage("batch_train_small", training_step("small", int(size), fixed.window_channels))
    ],
    "batch_train_paper": lambda size, _: [Stage("batch_train_paper", training_step("paper", int(size), 50))],
    "batch_infer_small": lambda size, fixed: [Stage("batch_infer_small", inference(int(size), fixed.window_channels))],
    **{
        f"tasks_{name}": lambda size, fixed, name=name: [
            Stage(f"tasks_{name}", balanced_step(name, int(size), fixed.task_batch, fixed.window_channels))
        ]
        for name in STRATEGIES
    },
    "streams_few": lambda size, fixed: streams("streams_few", int(size), fixed.channels, fixed),
    "streams_50": lambda size, fixed: streams("streams_50", int(size), 50, fixed),
}
