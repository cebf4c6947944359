"""Keep a trained network as a folder: `weights.safetensors` and `config.json`; no pickles.

Weights may be kept in half precision; loading brings them back to float32. An .onnx file that `radarode export` wrote
is loaded too (`models/onnx_network.py`).

config.json holds `format` (1), `framework` (which way from motion to ECG the network belongs to; radarode-mtl where it
is missing), `model` (the network's configuration), `tasks` (settings of the targets), `scaling` (name of the input
scaling), `transform` (settings of the spectrogram) and `facts` (how it was trained).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from radarode.core.errors import InputError
from radarode.core.files import new_folder
from radarode.models.networks import DEFAULT_FRAMEWORK, network_kind

WEIGHTS_FILE = "weights.safetensors"
CONFIG_FILE = "config.json"
FORMAT = 1
DEFAULT = "default"
PACKAGED = {"default": "small", "classical": "classical"}
"""Weights that the package carries: name -> folder in `weights/`."""
MAX_CONFIG_BYTES = 2**20
_KEYS = ("format", "framework", "model", "tasks", "scaling", "transform", "facts")


@dataclass(frozen=True, slots=True, eq=False)
class Pretrained:
    """Hold a network together with what its inputs and outputs mean.

    Attributes:
        model: the network, in evaluation mode when loaded.
        tasks: settings of the targets it was trained for.
        scaling: name of the scaling its inputs need.
        transform: settings of the spectrogram its inputs need.
        facts: how it was trained, for people.
        framework: which way from motion to ECG the network belongs to.
    """

    model: Any
    tasks: Mapping[str, Any] = field(default_factory=dict)
    scaling: str = ""
    transform: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    framework: str = DEFAULT_FRAMEWORK

    def described(self) -> dict[str, Any]:
        """Return all but the network, as `save_model` takes it."""
        meaning = {"tasks": dict(self.tasks), "scaling": self.scaling, "transform": dict(self.transform)}
        return {**self.facts, "framework": self.framework, **meaning}


def save_model(
    folder: Path | str,
    model: Any,
    facts: Mapping[str, Any],
    *,
    overwrite: bool = False,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a network's folder, whole or not at all.

    Args:
        folder: the folder to create.
        model: the network, with its `config`.
        facts: plain values; `framework`, `tasks`, `scaling` and `transform` among them are kept under their own keys.
        overwrite: replace a folder that is there.
        dtype: precision that parameters are kept in; running statistics keep theirs.

    Raises:
        InputError: the folder exists and `overwrite` is off, or a weight is too large for `dtype`.
    """
    text = settings_text(model, facts)
    weights = _as_kept(model, dtype)
    with new_folder(folder, overwrite=overwrite) as temporary:
        save_file(weights, temporary / WEIGHTS_FILE)
        (temporary / WEIGHTS_FILE).chmod(0o644)
        (temporary / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def settings_text(model: Any, facts: Mapping[str, Any]) -> str:
    """Return what config.json says of a network; the arguments are those of `save_model`."""
    rest = {key: value for key, value in facts.items() if key not in _KEYS}
    settings = {
        "format": FORMAT,
        "framework": facts.get("framework", DEFAULT_FRAMEWORK),
        "model": model.config.to_dict(),
        "tasks": dict(facts.get("tasks", {})),
        "scaling": facts.get("scaling", ""),
        "transform": dict(facts.get("transform", {})),
        "facts": rest,
    }
    return json.dumps(settings, indent=2, ensure_ascii=False)


def load_model(path: Path | str = DEFAULT) -> Pretrained:
    """Read a network's folder, an .onnx file, or what the package carries by name: "default", "classical".

    Raises:
        FileNotFoundError: the folder, one of its two files or the .onnx file is missing.
        InputError: the configuration is not one, or the weights do not fit it.
    """
    if Path(path).suffix == ".onnx" and not Path(path).is_dir():
        from radarode.models.onnx_network import load_onnx

        return load_onnx(Path(path))
    folder = packaged_folder(str(path)) if str(path) in PACKAGED else Path(path)
    for file in (folder / CONFIG_FILE, folder / WEIGHTS_FILE):
        if not file.is_file():
            raise FileNotFoundError(f"{file} does not exist; give a folder that training wrote, or `{DEFAULT}`.")
    settings = _read_settings(folder / CONFIG_FILE)
    framework = settings["framework"]
    try:
        kind = network_kind(framework)
        config = kind.config.from_dict(settings["model"])
    except InputError as error:
        raise InputError(f"{folder / CONFIG_FILE}: {error}") from None
    model = _fill(kind.network, config, folder / WEIGHTS_FILE).eval()
    rest = (settings[key] for key in ("tasks", "scaling", "transform", "facts", "framework"))
    return Pretrained(model, *rest)


def packaged_folder(name: str = DEFAULT) -> Path:
    """Return the folder of weights that the package carries."""
    return Path(str(resources.files("radarode") / "weights" / PACKAGED[name]))


def _read_settings(file: Path) -> dict[str, Any]:
    if file.stat().st_size > MAX_CONFIG_BYTES:
        raise InputError(f"{file} is larger than 1 MiB, so it is not a network's configuration.")
    return parse_settings(file.read_bytes(), str(file))


def parse_settings(text: bytes | str, file: str) -> dict[str, Any]:
    """Read the text of a config.json, every key of the right kind; `file` is its name in messages.

    Raises:
        InputError: it is not JSON, or not a network's configuration.
    """
    try:
        settings = json.loads(text.decode("utf-8") if isinstance(text, bytes) else text)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{file} is not JSON ({error}).") from None
    if not isinstance(settings, dict) or not isinstance(settings.get("model"), dict):
        raise InputError(f"{file} has no `model` section, so it is not a network's configuration.")
    for key in settings:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(_KEYS)}."
            raise InputError(f"{file}: unknown key `{key}`; {hint}")
    if settings.get("format") != FORMAT:
        raise InputError(f"{file}: `format` must be {FORMAT}; got {settings.get('format')!r}.")
    filled = {"framework": DEFAULT_FRAMEWORK, "tasks": {}, "scaling": "", "transform": {}, "facts": {}} | settings
    kinds = {"framework": str, "tasks": dict, "scaling": str, "transform": dict, "facts": dict}
    for key, kind in kinds.items():
        if not isinstance(filled[key], kind):
            raise InputError(f"{file}: `{key}` must be of type {kind.__name__}.")
    return filled


def _fill(network: Callable[[Any], nn.Module], config: Any, file: Path) -> nn.Module:
    """Build the network without start values and give it the file's weights, once they fit."""
    try:
        weights = {name: value.clone() for name, value in load_file(file).items()}  # not a view of the file
    except SafetensorError as error:
        raise InputError(f"{file} is not a safetensors file, or is cut short ({error}).") from None
    with torch.device("meta"):
        model = network(config)
    wanted = model.state_dict()
    weights = {name: _widened(value, wanted.get(name)) for name, value in weights.items()}
    _check_fit(wanted, weights, file)
    model.load_state_dict(weights, assign=True)
    return model


def _as_kept(model: Any, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return the state of a network with its float32 parameters in `dtype`."""
    state, kept = model.state_dict(), {}
    parameters = dict(model.named_parameters())
    for name, value in state.items():
        plain = value.detach().cpu().contiguous()
        narrow = name in parameters and plain.dtype == torch.float32
        kept[name] = plain.to(dtype) if narrow else plain
        if torch.isfinite(plain).all() and not torch.isfinite(kept[name]).all():
            raise InputError(f"{name} holds weights too large for float16; keep them in bfloat16 or float32.")
    return kept


def _widened(value: Tensor, wanted: Tensor | None) -> Tensor:
    """Bring half precision back to the float32 that the network computes in."""
    half = value.dtype in (torch.float16, torch.bfloat16)
    return value.float() if half and wanted is not None and wanted.dtype == torch.float32 else value


def _check_fit(wanted: Mapping[str, Tensor], weights: Mapping[str, Tensor], file: Path) -> None:
    fix = "Use the config.json that was saved beside these weights."
    missing, extra = sorted(wanted.keys() - weights.keys()), sorted(weights.keys() - wanted.keys())
    if missing or extra:
        what = f"lack {missing[0]}" if missing else f"hold {extra[0]}, which the network has not"
        raise InputError(f"{file} does not fit its config.json: the weights {what}. {fix}")
    for name, tensor in wanted.items():
        if tensor.shape != weights[name].shape or tensor.dtype != weights[name].dtype:
            shapes = f"{tuple(weights[name].shape)} instead of {tuple(tensor.shape)}"
            raise InputError(f"{file} does not fit its config.json: {name} is {shapes}. {fix}")
        if not torch.isfinite(weights[name]).all():
            raise InputError(f"{file} holds NaN or infinite values in {name}; train again or take another file.")
