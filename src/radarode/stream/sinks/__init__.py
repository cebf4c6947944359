"""Where streams go, one kind per file."""
