"""Lab Streaming Layer: an outlet with the drawn ECG and one with a marker at every R peak."""

from __future__ import annotations

from typing import Any

import numpy as np

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.notice import NOTICE
from radarode.stream.sources.lsl import import_pylsl
from radarode.stream.types import SourceFacts, Update

MARKER = "R"
MARKERS_SUFFIX = " R peaks"
SLEW = 0.02
"""How much of a deviation each update moves the stream's clock on LSL's: jitter is smoothed, drift followed."""


class LslSink:
    """Offer a stream as two outlets: NAME (one channel, 200 Hz, nominal units) and "NAME R peaks" (markers).

    Samples and markers carry the time at which their motion was measured, as far as this machine can tell, on the
    clock of LSL; both lag behind the present by the lag of the drawn ECG. Gaps are NaN. The descriptions hold the
    notice and whether the motion is simulated.

    Args:
        name: name of the ECG's outlet.

    Raises:
        InputError: pylsl is not installed, or the name is empty.
    """

    def __init__(self, name: str) -> None:
        import_pylsl()
        if not name.strip():
            raise InputError.of("name", "the name of the outlet", repr(name))
        self.name = name
        self._ecg: Any = None
        self._markers: Any = None
        self._zero_s: float | None = None

    def begin(self, facts: SourceFacts) -> None:
        """Open the outlets; behind a restart they stay open, and only the clock begins anew."""
        self._zero_s = None
        if self._ecg is not None:
            return
        pylsl = import_pylsl()
        ecg = pylsl.StreamInfo(self.name, "ECG", 1, FS_HZ, "float32", f"radarode {self.name} ecg")
        markers_name = f"{self.name}{MARKERS_SUFFIX}"
        markers = pylsl.StreamInfo(
            markers_name, "Markers", 1, pylsl.IRREGULAR_RATE, "string", f"radarode {self.name} markers"
        )
        for info, label, unit in ((ecg, "ECG reconstructed", "nominal"), (markers, "R peak", "marker")):
            info.set_channel_labels([label])
            info.set_channel_units([unit])
            info.desc().append_child_value("notice", NOTICE)
            info.desc().append_child_value("simulated", str(facts.simulated).lower())
            info.desc().append_child_value("source", facts.name)
            info.desc().append_child_value("manufacturer", "radarode")
        self._ecg, self._markers = pylsl.StreamOutlet(ecg), pylsl.StreamOutlet(markers)

    def write(self, update: Update) -> None:
        """Push the drawn samples and the R peaks among them."""
        if self._ecg is None or not len(update.drawn):
            return
        end_s = (update.drawn_first + len(update.drawn)) / FS_HZ
        seen_s = import_pylsl().local_clock() - update.lag_s - end_s
        zero_s = seen_s if self._zero_s is None else self._zero_s + SLEW * (seen_s - self._zero_s)
        self._zero_s = zero_s
        values = np.ascontiguousarray(update.drawn[:, None], np.float32)
        self._ecg.push_chunk(values, zero_s + end_s - 1 / FS_HZ)
        for r_s in update.drawn_beats.r_s.tolist():
            self._markers.push_sample([MARKER], zero_s + r_s)

    def close(self) -> None:
        """Close both outlets."""
        self._ecg = self._markers = None
