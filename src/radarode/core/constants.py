"""The rates and lengths that every part agrees on (200 Hz motion, 30 Hz frames, 4 s windows)."""

FS_HZ = 200.0
"""Rate of every micro-motion signal and of every reconstructed ECG, in Hz."""

FRAME_RATE_HZ = 30.0
"""Rate of the spectrogram frames, in Hz."""

WINDOW_S = 4.0
"""Length of the window that the network sees, in seconds."""

BAND_HZ = (1.0, 25.0)
"""Lowest and highest centre frequency of the spectrogram rows, in Hz."""

N_ROWS = 71
"""Number of log-spaced spectrogram rows over `BAND_HZ`."""

WINDOW_FRAMES = round(WINDOW_S * FRAME_RATE_HZ)
WINDOW_SAMPLES = round(WINDOW_S * FS_HZ)

R_FRACTION = 0.43
"""Where in its cycle the R peak stands: the place that the McSharry model gives it by default."""
