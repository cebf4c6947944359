"""Signals: resampling, derivatives, gaps, R peaks, time-frequency transforms, the ECG model."""
