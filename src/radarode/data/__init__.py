"""Recordings in and out: readers, the native file, the window store, splits, noise and augmentation."""
