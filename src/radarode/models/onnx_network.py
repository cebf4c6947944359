"""Run an exported network with onnxruntime through the face of the torch network.

What the file's metadata says: `radarode.format` (1), `radarode.config` (the text of config.json, see
`models/pretrained.py`), `radarode.input` (scaled windows or magnitudes), and for people `radarode.version`,
`radarode.notice`, `radarode.training`, `radarode.deform`, `radarode.weights`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from radarode.core.constants import WINDOW_SAMPLES
from radarode.core.errors import InputError
from radarode.core.types import TaskOutputs
from radarode.data.scaling import NO_SCALING
from radarode.models.features import N_LENGTH_CLASSES, check_windows
from radarode.models.networks import DEFAULT_FRAMEWORK, network_kind
from radarode.models.onnx_check import read_checked
from radarode.models.pretrained import Pretrained, parse_settings

ONNX_FORMAT = "1"
PREFIX = "radarode."
SCALED, MAGNITUDES = "scaled", "magnitudes"
"""What the graph takes: scaled windows, or raw magnitudes that it scales itself."""

SIZES = {"shape": 200, "length": N_LENGTH_CLASSES, "anchor": WINDOW_SAMPLES}
"""Outputs that are read, and the size of each per window."""


class OnnxNetwork:
    """Map spectrogram windows to the three tasks with onnxruntime.

    Args:
        session: an onnxruntime session of a checked file.
        config: sizes of the network.
        channels: number of channels the graph takes; None is any.
        name: the file's name, for messages.
    """

    training = False

    def __init__(self, session: Any, config: Any, channels: int | None, name: str) -> None:
        self.config = config
        self._session = session
        self._channels = channels
        self._name = name
        self._input = session.get_inputs()[0].name

    def __call__(self, x: Tensor) -> TaskOutputs[Tensor]:
        """Map inputs (window, channel, row, frame) to the three tasks, as `RadarOdeMtl` does.

        Raises:
            InputError: the inputs do not have the graph's channels, rows or frames, or the graph fails on them.
        """
        check_windows(x, self._channels, self.config.rows, self.config.frames)
        values = x.detach().to("cpu", torch.float32).contiguous().numpy()
        try:
            answers = self._session.run(list(SIZES), {self._input: values})
        except Exception as error:  # onnxruntime's errors share no base class
            raise InputError(f"{self._name} fails when it is run: {_first_line(error)}") from None
        for (task, size), answer in zip(SIZES.items(), answers, strict=True):
            if answer.shape != (len(values), size) or answer.dtype != "float32":
                raise InputError(f"{self._name} gives {task} of shape {answer.shape}, not ({len(values)}, {size}).")
            if not np.isfinite(answer).all():
                raise InputError(f"{self._name} gives NaN or infinite values for {task}.")
        return TaskOutputs(**{task: torch.from_numpy(answer) for task, answer in zip(SIZES, answers, strict=True)})

    def eval(self) -> OnnxNetwork:
        """Return the network itself: it cannot be in any other mode."""
        return self

    def train(self, mode: bool = True) -> NoReturn:
        """Refuse: the graph only runs forward."""
        raise InputError(f"{self._name} cannot be trained; start from the folder of weights that it was exported from.")

    def state_dict(self) -> NoReturn:
        """Refuse: the graph's weights are not a network's."""
        raise InputError(f"{self._name} has no weights to save; use the folder of weights that it was exported from.")


def load_onnx(path: Path) -> Pretrained:
    """Read an exported network; nothing but the file is needed.

    Args:
        path: what `radarode export` wrote.

    Returns:
        The network with what its inputs and outputs mean. `scaling` is "none" where the graph scales by itself.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is not an exported network, or onnxruntime is missing.
    """
    data, metadata = read_checked(path)
    if metadata.get(PREFIX + "format") != ONNX_FORMAT or PREFIX + "config" not in metadata:
        got = metadata.get(PREFIX + "format")
        what = "carries no radarode metadata" if got is None else f"is of format {got[:20]!r}, not {ONNX_FORMAT}"
        raise InputError(f"{path} {what}; give a file that this version's `radarode export` wrote.")
    takes = metadata.get(PREFIX + "input")
    if takes not in (SCALED, MAGNITUDES):
        raise InputError(f"{path}: `{PREFIX}input` must be {SCALED} or {MAGNITUDES}; got {str(takes)[:40]!r}.")
    settings = parse_settings(metadata[PREFIX + "config"], f"{path}, metadata {PREFIX}config")
    if settings["framework"] != DEFAULT_FRAMEWORK:
        raise InputError(f"{path} is of framework {settings['framework'][:40]!r}; only {DEFAULT_FRAMEWORK} is run.")
    try:
        config = network_kind(settings["framework"]).config.from_dict(settings["model"])
    except InputError as error:
        raise InputError(f"{path}, metadata {PREFIX}config: {error}") from None
    session = _start(data, path)
    network = OnnxNetwork(session, config, _channels(session, config, path), path.name)
    scaling = NO_SCALING if takes == MAGNITUDES else settings["scaling"]
    return Pretrained(network, settings["tasks"], scaling, settings["transform"], settings["facts"])


def _start(data: bytes, path: Path) -> Any:
    """Start a session on the processor, with as many threads as torch has."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # what goes wrong is raised too
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class
        raise InputError(f"{path} cannot be run by onnxruntime: {_first_line(error)}") from None


def _channels(session: Any, config: Any, path: Path) -> int | None:
    """Return the number of channels the graph takes, once its inputs and outputs are those of its configuration."""
    inputs, outputs = session.get_inputs(), {output.name: output for output in session.get_outputs()}
    shape = inputs[0].shape if len(inputs) == 1 else []
    if len(shape) != 4 or shape[2:] != [config.rows, config.frames] or inputs[0].type != "tensor(float)":
        raise InputError(
            f"{path} does not take (window, channel, {config.rows}, {config.frames}), as its metadata says."
        )
    for task, size in SIZES.items():
        if task not in outputs or outputs[task].shape[1:] != [size] or outputs[task].type != "tensor(float)":
            raise InputError(f"{path} has no output {task} of shape (window, {size}).")
    channels = shape[1] if isinstance(shape[1], int) else None
    if config.channels is not None and channels != config.channels:
        raise InputError(
            f"{path} takes {channels or 'any number of'} channels, not {config.channels} as its metadata says."
        )
    return channels


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
