"""Names of the files in a run folder."""

CONFIG = "config.yaml"
"""The resolved configuration."""

ENVIRONMENT = "environment.json"
"""Versions, data hash and seed."""

SPLIT = "split.json"
"""Who trained, who validated, who is tested."""

STORE = "store"
"""Spectrograms, unless a store was named."""

WEIGHTS = "weights"
"""The best epoch's network."""
