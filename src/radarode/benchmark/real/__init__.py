"""Real recordings that are free to have: what weights give on them, in three columns."""
