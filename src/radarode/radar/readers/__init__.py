"""Layouts of raw captures, one per file, found by name; what each offers is `radarode.radar.capture.Reader`."""
