"""radarode: contactless ECG from radar. Research software, not a medical device.

The heavy parts load on first use, so that `import radarode` stays fast and does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from radarode.core.errors import InputError
from radarode.core.notice import NOTICE
from radarode.core.types import Beats, ReconstructedEcg, Recording, Scores, Spectrogram, TaskOutputs
from radarode.core.version import __version__

if TYPE_CHECKING:
    from radarode.data.load import load
    from radarode.evaluation import evaluate
    from radarode.frameworks import load_framework, reconstruct
    from radarode.models.pretrained import load_model


_LAZY = {
    "load": "radarode.data.load",
    "load_model": "radarode.models.pretrained",
    "load_framework": "radarode.frameworks",
    "reconstruct": "radarode.frameworks",
    "evaluate": "radarode.evaluation",
}

__all__ = [
    "NOTICE",
    "Beats",
    "InputError",
    "ReconstructedEcg",
    "Recording",
    "Scores",
    "Spectrogram",
    "TaskOutputs",
    "__version__",
    "evaluate",
    "load",
    "load_framework",
    "load_model",
    "reconstruct",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'radarode' has no attribute {name!r}")
