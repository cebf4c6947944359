"""Ways from motion to ECG behind one face: fit, reconstruct, save, load."""

from __future__ import annotations

from pathlib import Path

from radarode.core.types import ReconstructedEcg, Recording
from radarode.frameworks.base import Fitting, Framework, framework_class, framework_of, load_framework
from radarode.models.pretrained import Pretrained
from radarode.reconstruction.settings import ReconstructSettings

__all__ = ["Fitting", "Framework", "framework_class", "framework_of", "load_framework", "reconstruct"]


def reconstruct(
    recording: Recording,
    weights: Framework | Pretrained | Path | str = "default",
    settings: ReconstructSettings | None = None,
) -> ReconstructedEcg:
    """Turn the motion of a recording into a long-term ECG; its reference, if any, is never looked at.

    Args:
        recording: at 200 Hz, any number of channels that the weights accept, at least one window long.
        weights: a framework, loaded weights, a folder of weights of any framework, "default" or "classical".
        settings: how to merge and choose; `None` takes the defaults.

    Returns:
        An ECG in nominal units with its beats, their quality and the gaps. `reconstructed, not measured; not for
        diagnosis`.

    Raises:
        InputError: the recording is too short, at another rate, or has a channel count that the weights refuse.
    """
    if isinstance(weights, Pretrained):
        weights = framework_of(weights)
    framework = weights if isinstance(weights, Framework) else load_framework(weights)
    return framework.reconstruct(recording, settings)
